"""Deformation transfer on small meshes: what it must give back exactly."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.deformation.transfer import DeformationTransfer

SIDE = 7


def sheet(seed: int, roughness: float = 0.004) -> tuple[ndarray, ndarray]:
    """A bumpy square sheet of 10 cm: vertices and triangles."""
    x, y = np.meshgrid(np.linspace(0, 0.1, SIDE), np.linspace(0, 0.1, SIDE), indexing="ij")
    bumps = np.random.default_rng(seed).normal(0, roughness, (SIDE * SIDE, 3))
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(SIDE * SIDE)], axis=1) + bumps
    corner = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a, b, c, d = (
        block.ravel() for block in (corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:])
    )
    return vertices, np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def bump(seed: int) -> ndarray:
    """A displacement of the sheet's middle; the border stays."""
    inner = np.zeros((SIDE, SIDE), bool)
    inner[1:-1, 1:-1] = True
    return np.random.default_rng(seed + 1).normal(0, 0.005, (SIDE * SIDE, 3)) * inner.reshape(-1, 1)


def carried(transfer: DeformationTransfer, shape: ndarray) -> ndarray:
    """The target's displacement; vertices that the source keeps in place are anchors."""
    return transfer.transfer(shape, (shape == 0).all(axis=1))


seeds = st.integers(0, 10_000)


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(0.3, 3), st.floats(-0.2, 0.2))
def test_a_scaled_and_moved_copy_gets_scaled_displacements(seed: int, scale: float, shift: float) -> None:
    rest, triangles = sheet(seed)
    transfer = DeformationTransfer(rest, triangles, rest * scale + shift)
    moved = carried(transfer, bump(seed))
    np.testing.assert_allclose(moved, scale * bump(seed), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_turning_both_meshes_turns_the_displacements(seed: int) -> None:
    rest, triangles = sheet(seed)
    target = rest + np.random.default_rng(seed + 2).normal(0, 0.003, rest.shape)
    turn = Rotation.random(random_state=seed).as_matrix()
    straight = carried(DeformationTransfer(rest, triangles, target), bump(seed))
    turned = DeformationTransfer(rest @ turn.T, triangles, target @ turn.T)
    np.testing.assert_allclose(carried(turned, (bump(seed) @ turn.T)), straight @ turn.T, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_anchors_stay_exactly(seed: int) -> None:
    rest, triangles = sheet(seed)
    target = rest + np.random.default_rng(seed + 2).normal(0, 0.003, rest.shape)
    shape = bump(seed)
    moved = carried(DeformationTransfer(rest, triangles, target), shape)
    still = (shape == 0).all(axis=1)
    assert (moved[still] == 0).all()
    assert np.linalg.norm(moved[~still], axis=1).max() > 1e-3


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_rigid_motion_transfers_as_the_same_turn(seed: int) -> None:
    rest, triangles = sheet(seed, roughness=0.001)
    target = rest * [1.3, 0.8, 1.0]
    turn = Rotation.from_rotvec(np.random.default_rng(seed).normal(0, 0.3, 3)).as_matrix()
    pinned = np.zeros(len(rest), bool)
    pinned[0] = True
    moved = DeformationTransfer(rest, triangles, target).transfer(rest @ turn.T - rest, pinned)
    about = target - target[0]
    np.testing.assert_allclose(moved, about @ turn.T - about, atol=2e-6)


def test_triangles_that_follow_none_keep_their_shape() -> None:
    rest, triangles = sheet(0)
    follows = np.arange(len(triangles))
    alone = (rest[triangles].mean(axis=1)[:, 0] > 0.05).nonzero()[0]
    follows[alone] = -1
    left = np.unique(triangles[np.setdiff1d(np.arange(len(triangles)), alone)])
    transfer = DeformationTransfer(rest, triangles, rest, triangles, follows)
    stretch = rest * [0.2, 0, 0]
    held = np.zeros(len(rest), bool)
    held[left[0]] = True
    moved = transfer.transfer(stretch, held, near=np.zeros_like(rest))
    lone = np.setdiff1d(np.arange(len(rest)), left)
    np.testing.assert_allclose(moved[lone], moved[lone][:1].repeat(len(lone), axis=0), atol=3e-4)
    assert np.ptp(moved[left, 0]) > 5e-3
