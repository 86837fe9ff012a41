"""Sets of photos with and without truth, and what a head is judged by on them.

for case in cases(["heads_b", "scan"], half="decide"):
    head = fit_head(face_model(), case.observations(), belief=case.belief())
    print(case.set, case.name, score(case, head))
"""

from typing import Protocol

from jaxtyping import Float32
from numpy import ndarray

from core.face_model.model import FaceModel
from tests.benchmarks.heads_support.sets import SETS, Case, Half, Unfitted, cases, face_model
from tests.benchmarks.heads_support.shape_error import ShapeError, shape_error


class Head(Protocol):
    """What is judged: a fitted head, or any neutral of a model."""

    @property
    def model(self) -> FaceModel: ...

    @property
    def neutral(self) -> Float32[ndarray, "vertices 3"]: ...


def score(case: Case, head: Head) -> ShapeError:
    """How far the case's true face is from the head.

    Raises:
        ValueError: the shape of the case is not known.
    """
    if case.truth is None:
        raise ValueError(f"Nobody knows the true shape of {case.name}.")
    landmarks = head.model.landmarks(head.neutral)
    return shape_error(case.truth, head.neutral, head.model.triangles, landmarks)


__all__ = ["SETS", "Case", "Half", "Head", "ShapeError", "Unfitted", "cases", "face_model", "score"]
