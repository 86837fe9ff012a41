"""The sets that heads are judged on, and which half of each decides settings and which is reported.

The halves are fixed here. Settings are chosen on *decide* alone; *report* is looked at afterwards. The scan is
reported only: there is one, and it is the only set whose shape comes from a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.face_belief import FaceBelief
from core.fitting.head import fit_head
from core.fitting.types import FittedHead, Observation
from tests.benchmarks.heads_support.shape_error import MARKS_68, TrueFace
from tests.benchmarks.heads_support.views import View, belief_of, view_of
from tests.benchmarks.reading import data_folder

Half = Literal["decide", "report"]

HEADS_B: Final[dict[Half, tuple[int, ...]]] = {"decide": (1, 3, 5), "report": (2, 4)}
_NARROW_FACE: Final = 6706  # vertices of ICT's "narrow face area", which come first


@dataclass(frozen=True)
class Case:
    """A person, or a head, with photos.

    Attributes:
        set: its set's name.
        truth: where the shape is known.
    """

    set: str
    name: str
    half: Half
    paths: tuple[Path, ...]
    truth: TrueFace | None = None

    @cached_property
    def views(self) -> list[View]:
        """The photos that show a face."""
        return [view for path in self.paths if (view := view_of(path)) is not None]

    @property
    def missed(self) -> list[str]:
        """Photos in which no face was found."""
        found = {view.path for view in self.views}
        return [path.stem for path in self.paths if path not in found]

    def observations(self, chosen: Sequence[int] | None = None) -> list[Observation]:
        """Of all views, or those of some numbers."""
        return [view.observation for view in self.chosen(chosen)]

    def belief(self, chosen: Sequence[int] | None = None) -> FaceBelief | None:
        """RecNet's, of all views or those of some numbers."""
        return belief_of(self.chosen(chosen))

    def chosen(self, numbers: Sequence[int] | None = None) -> list[View]:
        """All views, or those of some numbers."""
        return self.views if numbers is None else [self.views[number] for number in numbers]

    def fit(self, chosen: Sequence[int] | None = None) -> FittedHead:
        """The head that rigs get from the views, without texture."""
        return fit_head(face_model(), self.observations(chosen), None, self.belief(chosen))


@dataclass(frozen=True)
class Unfitted:
    """The mean head of a model, where a fitted one is asked for."""

    model: FaceModel

    @property
    def neutral(self) -> Float32[ndarray, "vertices 3"]:
        return self.model.template


@lru_cache
def face_model() -> FaceModel:
    """The face model that rigs are made of."""
    return load_model("anny")


def cases(sets: Sequence[str] = (), half: Half | Literal["all"] = "all") -> list[Case]:
    """The cases of some sets, by default of all.

    Raises:
        KeyError: there is no set of a name.
    """
    found = [case for name in sets or SETS for case in SETS[name]()]
    return [case for case in found if half in ("all", case.half)]


def _heads_b() -> list[Case]:
    made = []
    for half, numbers in HEADS_B.items():
        for number in numbers:
            folder = data_folder() / "heads_b" / f"head_{number}"
            with np.load(folder / "neutral.npz") as stored:
                vertices, marks = 1e-3 * stored["vertices"].astype(np.float64), stored["landmarks68"]
            truth = TrueFace(vertices[:_NARROW_FACE], vertices[marks], np.array(MARKS_68))
            made.append(Case("heads_b", f"head_{number}", half, tuple(sorted(folder.glob("*.jpg"))), truth))
    return sorted(made, key=lambda case: case.name)


def _scan() -> list[Case]:
    folder = data_folder() / "scans" / "leeperrysmith" / "photos"
    with np.load(folder / "truth.npz") as stored:
        vertices, face = 1e-3 * stored["vertices"].astype(np.float64), stored["face"]
        landmarks = 1e-3 * stored["landmarks"]
    inner = np.array([mark for mark in MARKS_68[17:] if np.isfinite(landmarks[mark]).all()])
    truth = TrueFace(vertices[face], landmarks[inner], inner)
    return [Case("scan", "leeperrysmith", "report", tuple(sorted(folder.glob("*.jpg"))), truth)]


SETS: Final[dict[str, Callable[[], list[Case]]]] = {"heads_b": _heads_b, "scan": _scan}
