"""Heads and rigs of cases, kept until the sources they depend on change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.face_model.model import FaceModel
from core.photos_to_rig import RigOptions, build_rig
from core.rig import Rig, load_rig, save_rig
from models.face_reader import rig_reader
from tests.benchmarks.heads_support.case import Case, face_model
from tests.benchmarks.heads_support.store import code_key, folder, kept_arrays, key_of


@dataclass(frozen=True)
class Fit:
    """A head of some photos.

    Attributes:
        posed: with each photo's expression, in head space.
    """

    model: FaceModel
    neutral: Float32[ndarray, "vertices 3"]
    posed: Float32[ndarray, "photos vertices 3"]


def fit_of(case: Case, chosen: Sequence[int], fresh: bool = False) -> Fit:
    """The head of some of a case's views, without texture.

    Args:
        fresh: fit anew, whatever is kept.
    """

    def make() -> dict[str, ndarray]:
        head = case.fit(chosen)
        return {"neutral": head.neutral, "posed": np.stack([head.posed(photo) for photo in head.photos])}

    arrays = kept_arrays("heads", fit_key(case, chosen), make, fresh)
    return Fit(face_model(), arrays["neutral"], arrays["posed"])


def rig_of(case: Case, chosen: Sequence[int], fresh: bool = False) -> Rig:
    """The rig of some of a case's photos, as the job makes it, with a texture of 1,024 texels a side."""
    file = folder("rigs") / f"{fit_key(case, chosen)}.semrig"
    if fresh or not file.is_file():
        paths = [view.path for view in case.chosen(chosen)]
        save_rig(build_rig(paths, options=RigOptions(case.name, "draft"), reader=rig_reader()), file)
    return load_rig(file)


def fit_key(case: Case, chosen: Sequence[int]) -> str:
    """Of everything that a fit depends on."""
    return key_of(_code(), [view.key for view in case.chosen(chosen)])


def spread_by_yaw(case: Case, most: int) -> list[int]:
    """Numbers of at most so many views, from one side to the other in even steps of yaw."""
    yaws = np.array([view.yaw for view in case.views])
    if len(yaws) <= most:
        return list(range(len(yaws)))
    left, chosen = set(range(len(yaws))), []
    for target in np.linspace(yaws.min(), yaws.max(), most):
        chosen.append(min(left, key=lambda number: abs(yaws[number] - target)))
        left.remove(chosen[-1])
    return sorted(chosen)


@lru_cache
def _code() -> str:
    return code_key("core", "models/weights")
