"""Two OpenCV calls with our pixel convention: centres at integers + 0.5."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray


def look_up(
    image: Float32[ndarray, "height width *channels"],
    where: Float32[ndarray, "rows columns 2"],
    *,
    cubic: bool = False,
    outside_black: bool = False,
) -> Float32[ndarray, "rows columns *channels"]:
    """Values at (column, row) positions, bilinear or bicubic; beyond the border its values or black."""
    how = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    border = cv2.BORDER_CONSTANT if outside_black else cv2.BORDER_REPLICATE
    at = where - np.float32(0.5)
    return cv2.remap(image, at, None, how, borderMode=border)  # type: ignore[call-overload]


def sample_image(
    image: Float32[ndarray, "height width *channels"], points: Float[ndarray, "points 2"]
) -> Float32[ndarray, "points *channels"]:
    """Bilinear values at a list of (column, row) positions; clamped at the border."""
    width = 4096  # OpenCV takes at most 32,767 columns or rows
    grid = np.zeros((max(-(-len(points) // width), 1) * width, 2), np.float32)
    grid[: len(points)] = points
    return look_up(image, grid.reshape(-1, width, 2)).reshape(-1, *image.shape[2:])[: len(points)]


def fill_polygon(mask: UInt8[ndarray, "height width"], points: Float[ndarray, "corners 2"]) -> None:
    """Set the inside of a polygon to 255."""
    sixteenths = np.round((points - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(mask, [sixteenths], (255,), lineType=cv2.LINE_8, shift=4)
