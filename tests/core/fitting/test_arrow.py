from __future__ import annotations

import numpy as np
import pytest
from numpy import ndarray

from core.fitting.arrow import Part, solve_arrow

SHARED, OWN, PARTS = 5, 7, 3


def problem(bound: float) -> tuple[ndarray, ndarray, list[Part], ndarray, ndarray]:
    """Shared block and right-hand side, the parts, and all of it as one matrix."""
    rng = np.random.default_rng(0)
    size = SHARED + OWN * PARTS
    H = np.zeros((size, size))
    right = rng.standard_normal(size)
    places = [slice(SHARED + OWN * k, SHARED + OWN * (k + 1)) for k in range(PARTS)]
    for place in places:
        J = rng.standard_normal((30, SHARED + OWN))
        both = np.r_[np.arange(SHARED), np.arange(place.start, place.stop)]
        H[np.ix_(both, both)] += J.T @ J
    limit = np.full(OWN, bound)
    parts = [Part(H[p, p], H[p, :SHARED], right[p], -limit, limit) for p in places]
    return H[:SHARED, :SHARED], right[:SHARED], parts, H, right


def test_without_bounds_it_is_the_solution_of_the_whole() -> None:
    shared, right, parts, H, whole_right = problem(np.inf)
    x, own = solve_arrow(shared, right, parts)
    np.testing.assert_allclose(np.concatenate([x, *own]), np.linalg.solve(H, whole_right), atol=1e-10)


def test_bounds_hold_and_what_is_free_is_solved_for() -> None:
    shared, right, parts, H, whole_right = problem(0.02)
    x, own = solve_arrow(shared, right, parts)
    found = np.concatenate([x, *own])
    at_bound = np.abs(np.abs(found[SHARED:]) - 0.02) < 1e-12
    assert np.abs(found[SHARED:]).max() <= 0.02 and 0 < at_bound.sum() < len(at_bound)
    free = np.r_[np.ones(SHARED, bool), ~at_bound]
    np.testing.assert_allclose((H @ found - whole_right)[free], 0, atol=1e-10)


def test_unknowns_with_nowhere_to_go_stay_and_there_may_be_no_shared_ones() -> None:
    _, _, parts, *_ = problem(np.inf)
    parts[0].low[2] = parts[0].high[2] = 0.0
    parts = [Part(part.own, part.tie[:, :0], part.right, part.low, part.high) for part in parts]
    x, own = solve_arrow(np.zeros((0, 0)), np.zeros(0), parts)
    assert x.shape == (0,) and own[0][2] == 0
    np.testing.assert_allclose(own[1], np.linalg.solve(parts[1].own, parts[1].right), atol=1e-10)


def test_a_matrix_that_is_not_positive_definite_is_an_error() -> None:
    shared, right, parts, *_ = problem(np.inf)
    with pytest.raises(np.linalg.LinAlgError):
        solve_arrow(shared - 1e4 * np.eye(SHARED), right, parts)
