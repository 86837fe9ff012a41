"""FEAFA: videos whose frames carry 24 action units between 0 and 1 (Yan et al., 2019).

Layout: any folders of pictures; beside each picture ``NAME.jpg`` a text ``NAME.auw`` (or ``NAME.txt``) of 24
numbers. They are read in the order of ``models.evaluation.expression_error.UNITS``; where a copy has another
one, a file ``units.txt`` at the top names the units of the columns, one a line.

Never run on the real data. The order of the columns is from memory of the paper's table: check it with
``units.txt`` before you believe a figure.

CPEM's table 1 is of the first 20 videos, and of their frames that show a unit above 0.8: 1,173 pictures (its
supplement). A video is a folder of pictures here, and the first are those whose paths come first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jaxtyping import Float
from numpy import ndarray

from core.errors import DataUnreadable
from models.evaluation.datasets.files import PICTURES, need_any, need_folder, read_numbers
from models.evaluation.expression_error import UNITS

_ORDER: Final = "units.txt"
_LABELS: Final = (".auw", ".txt")

PAPERS_VIDEOS: Final = 20
"""CPEM tests on so many, the first."""

PAPERS_SHOWN: Final = 0.8
"""CPEM tests on frames that show a unit above this."""

PAPERS_PICTURES: Final = 1173
"""How many those are in CPEM's copy."""


@dataclass(frozen=True)
class LabelledFrame:
    """A picture and its label file.

    Attributes:
        of_paper: whether its video is one of those that CPEM tests on.
    """

    picture: Path
    label: Path
    of_paper: bool


class Feafa:
    """All labelled frames."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            DataUnreadable: there is no labelled picture, or ``units.txt`` is not of the 24 units.
        """
        need_folder(folder, "FEAFA's pictures and their .auw files")
        pictures = need_any(
            (file for file in folder.rglob("*") if file.suffix.lower() in PICTURES), folder, "picture"
        )
        first = sorted({picture.parent for picture in pictures})[:PAPERS_VIDEOS]
        frames = [
            LabelledFrame(picture, label, picture.parent in first)
            for picture in pictures
            for ending in _LABELS
            if (label := picture.with_suffix(ending)).is_file()
        ]
        if not frames:
            raise DataUnreadable(f"{folder} has no .auw file beside {pictures[0]}.", "Fetch the labels too.")
        self.frames = frames
        self._columns = _columns(folder / _ORDER)

    def units(self, frame: LabelledFrame) -> Float[ndarray, "24"]:
        """The true units of a frame, in the order of ``UNITS``.

        Raises:
            DataUnreadable: the label does not hold 24 numbers.
        """
        return read_numbers(frame.label, len(UNITS))[self._columns]


def _columns(order: Path) -> list[int]:
    names = list(UNITS)
    if not order.is_file():
        return list(range(len(names)))
    listed = [line.strip().lower() for line in order.read_text(encoding="utf-8").splitlines() if line.strip()]
    if sorted(listed) != sorted(names):
        wrong = sorted(set(listed) ^ set(names))
        raise DataUnreadable(
            f"{order} does not name the 24 units once each: {', '.join(wrong) or 'one is named twice'}.",
            f"The names are: {', '.join(names)}.",
        )
    return [listed.index(name) for name in names]
