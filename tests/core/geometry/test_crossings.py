from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import ndarray

from core.geometry.crossings import crossing_pairs

GROUND = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])
BOTH = np.array([[0, 1, 2]]), np.array([[3, 4, 5]])


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    crossing_pairs(np.zeros((6, 3)), *BOTH)


def _crosses(a: ndarray, b: ndarray) -> bool:
    return len(crossing_pairs(np.concatenate([a, b]).astype(np.float64), *BOTH)) == 1


def _sign(a: ndarray, b: ndarray, c: ndarray, d: ndarray) -> int:
    """Of det(a - d, b - d, c - d), in exact arithmetic."""
    x, y, z = (
        [Fraction(float(p)) - Fraction(float(q)) for p, q in zip(v, d, strict=True)] for v in (a, b, c)
    )
    value = sum(z[k] * (x[(k + 1) % 3] * y[(k + 2) % 3] - x[(k + 2) % 3] * y[(k + 1) % 3]) for k in range(3))
    return (value > 0) - (value < 0)


def _exactly(a: ndarray, b: ndarray) -> bool:
    """Whether an edge of one triangle passes through the inside of the other, in exact arithmetic."""
    for edge_of, (u, v, w) in ((a, b), (b, a)):
        for k in range(3):
            p, q = edge_of[k], edge_of[(k + 1) % 3]
            ends = _sign(u, v, w, p) * _sign(u, v, w, q)
            turns = {_sign(p, q, u, v), _sign(p, q, v, w), _sign(p, q, w, u)}
            if ends < 0 and turns in ({1}, {-1}):
                return True
    return False


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 3))
@settings(max_examples=150)
def test_agrees_with_exact_arithmetic_wherever_the_triangles_lie(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(3, 3)), size * rng.normal(size=(3, 3)) + 0.5 * rng.normal(size=3)
    assert _crosses(a, b) == _exactly(a, b) == _crosses(b, a)


@given(st.lists(st.integers(-2, 2), min_size=18, max_size=18))
@settings(max_examples=150)
def test_agrees_on_a_grid_where_most_triangles_touch_or_share_planes(numbers: list[int]) -> None:
    a, b = np.array(numbers, float).reshape(2, 3, 3)
    assert _crosses(a, b) == _exactly(a, b)


@given(st.integers(0, 2**32 - 1), st.floats(1e-12, 1e-2))
def test_a_hair_through_the_plane_crosses_and_a_hair_before_it_does_not(seed: int, depth: float) -> None:
    rng = np.random.default_rng(seed)
    x, y = 4 * rng.dirichlet(np.ones(3) * 3)[:2]
    tip = np.array([[x, y, 0.0], [x + 1, y, 1], [x, y + 1, 1]])
    assert _crosses(GROUND, tip - np.array([0, 0, depth]))
    assert not _crosses(GROUND, tip + np.array([0, 0, depth]))


def test_what_touches_does_not_cross() -> None:
    on_it = np.array([[1.0, 1, 0], [1, 1, 1], [2, 1, 1]])
    within = GROUND / 4 + [0.5, 0.5, 0]
    along_an_edge = np.array([[0.0, 0, 0], [4, 0, 0], [2, 0, -3]])
    for other in (on_it, within, along_an_edge):
        assert not _crosses(GROUND, other)


def test_neighbours_that_share_a_vertex_are_left_out() -> None:
    points = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0], [1, 1, 1], [1, 1, -1]])
    folded = np.array([[0, 1, 2], [0, 3, 4]])
    assert len(crossing_pairs(points, folded[:1], folded[1:])) == 0
    apart = np.concatenate([points, [[0.5, 0.2, 0.0]]]), np.array([[0, 1, 2], [5, 3, 4]])
    assert crossing_pairs(*apart).tolist() == [[0, 1]]


def test_names_the_pairs_that_testing_every_pair_names() -> None:
    rng = np.random.default_rng(3)
    soup = (rng.uniform(-1, 1, (40, 1, 3)) + rng.normal(0, 0.4, (40, 3, 3))).reshape(-1, 3)
    triangles = np.arange(120).reshape(40, 3)
    corners = soup[triangles]
    wanted = [[i, j] for i, j in product(range(40), repeat=2) if i < j and _exactly(corners[i], corners[j])]
    assert len(wanted) > 20
    assert crossing_pairs(soup, triangles).tolist() == wanted
    across = [[i, j - 20] for i, j in wanted if i < 20 <= j]
    assert crossing_pairs(soup, triangles[:20], triangles[20:]).tolist() == across


def test_a_set_without_triangles_crosses_nothing() -> None:
    assert crossing_pairs(GROUND, BOTH[0], np.zeros((0, 3), np.int64)).shape == (0, 2)
