"""The sets that heads are judged on, and which half of each decides settings and which is reported.

The halves are fixed in code. Settings are chosen on *decide* alone; *report* is looked at afterwards. The
scan is reported only: there is one, and no other set's shape comes from a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

import numpy as np

from tests.benchmarks.heads_support.case import Case, Half
from tests.benchmarks.heads_support.ict_heads import ict_cases
from tests.benchmarks.heads_support.people import clips, kira, same_person
from tests.benchmarks.heads_support.shape_error import MARKS_68, TrueFace
from tests.benchmarks.reading import data_folder

HEADS_B: Final[dict[int, Half]] = {1: "decide", 2: "report", 3: "decide", 4: "report", 5: "decide"}
_NARROW_FACE: Final = 6706  # vertices of ICT's "narrow face area", which come first


def cases(sets: Sequence[str] = (), half: Half | Literal["all"] = "all") -> list[Case]:
    """The cases of some sets, by default of all.

    Raises:
        KeyError: there is no set of a name.
    """
    found = [case for name in sets or SETS for case in SETS[name]()]
    return [case for case in found if half in ("all", case.half)]


def _heads_b() -> list[Case]:
    made = []
    for number, half in HEADS_B.items():
        folder = data_folder() / "heads_b" / f"head_{number}"
        with np.load(folder / "neutral.npz") as stored:
            vertices, marks = 1e-3 * stored["vertices"].astype(np.float64), stored["landmarks68"]
        truth = TrueFace(vertices[:_NARROW_FACE], vertices[marks], np.array(MARKS_68))
        made.append(Case("heads_b", f"head_{number}", half, tuple(sorted(folder.glob("*.jpg"))), truth))
    return made


def _scan() -> list[Case]:
    folder = data_folder() / "scans" / "leeperrysmith" / "photos"
    with np.load(folder / "truth.npz") as stored:
        vertices, face = 1e-3 * stored["vertices"].astype(np.float64), stored["face"]
        landmarks = 1e-3 * stored["landmarks"]
    # the outline slides with the view
    inner = np.array([mark for mark in MARKS_68[17:] if np.isfinite(landmarks[mark]).all()])
    truth = TrueFace(vertices[face], landmarks[inner], inner)
    return [Case("scan", "leeperrysmith", "report", tuple(sorted(folder.glob("*.jpg"))), truth)]


SETS: Final[dict[str, Callable[[], list[Case]]]] = {
    "heads_b": _heads_b,
    "scan": _scan,
    "ict": ict_cases,
    "kira": kira,
    "same_person": same_person,
    "clips": clips,
}
