"""Found heads stand as the template does, and stay before their cameras."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.types import PhotoFit
from core.fitting.upright import stand_upright, upright_turn
from core.scene.camera import Camera
from core.tracking.clip_identity import head_points, upright_points


@pytest.fixture(scope="module")
def anny() -> FaceModel:
    return load_model("anny")


def a_head(model: FaceModel, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(len(model.identity_basis))


@given(st.tuples(*[st.floats(-0.4, 0.4)] * 3), st.floats(0.5, 2))
def test_a_turned_template_is_turned_back(angles: tuple[float, ...], size: float) -> None:
    points = np.random.default_rng(0).normal(size=(30, 3))
    turn = Rotation.from_rotvec(angles).as_matrix()
    found, shift = upright_turn(size * points @ turn.T + 3, points)
    np.testing.assert_allclose(found @ turn, np.eye(3), atol=1e-9)
    middle = (size * points @ turn.T + 3).mean(axis=0)
    np.testing.assert_allclose(found @ middle + shift, middle, atol=1e-9)


def test_heads_of_a_model_need_it(anny: FaceModel) -> None:
    """Their own pitches differ by degrees; afterwards none is left."""
    template = anny.landmarks(anny.template)
    before = [
        upright_turn(anny.landmarks(anny.neutral(a_head(anny, k).astype(np.float32))), template)[0]
        for k in range(10)
    ]
    after = [upright_turn(upright_points(anny, a_head(anny, k)).rest, template)[0] for k in range(10)]
    assert np.degrees(Rotation.from_matrix(before).magnitude()).max() > 1
    assert np.degrees(Rotation.from_matrix(after).magnitude()).max() < 1e-4


def test_units_and_normals_turn_along(anny: FaceModel) -> None:
    plain = head_points(anny, anny.neutral(a_head(anny, 3).astype(np.float32)))
    upright = upright_points(anny, a_head(anny, 3))
    turn, shift = upright_turn(plain.rest, anny.landmarks(anny.template))
    smile = plain.rest + plain.units.sum(axis=0)
    np.testing.assert_allclose(upright.rest + upright.units.sum(axis=0), smile @ turn.T + shift, atol=1e-6)
    np.testing.assert_allclose(upright.normals, plain.normals @ turn.T, atol=1e-5)


def test_a_head_stays_before_its_cameras(anny: FaceModel) -> None:
    neutral = anny.neutral(a_head(anny, 5).astype(np.float32))
    rotation = Rotation.from_rotvec([0.2, -0.5, 0.1]).as_matrix() @ np.diag([1.0, -1.0, -1.0])
    photo = PhotoFit(Camera.centred(800, 640, 640), rotation, np.array([0.02, 0.01, 0.7]), np.zeros(52))
    upright, (moved,) = stand_upright(anny, neutral, [photo])
    assert np.abs(upright - neutral).max() > 1e-4
    np.testing.assert_allclose(
        upright @ moved.rotation.T + moved.translation,
        neutral @ photo.rotation.T + photo.translation,
        atol=1e-6,
    )
