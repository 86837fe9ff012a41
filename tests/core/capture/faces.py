"""Pictures of real faces, one and two to a frame."""

from __future__ import annotations

import cv2
import numpy as np
import skimage.data

SIDE = 400


def shifted(dx: float, dy: float, mirrored: bool = False) -> np.ndarray:
    """The astronaut, moved."""
    picture = skimage.data.astronaut()[:SIDE, 50 : 50 + SIDE]
    picture = picture[:, ::-1] if mirrored else picture
    move = np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]])
    return cv2.warpAffine(picture, move, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


def two_people() -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """A large face alone, then with a small one to its right; a place on the small one's face."""
    small = cv2.resize(shifted(0, 0, mirrored=True), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    alone = np.full((SIDE, 2 * SIDE, 3), 90, np.uint8)
    alone[:, :SIDE] = shifted(0, 0)
    both = alone.copy()
    both[100 : 100 + small.shape[0], SIDE + 100 : SIDE + 100 + small.shape[1]] = small
    return alone, both, (634.0, 174.0)
