"""Whether a photo shows teeth that meet: a broad smile, and not an open jaw.

Landmarks of the lips are alike for both, and a face that is longer or shorter makes up for the chin.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from numpy import ndarray

from core.capture.crop import SquareCrop
from core.landmark_topology import LIPS_INNER
from core.scene.shading import LUMINANCE, srgb_to_linear

_CORNER: Final = LIPS_INNER.index(308)
# The lips' inner line from corner to corner.
_UPPER, _LOWER = LIPS_INNER[: _CORNER + 1], (*LIPS_INNER[_CORNER:], LIPS_INNER[0])
_MIDDLE: Final = (81, 311)  # between these the front teeth are seen
# All lengths are fractions of the distance between the eyes' outer corners.
_SIDE: Final = 0.9  # of the square round the mouth
_PIXELS: Final = 220  # along a side
_PER_EYES: Final = _PIXELS / _SIDE
_PARTED: Final = 0.03  # lips nearer to each other say nothing
_SEAM: Final = 0.02  # shadows between the rows, and between teeth, are narrower; no tooth is lower
_LIP_LINE: Final = 0.045  # the landmarks of the lower lip may lie so far below its edge
_LIP_SAMPLES: Final = (0.02, 0.033, 0.045)  # from the inner line into the lips
_BRIGHTER, _MUCH_BRIGHTER, _LESS_RED = 1.25, 1.8, 0.004  # than the lips: teeth
_MOST_COLUMNS: Final = 0.6


def teeth_meet(pixels: UInt8[ndarray, "height width 3"], landmarks: Float[ndarray, "478 3"]) -> bool:
    """Whether teeth fill the gap between the lips, from the first one seen down to the lower lip.

    False also where it cannot be told: lips closed or nearly, no teeth seen, a mouth turned far aside.

    Args:
        landmarks: MediaPipe's, in pixels of the picture.
    """
    window, points = _window(pixels, landmarks.astype(np.float64))
    first, last = (int(points[place, 0]) for place in _MIDDLE)
    columns = np.arange(max(first, 0), min(last + 1, _PIXELS))
    if len(columns) < 8:
        return False
    top, bottom = (_line(points[list(lip)], columns).clip(0, len(window) - 1) for lip in (_UPPER, _LOWER))
    if np.median(bottom - top) < _PARTED * _PER_EYES:
        return False
    teeth = _teeth(window, columns, top, bottom)
    open_below = [
        _below_teeth(teeth[round(a) : round(b) + 1, x]) for x, a, b in zip(columns, top, bottom, strict=True)
    ]
    seen = [gap for gap in open_below if gap is not None]
    return len(seen) > _MOST_COLUMNS * len(columns) and bool(np.median(seen) < _LIP_LINE * _PER_EYES)


def _window(
    pixels: ndarray, landmarks: Float[ndarray, "478 3"]
) -> tuple[Float32[ndarray, "h w 3"], Float[ndarray, "478 2"]]:
    """The mouth upright and of one size, in linear light, and the landmarks in it."""
    eyes = float(np.linalg.norm(landmarks[33] - landmarks[263]))  # in 3D, so that a turn does not shrink it
    points = landmarks[:, :2]
    right, left = points[LIPS_INNER[0]], points[LIPS_INNER[_CORNER]]
    x, y = (right + left) / 2
    square = SquareCrop((x, y), _SIDE * eyes, float(np.arctan2(*(left - right)[::-1])))
    inside = ((points - square.centre) @ square.axes / square.side + 0.5) * _PIXELS
    linear = srgb_to_linear(torch.from_numpy(square.cut(pixels, _PIXELS).astype(np.float32) / 255)).numpy()
    return cv2.GaussianBlur(linear, (0, 0), 1.5), inside


def _line(points: Float[ndarray, "points 2"], columns: ndarray) -> Float[ndarray, " columns"]:
    order = np.argsort(points[:, 0])
    return np.interp(columns, points[order, 0], points[order, 1])


def _teeth(window: ndarray, columns: ndarray, top: ndarray, bottom: ndarray) -> Bool[ndarray, "h w"]:
    """Pixels as light as teeth are, beside the person's own lips."""
    light = window @ LUMINANCE.astype(np.float32)
    red = window[..., 0] / (window.sum(axis=-1) + 1e-4)
    away = np.array(_LIP_SAMPLES)[:, None] * _PER_EYES
    rows = np.concatenate([(top - away).ravel(), (bottom + away).ravel()]).astype(int)
    rows = rows.clip(0, len(window) - 1)
    across = np.tile(columns, 2 * len(_LIP_SAMPLES))
    lip_light, lip_red = np.median(light[rows, across]), np.median(red[rows, across])
    pale = (light > _BRIGHTER * lip_light) & (red < lip_red - _LESS_RED)
    found: ndarray = pale | (light > _MUCH_BRIGHTER * lip_light)
    return found


def _below_teeth(column: Bool[ndarray, " rows"]) -> int | None:
    """Pixels from the lower edge of the first teeth down to the next ones, or to the lower lip."""
    seam = round(_SEAM * _PER_EYES)
    if len(column) < seam:
        return None
    whole = cv2.morphologyEx(column.astype(np.uint8)[:, None], cv2.MORPH_CLOSE, np.ones((seam, 1), np.uint8))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], whole[:, 0], [0]])))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts) or ends[0] - starts[0] < seam:
        return None
    following = starts[1] if len(starts) > 1 else len(column)
    return int(following - ends[0])
