from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from core.tracking.image_steps import align_skin, read_picture

SIDE, FOCAL = 120, 300.0


def test_pictures_are_read_between_pixel_centres_and_clamped() -> None:
    picture = np.arange(12, dtype=np.float32).reshape(3, 4)
    at = np.array([[0.5, 0.5], [1.0, 0.5], [2.5, 1.5], [2.5, 2.0], [-9, -9], [9, 9]], np.float32)
    np.testing.assert_allclose(read_picture(picture, at), [0, 0.5, 6, 8, 0, 11])


def test_a_turn_is_found_from_the_picture() -> None:
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)), (0, 0), 4)
    picture = (smooth / smooth.std()).astype(np.float32)
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=1 / 8)
    points = rng.uniform(-0.1, 0.1, (400, 3)).astype(np.float32)
    true, place = Rotation.from_rotvec([0.1, -0.2, 0.05]).as_matrix(), np.array([0.0, 0.0, 0.8])
    posed = points @ true.T + place
    at = (posed[:, :2] / posed[:, 2:] * FOCAL + SIDE / 2).astype(np.float32)
    look = read_picture(picture, at)
    start = Rotation.from_rotvec([0.02, -0.02, 0.01]).as_matrix() @ true
    rotation, translation, off = start.copy(), place.copy(), np.empty(len(points), np.float32)
    camera = np.array([FOCAL, SIDE / 2, SIDE / 2])
    precision = np.array([1e-3] * 3 + [1e6] * 3)
    weight = np.ones(len(points), np.float32)
    align_skin(
        points=points, weight=weight, look=look, picture=(picture, across, down),
        camera=camera, start=(start, 0.8), precision=precision,
        evidence=1.0, outlier=1.0, steps=20, enough=1e-6,
        rotation=rotation, translation=translation, off=off,
    )  # fmt: skip
    turn = Rotation.from_matrix(rotation @ true.T).magnitude()
    assert turn < 1e-3 and np.abs(off).max() < 0.05
