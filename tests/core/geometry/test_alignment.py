"""Spheres and motions are found again, from points that they made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from core.geometry.alignment import align_similarity, fit_rigid, fit_sphere
from tests.core.face_model.small_heads import ellipsoid

coordinate = st.floats(-0.1, 0.1)
point = st.tuples(coordinate, coordinate, coordinate).map(np.array)


@given(st.integers(0, 10_000), st.floats(0.2, 5.0))
@settings(max_examples=30)
def test_alignment_undoes_any_similarity(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    target = rng.standard_normal((30, 3))
    rotation, translation = Rotation.random(random_state=seed).as_matrix(), rng.standard_normal(3)
    source = ((target - translation) @ rotation) / scale
    found = align_similarity(source, target, rng.uniform(0.1, 1, 30))
    assert np.allclose(found[0], scale) and np.allclose(found[1], rotation)
    assert np.allclose(found[2], translation)


@given(point, st.floats(0.005, 0.05))
def test_sphere_is_found_although_a_cornea_bulges(centre: np.ndarray, radius: float) -> None:
    points, _ = ellipsoid(centre, np.full(3, radius), 20, 20)
    bulge = points[:, 2] > centre[2] + 0.9 * radius
    points[bulge, 2] += 0.1 * radius
    found, found_radius = fit_sphere(points)
    np.testing.assert_allclose(found, centre, atol=0.02 * radius)
    assert found_radius == pytest.approx(radius, rel=0.02)


@given(st.integers(0, 10_000), point)
def test_a_rigid_motion_is_found_again(seed: int, shift: np.ndarray) -> None:
    points = np.random.default_rng(seed).normal(0, 0.03, (50, 3))
    turn = Rotation.random(random_state=seed).as_matrix()
    rotation, translation = fit_rigid(points, points @ turn.T + shift)
    np.testing.assert_allclose(rotation, turn, atol=1e-9)
    np.testing.assert_allclose(translation, shift, atol=1e-9)
