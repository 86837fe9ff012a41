"""One person's photos, and the head that they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, Protocol

from jaxtyping import Float32
from numpy import ndarray

from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.face_belief import FaceBelief
from core.fitting.head import fit_head
from core.fitting.types import FittedHead, Observation
from tests.benchmarks.heads_support.shape_error import ShapeError, TrueFace, shape_error
from tests.benchmarks.heads_support.views import View, belief_of, view_of

Half = Literal["decide", "report"]


@dataclass(frozen=True)
class Case:
    """A person, or a head, with photos.

    Attributes:
        set: its set's name.
        half: whether settings may be chosen on it, or only reported.
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

    def chosen(self, numbers: Sequence[int] | None = None) -> list[View]:
        """All views, or those of some numbers."""
        return self.views if numbers is None else [self.views[number] for number in numbers]

    def observations(self, chosen: Sequence[int] | None = None) -> list[Observation]:
        """Of all views, or those of some numbers."""
        return [view.observation for view in self.chosen(chosen)]

    def belief(self, chosen: Sequence[int] | None = None) -> FaceBelief | None:
        """RecNet's, of all views or those of some numbers."""
        return belief_of(self.chosen(chosen))

    def fit(self, chosen: Sequence[int] | None = None) -> FittedHead:
        """The head that rigs get from the views, without texture."""
        return fit_head(face_model(), self.observations(chosen), None, self.belief(chosen))


class Head(Protocol):
    """What is judged: a fitted head, or any neutral of a model."""

    @property
    def model(self) -> FaceModel: ...

    @property
    def neutral(self) -> Float32[ndarray, "vertices 3"]: ...


@dataclass(frozen=True)
class Neutral:
    """A neutral head of a model."""

    model: FaceModel
    neutral: Float32[ndarray, "vertices 3"]


def unfitted() -> Neutral:
    """The mean head, where a fitted one is asked for."""
    return Neutral(face_model(), face_model().template)


@lru_cache
def face_model() -> FaceModel:
    """The face model that rigs are made of."""
    return load_model("anny")


def score(case: Case, head: Head) -> ShapeError:
    """How far the case's true face is from the head.

    Raises:
        ValueError: the shape of the case is not known.
    """
    if case.truth is None:
        raise ValueError(f"Nobody knows the true shape of {case.name}.")
    landmarks = head.model.landmarks(head.neutral)
    return shape_error(case.truth, head.neutral, head.model.triangles, landmarks)
