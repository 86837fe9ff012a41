"""Tables of figures, in Markdown and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Cell = float | str


@dataclass(frozen=True)
class Table:
    """Figures of methods beside those that papers print.

    Attributes:
        title: one line.
        headings: of the columns, the method's first.
        rows: a name, then a cell a column.
        papers: the same for what papers print, with the source as the last cell of each row.
        notes: what a reader must know, a sentence or two each.
        decimals: of the figures in Markdown.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    papers: Sequence[Sequence[Cell]] = ()
    notes: Sequence[str] = ()
    decimals: int = 2

    def markdown(self) -> str:
        """The table as a section of a Markdown page."""
        headings = [*self.headings, "source"] if self.papers else list(self.headings)
        lines = [[*row, "this run"] if self.papers else list(row) for row in self.rows]
        lines += [list(row) for row in self.papers]
        text = [f"## {self.title}", "", _line(headings), _line(["---"] * len(headings))]
        text += [_line([_shown(cell, self.decimals) for cell in line]) for line in lines]
        text += [""] + [f"- {note}" for note in self.notes] if self.notes else []
        return "\n".join(text) + "\n"

    def facts(self) -> dict[str, Any]:
        """The table for machines; what is not known is null."""
        return {
            "title": self.title,
            "rows": [_named(self.headings, row) for row in self.rows],
            "papers": [_named([*self.headings, "source"], row) for row in self.papers],
            "notes": list(self.notes),
        }


def _named(headings: Sequence[str], row: Sequence[Cell]) -> dict[str, Cell | None]:
    return {name: None if _unknown(cell) else cell for name, cell in zip(headings, row, strict=True)}


def _unknown(cell: Cell) -> bool:
    return not isinstance(cell, str) and bool(np.isnan(cell))


def _shown(cell: Cell, decimals: int) -> str:
    if isinstance(cell, str):
        return cell
    if _unknown(cell):
        return "-"
    return f"{cell:.{decimals}f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
