"""Heights of one sheet over another."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.geometry.crossings import crossing_pairs
from core.geometry.overlaps import overlaps_along, overlaps_from

FIRST, SECOND = np.array([[0, 1, 2]]), np.array([[3, 4, 5]])


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), axis=st.integers(0, 2))
def test_triangles_cross_where_heights_have_both_signs(seed: int, axis: int) -> None:
    points = np.random.default_rng(seed).normal(size=(6, 3))
    height = overlaps_along(points, FIRST, SECOND, axis).height
    both = len(height) > 0 and height.min() < 0 < height.max()
    assert both == (len(crossing_pairs(points, FIRST, SECOND)) == 1)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_so_they_do_as_seen_from_a_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, centre = rng.normal(size=(6, 3)) + np.array([0.0, 0.0, 6.0]), 0.1 * rng.normal(size=3)
    height = overlaps_from(points, FIRST, SECOND, centre).height
    both = len(height) > 0 and height.min() < 0 < height.max()
    assert both == (len(crossing_pairs(points, FIRST, SECOND)) == 1)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), axis=st.integers(0, 2))
def test_displacements_raise_the_upper_sheet(seed: int, axis: int) -> None:
    rng = np.random.default_rng(seed)
    points, moves = rng.normal(size=(6, 3)), np.zeros((6, 3))
    moves[:, axis] = rng.normal(size=6)
    before, after = (overlaps_along(p, FIRST, SECOND, axis) for p in (points, points + moves))
    np.testing.assert_allclose(before.raised(moves), after.height, atol=1e-9)
    moves[:] = 0
    moves[:3, axis] = 0.5
    np.testing.assert_allclose(before.raised(moves), before.height + 0.5, atol=1e-9)


def test_what_both_sheets_share_is_no_overlap() -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.3]], float)
    assert len(overlaps_along(points, np.array([[0, 1, 2]]), np.array([[1, 3, 2]]), 2).height) == 0
