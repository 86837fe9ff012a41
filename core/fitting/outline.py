"""Where a photo shows the outline of the head: INORig's sliding contour, found in the photo itself.

On the far side of a turned face the skin borders on what lies behind it. No landmark and no flow says how far
the cheek reaches there, but the photo has an edge. Points of the skin on the horizon may slide along that
edge, but not leave it.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.images import sample_image

_REACH = 0.025  # how far from the model's outline the photo's is looked for, fraction of the crop's side
_LIKELY = 0.012  # the same for the standard deviation of the distance
_HORIZON = 0.25  # cosine between normal and view below which a point is on the horizon
_FAINT = 0.15  # contrast (sRGB, over two pixels) of an edge that counts fully


def outline_shift(
    image: Float32[ndarray, "side side 3"],
    skin: Float32[ndarray, "side side"],
    covered: Float32[ndarray, "side side"],
    at: Float[ndarray, "points 2"],
    normals: Float[ndarray, "points 3"],
    towards: Float[ndarray, "points"],
) -> tuple[Float[ndarray, "points 2"], Float[ndarray, "points"], Float[ndarray, "points 2"]]:
    """How far the photo's outline lies from the model's at points near it.

    Args:
        image, skin: crop and its mask of skin.
        covered: 1 where the posed head is.
        at: the points' pixels.
        normals: in camera axes, unit.
        towards: cosine of the angle between normal and direction to the camera.

    Returns:
        shift across the outline in pixels, trust (0-1; 0 for points off the outline), and the unit vectors
        across, 0 where trust is.
    """
    side = len(image)
    across = normals[:, :2] / np.maximum(np.linalg.norm(normals[:, :2], axis=1, keepdims=True), 1e-6)
    reach = _REACH * side
    steps = np.arange(-2 * reach, 2 * reach + 0.25, 0.5)
    middle = np.abs(steps) <= reach
    lines = (at[:, None] + steps[:, None] * across[:, None]).astype(np.float32)

    def along(values: ndarray) -> ndarray:
        flat = sample_image(np.ascontiguousarray(values, np.float32), lines.reshape(-1, 2))
        return flat.reshape(len(at), len(steps), *values.shape[2:])

    inside = along(covered) > 0.5
    # the head ends once along the line, near the point
    edge = np.where(inside, steps, -np.inf).max(axis=1)
    whole = (inside == (steps <= edge[:, None])).all(axis=1) & (np.abs(edge) < reach / 2)
    border = whole & (np.abs(towards) < _HORIZON)

    # colour changes within two pixels; skin, whose mask is smooth, within six
    colours, bare = along(cv2.GaussianBlur(image, (0, 0), 1)), along(skin)
    change, to_other = np.zeros(colours.shape[:2]), np.zeros(colours.shape[:2])
    change[:, 2:-2] = np.linalg.norm(colours[:, 4:] - colours[:, :-4], axis=-1)
    to_other[:, 6:-6] = (bare[:, :-12] - bare[:, 12:]).clip(0, 1)
    score = change * np.exp(-(((steps - edge[:, None]) / (_LIKELY * side)) ** 2) / 2) * middle
    best = score.argmax(axis=1)
    row = np.arange(len(at))
    trust = border * np.clip(change[row, best] / _FAINT, 0, 1) * to_other[row, best]
    shift = np.where(trust > 0, steps[best] - np.where(border, edge, 0), 0)
    return shift[:, None] * across, trust, across * (trust > 0)[:, None]
