"""A folder of made-up people: landmarks that move linearly with the coefficients, no rendering."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.face_model.model import FaceModel
from models.data.expressions import FRAMES, ExpressionSampler

PEOPLE = 60


@pytest.fixture(scope="session")
def people_folder(anny: FaceModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anny's landmarks, turned a little and projected without perspective, with a little noise."""
    folder = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    sampler = ExpressionSampler()
    corners = anny.triangles[anny.landmark_triangles]
    deltas = np.einsum("lk,elkd->eld", anny.landmark_barycentrics, anny.expression_deltas[:, corners])
    looks, expressions, turns, rests = [], [], [], []
    for number in range(PEOPLE):
        pair = np.random.default_rng([1, number // 2])
        coefficients = sampler.person(pair, rng)
        neutral = anny.landmarks(anny.neutral(0.8 * rng.standard_normal(120).astype(np.float32)))
        posed = neutral + np.tensordot(coefficients, deltas, axes=1)
        turn = np.diag([1.0, -1.0, -1.0]) @ Rotation.from_rotvec(rng.normal(0, 0.2, (FRAMES, 3))).as_matrix()
        pixels = 100 + 500 * posed @ turn.transpose(0, 2, 1)
        looks.append(pixels[:, None] + rng.normal(0, 0.3, (FRAMES, 2, 478, 3)))
        expressions.append(coefficients)
        turns.append(turn)
        rests.append(np.repeat(neutral[None], FRAMES, axis=0))
    np.savez(
        folder / "anny-0-0000.npz",
        looks=np.concatenate(looks).astype(np.float32),
        expression=np.concatenate(expressions),
        presence=np.ones(PEOPLE * FRAMES, np.float32),
        rotation=np.concatenate(turns).astype(np.float32),
        translation=np.tile(np.array([0, 0, 100], np.float32), (PEOPLE * FRAMES, 1)),
        at_rest=np.concatenate(rests).astype(np.float32),
        person=np.repeat(np.arange(PEOPLE, dtype=np.int32), FRAMES),
    )
    return folder
