"""Skin is pushed as far as it must be and no further."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix

from core.deformation.contact import Yielding
from core.geometry.overlaps import Overlaps


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_pushes_are_the_least_that_clear(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 8
    root = rng.normal(size=(count, count))
    stiffness = root @ root.T + 0.5 * np.eye(count)
    vertices = np.stack([rng.permutation(count)[:4] for _ in range(5)])
    over = rng.dirichlet(np.ones(2), 5)
    under = rng.dirichlet(np.ones(2), 5)
    up = np.tile([0.0, 1.0, 0.0], (5, 1))
    overlaps = Overlaps(vertices, np.concatenate([over, -under], axis=1), up, rng.normal(size=5))
    # as many as there are, corners may ask for what cannot be: keep to those that a shift can give
    overlaps = overlaps.where(np.arange(5) < 3)
    moves = Yielding(csc_matrix(stiffness), np.arange(count), count).pushed(overlaps, 1e-2)
    raised = overlaps.raised(moves)
    if raised.min() < 0:  # they contradict each other
        return
    assert not moves[:, [0, 2]].any()
    # δ = K⁻¹ Wᵀ λ with λ ≥ 0: the gradient of the energy is a push of corners that are no higher than asked
    weights = np.zeros((3, count))
    np.put_along_axis(weights, overlaps.vertices, overlaps.weights, axis=1)
    force = np.linalg.lstsq(weights.T, stiffness @ moves[:, 1], rcond=None)[0]
    assert force.min() > -1e-6 * max(1.0, np.abs(force).max())
    assert np.all((force < 1e-3 * max(1e-9, force.max())) | (raised < 1.2e-2))


def test_what_is_clear_stays_and_what_cannot_move_is_left() -> None:
    skin = Yielding(csc_matrix(np.eye(2)), np.array([0, 1]), 8)
    up = np.array([[0.0, 0.0, 1.0]])
    corner = np.array([[1.0, -1 / 3, -1 / 3, -1 / 3]])
    clear = Overlaps(np.array([[0, 1, 4, 5]]), corner, up, np.array([0.5]))
    assert not skin.pushed(clear, 1e-3).any()
    fixed = Overlaps(np.array([[4, 5, 6, 7]]), corner, up, np.array([-0.5]))
    assert not skin.pushed(fixed, 1e-3).any()
