"""Deformation transfer between different topologies."""

from __future__ import annotations

import numpy as np
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.deformation.between_meshes import GradientTransfer
from core.geometry.closest import closest_points


def _sheet(side: int) -> tuple[ndarray, ndarray]:
    """A bent sheet of triangles."""
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    vertices = np.stack([x, y, 0.3 * x**2 - 0.2 * y**2], axis=-1).reshape(-1, 3)
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    return vertices, np.concatenate([np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])


def _transfer(held: bool) -> tuple[GradientTransfer, ndarray, ndarray]:
    source, coarse = _sheet(9)
    target, fine = _sheet(26)
    found = closest_points(target[fine].mean(axis=1), source, coarse)
    fixed = (target[:, 0] == -1) if held else np.zeros(len(target), bool)
    transfer = GradientTransfer(
        source=source,
        source_triangles=coarse,
        target=target,
        target_triangles=fine,
        followed=found.triangle,
        barycentrics=found.barycentrics,
        trust=np.full(len(target), 1e-4),
        held=fixed,
    )
    return transfer, source, target


def test_no_displacement_gives_none() -> None:
    transfer, source, target = _transfer(held=True)
    assert not transfer.transfer(np.zeros_like(source), np.zeros_like(target)).any()


def test_turns_and_stretches_are_carried_over() -> None:
    transfer, source, target = _transfer(held=False)
    matrix = Rotation.from_rotvec([0.4, -0.2, 0.3]).as_matrix() @ np.diag([1.2, 0.9, 1.0])
    moved = transfer.transfer(source @ matrix.T - source, target @ matrix.T - target)
    turned = Rotation.from_rotvec([0.4, -0.2, 0.3]).as_matrix()
    exact = transfer.transfer(source @ turned.T - source, target @ turned.T - target)
    np.testing.assert_allclose(exact, target @ turned.T - target, atol=1e-6)
    assert np.abs(moved - (target @ matrix.T - target)).max() < 0.05


def test_the_target_hangs_on_what_is_held() -> None:
    transfer, source, target = _transfer(held=True)
    lifted = np.zeros_like(source)
    lifted[:, 2] = 0.3 * (source[:, 0] + 1) ** 2
    moved = transfer.transfer(lifted, np.zeros_like(target))
    expected = 0.3 * (target[:, 0] + 1) ** 2
    assert not moved[target[:, 0] == -1].any()
    assert np.abs(moved[:, 2] - expected).max() < 0.1
    assert np.abs(moved[:, 2] - expected).mean() < 0.04
