"""What evaluations share: which pictures are looked at, who looks, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.face_model.model import FaceModel
from models.evaluation.prediction import Eyes, Predictor

Item = TypeVar("Item")


@dataclass
class Run:
    """One evaluation of some methods.

    Attributes:
        methods: in the order of the table.
        model: finds landmarks on scans that come without.
        told: is told the fraction done, and may raise to stop.
        most: of a dataset's pictures, spread evenly over it; all where none is given.
        missed: in how many pictures no face was found, or the truth could not be measured.
        seen: how many were evaluated.
    """

    methods: Sequence[Predictor]
    eyes: Eyes
    model: FaceModel
    told: Callable[[float], None] = lambda fraction: None
    most: int | None = None
    missed: int = 0
    seen: int = 0

    def over(self, items: Sequence[Item]) -> Iterator[Item]:
        """The chosen items, one after the other, with progress told."""
        chosen = spread(items, self.most)
        for done, item in enumerate(chosen):
            self.told(done / len(chosen))
            yield item
        self.told(1.0)

    def note(self) -> str:
        """How many pictures the figures are of."""
        words = f"{self.seen} pictures"
        if self.missed:
            words += f"; {self.missed} more were left out (no face found, or no truth there)"
        return words + "."


def spread(items: Sequence[Item], most: int | None) -> list[Item]:
    """At most so many items, evenly spread over all."""
    if most is None or most >= len(items):
        return list(items)
    return [items[int(index)] for index in np.linspace(0, len(items) - 1, most).round()]
