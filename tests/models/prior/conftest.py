"""A folder of made-up people: landmarks that move linearly with the coefficients, no rendering."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from models.prior.expressions import FRAMES, ExpressionSampler

PEOPLE = 60


@pytest.fixture(scope="session")
def anny() -> FaceModel:
    return load_model("anny")


@pytest.fixture(scope="session")
def people_folder(anny: FaceModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anny's landmarks projected without perspective, with a little noise."""
    folder = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    sampler = ExpressionSampler()
    corners = anny.triangles[anny.landmark_triangles]
    deltas = np.einsum("lk,elkd->eld", anny.landmark_barycentrics, anny.expression_deltas[:, corners])
    looks, expressions = [], []
    for number in range(PEOPLE):
        pair = np.random.default_rng([1, number // 2])
        coefficients = sampler.person(pair, rng)
        neutral = anny.landmarks(anny.neutral(0.8 * rng.standard_normal(120).astype(np.float32)))
        posed = neutral + np.tensordot(coefficients, deltas, axes=1)
        pixels = 100 + 500 * posed * np.array([1, -1, -1])
        looks.append(pixels[:, None] + rng.normal(0, 0.3, (FRAMES, 2, 478, 3)))
        expressions.append(coefficients)
    np.savez(
        folder / "anny-0-0000.npz",
        looks=np.concatenate(looks).astype(np.float32),
        expression=np.concatenate(expressions),
        presence=np.ones(PEOPLE * FRAMES, np.float32),
        person=np.repeat(np.arange(PEOPLE, dtype=np.int32), FRAMES),
    )
    return folder
