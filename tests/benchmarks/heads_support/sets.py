"""The sets that heads are judged on, and which half of each decides settings and which is reported.

The halves are fixed in code. Settings are chosen on *decide* alone; *report* is looked at afterwards. The
scan is reported only: there is one, and no other set's shape comes from a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tests.benchmarks.heads_support.case import Case, Half
from tests.benchmarks.heads_support.ict_heads import SEEDS, ict_head
from tests.benchmarks.heads_support.people import CLIPS, KIRA, SAME_PERSON, clip, kira, same_person
from tests.benchmarks.heads_support.shape_error import MARKS_68, TrueFace
from tests.benchmarks.support.reading import data_folder

HEADS_B: Final[dict[str, Half]] = {
    "head_1": "decide",
    "head_2": "report",
    "head_3": "decide",
    "head_4": "report",
    "head_5": "decide",
}
SCAN: Final[dict[str, Half]] = {"leeperrysmith": "report"}
_NARROW_FACE: Final = 6706  # vertices of ICT's "narrow face area", which come first


@dataclass(frozen=True)
class CaseSet:
    """Names of a set's cases with their halves, and how one is made, which may render or look for frames."""

    halves: Mapping[str, Half]
    make: Callable[[str, Half], Case]

    def names(self, half: Half | Literal["all"]) -> list[str]:
        """Of the cases of a half."""
        return [name for name, own in self.halves.items() if half in ("all", own)]

    def case(self, name: str) -> Case:
        """The case of a name.

        Raises:
            KeyError: there is none.
        """
        return self.make(name, self.halves[name])


def cases(sets: Sequence[str] = (), half: Half | Literal["all"] = "all") -> list[Case]:
    """The cases of some sets, by default of all.

    Raises:
        KeyError: there is no set of a name.
    """
    chosen = [SETS[name] for name in sets or SETS]
    return [one.case(name) for one in chosen for name in one.names(half)]


def _head_b(name: str, half: Half) -> Case:
    folder = data_folder() / "heads_b" / name
    with np.load(folder / "neutral.npz") as stored:
        vertices, marks = 1e-3 * stored["vertices"].astype(np.float64), stored["landmarks68"]
    truth = TrueFace(vertices[:_NARROW_FACE], vertices[marks], np.array(MARKS_68))
    return Case("heads_b", name, half, tuple(sorted(folder.glob("*.jpg"))), truth)


def _scan(name: str, half: Half) -> Case:
    folder = data_folder() / "scans" / name / "photos"
    with np.load(folder / "truth.npz") as stored:
        vertices, face = 1e-3 * stored["vertices"].astype(np.float64), stored["face"]
        landmarks = 1e-3 * stored["landmarks"]
    # the outline slides with the view
    inner = np.array([mark for mark in MARKS_68[17:] if np.isfinite(landmarks[mark]).all()])
    truth = TrueFace(vertices[face], landmarks[inner], inner)
    return Case("scan", name, half, tuple(sorted(folder.glob("*.jpg"))), truth)


SETS: Final[dict[str, CaseSet]] = {
    "heads_b": CaseSet(HEADS_B, _head_b),
    "scan": CaseSet(SCAN, _scan),
    "ict": CaseSet(SEEDS, ict_head),
    "kira": CaseSet(KIRA, kira),
    "same_person": CaseSet(SAME_PERSON, same_person),
    "clips": CaseSet(CLIPS, clip),
}
