from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from core.fitting.jacobian import normal_equations, pixel_pull, point_rows


def test_rows_are_the_derivatives_of_what_is_measured() -> None:
    rng = np.random.default_rng(0)
    mean, shape = rng.standard_normal((9, 3)), rng.standard_normal((3, 9, 4)).astype(np.float32)
    points = np.array([7, 2, 5])
    rotation = Rotation.random(2, random_state=1).as_matrix()
    pull = rng.standard_normal((2, 2, 3, 3))
    place = np.array([0.1, -0.2, 0.3])

    def measures(step: np.ndarray) -> np.ndarray:
        head = mean[points] + (shape[:, points] @ step[7:]).T
        turned = Rotation.from_rotvec(step[:3]).as_matrix() @ rotation
        at = head @ turned.transpose(0, 2, 1) + place + step[3:6]
        return np.einsum("pmnd,pnd->pmn", pull, at)

    turned = mean[points] @ rotation.transpose(0, 2, 1)
    rows = point_rows(points, turned, pull, rotation, shape, between=1)
    assert rows.shape == (2, 2, 3, 11)
    for unknown in range(11):
        step = np.zeros(11)
        step[unknown] = 1e-4
        slope = (measures(step) - measures(-step)) / 2e-4
        np.testing.assert_allclose(rows[..., unknown], 0 if unknown == 6 else slope, atol=1e-5)


def test_pixels_follow_points_as_they_are_projected() -> None:
    points = np.random.default_rng(0).standard_normal((2, 5, 3)) * 0.1 + (0, 0, 0.7)
    pull = pixel_pull(points, 800.0)
    assert pull.shape == (2, 2, 5, 3)
    for axis in range(3):
        step = 1e-6 * np.eye(3)[axis]
        ahead, behind = (800.0 * at[..., :2] / at[..., 2:] for at in (points + step, points - step))
        slope = ((ahead - behind) / 2e-6).transpose(0, 2, 1)
        np.testing.assert_allclose(pull[..., axis], slope, rtol=1e-6, atol=1e-4)


def test_normal_equations_of_one_and_of_many() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((4, 20, 6)).astype(np.float32)
    off = rng.standard_normal((4, 20)).astype(np.float32)
    H, g = normal_equations(rows, off)
    np.testing.assert_allclose(H, np.einsum("bri,brj->bij", rows, rows), atol=1e-4)
    np.testing.assert_allclose(g, np.einsum("bri,br->bi", rows, off), atol=1e-4)
    one, slope = normal_equations(rows[2], off[2])
    np.testing.assert_allclose(one, H[2], atol=1e-4)
    np.testing.assert_allclose(slope, g[2], atol=1e-4)
