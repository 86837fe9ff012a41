"""Eyes, teeth and cavities follow a corrected skin."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import ndarray

from core.deformation.interior import settle_neutral, skin_components
from core.face_model.model import FaceModel

INSIDE = ("eye_left", "eye_right", "teeth_upper", "teeth_lower", "tongue", "mouth_interior", "eye_socket")


def with_skin(model: FaceModel, head: ndarray, skin: ndarray) -> ndarray:
    return np.where(model.region_mask("skin")[:, None], skin, head).astype(np.float32)


@settings(max_examples=8, deadline=None)
@given(scale=st.floats(0.9, 1.1), shift=st.floats(-0.01, 0.01))
def test_insides_take_part_in_a_similarity_of_the_skin(anny: FaceModel, scale: float, shift: float) -> None:
    wanted = anny.template * np.float32(scale) + np.float32(shift)
    settled = settle_neutral(anny, with_skin(anny, anny.template, wanted), anny.template)
    inside = anny.region_mask(*INSIDE)
    np.testing.assert_allclose(settled[inside], wanted[inside], atol=1e-5)


def test_a_head_of_the_model_keeps_its_eyes_and_cavities(anny: FaceModel) -> None:
    rng = np.random.default_rng(5)
    head = anny.neutral((0.5 * rng.standard_normal(len(anny.identity_basis))).astype(np.float32))
    kept = anny.region_mask("eye_left", "eye_right", "eye_socket", "mouth_interior", "skin")
    np.testing.assert_allclose(settle_neutral(anny, head, head)[kept], head[kept], atol=1e-6)
    # without a base the nearest head of the model takes its place
    np.testing.assert_allclose(settle_neutral(anny, head)[kept], head[kept], atol=3e-4)


def test_nothing_tears_where_a_cheek_and_a_lid_are_pushed_out(anny: FaceModel) -> None:
    away = np.linalg.norm(anny.template - anny.template[anny.region_mask("eye_left")].mean(axis=0), axis=1)
    push = 0.003 * np.exp(-0.5 * (away / 0.015) ** 2)[:, None] * [0, 0, 1]
    settled = settle_neutral(anny, with_skin(anny, anny.template, anny.template + push), anny.template)
    moved = settled - anny.template
    edges = anny.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    edges = edges[skin_components(anny)[edges].all(axis=1)]
    length = np.linalg.norm(np.diff(anny.template[edges], axis=1)[:, 0], axis=1)
    change = np.linalg.norm(np.diff(moved[edges], axis=1)[:, 0], axis=1)
    assert (change / (length + 5e-4)).max() < 0.5
    eye, other = anny.region_mask("eye_left"), anny.region_mask("eye_right")
    assert moved[eye, 2].mean() > 0.0015
    assert np.abs(moved[other]).max() < 5e-4
