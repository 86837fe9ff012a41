from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.geometry.closest import closest_points

TRIANGLE = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
FACES = np.array([[0, 1, 2]])


@given(st.integers(0, 10_000))
def test_no_point_of_the_triangle_is_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-2, 2, (20, 3))
    found = closest_points(points, TRIANGLE, FACES)
    inside = rng.dirichlet(np.ones(3), 500) @ TRIANGLE
    sampled = np.linalg.norm(points[:, None] - inside[None], axis=-1).min(axis=1)
    assert (found.distance <= sampled + 1e-9).all()
    assert np.allclose(found.barycentrics.sum(axis=1), 1)
    assert (found.barycentrics >= -1e-9).all()
    assert np.allclose(found.barycentrics @ TRIANGLE, found.position)


def test_points_of_the_surface_are_their_own_closest_points() -> None:
    inside = np.random.default_rng(0).dirichlet(np.ones(3), 50) @ TRIANGLE
    assert closest_points(inside, TRIANGLE, FACES).distance.max() < 1e-12
