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

from core.scene.shading import srgb_to_linear

_UPPER: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)  # the lips' inner line, right to left
_LOWER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
_MIDDLE: Final = (81, 311)  # between these the front teeth are seen
# All lengths are fractions of the distance between the eyes' outer corners.
_SIZE: Final = (0.9, 0.55)  # of the window round the mouth
_WIDTH: Final = 220  # pixels of the window
_PER_EYES: Final = _WIDTH / _SIZE[0]
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
    columns = np.arange(max(first, 0), min(last + 1, _WIDTH))
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
    right, left = points[_UPPER[0]], points[_UPPER[-1]]
    across = (left - right) / max(float(np.linalg.norm(left - right)), 1e-6)
    width, height = _WIDTH, round(_SIZE[1] * _PER_EYES)
    axes = np.stack([across, [-across[1], across[0]]], axis=1) * (eyes / _PER_EYES)
    corner = (right + left) / 2 - axes @ [width / 2, height / 2]
    step = eyes / _PER_EYES
    if step > 1:  # a mean over what falls into one pixel of the window
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.5 * step)
    warp = np.column_stack([axes, corner + axes @ [0.5, 0.5] - 0.5])
    cut = cv2.warpAffine(pixels, warp, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inside = (points - corner) @ np.linalg.inv(axes).T
    linear = srgb_to_linear(torch.from_numpy(cut.astype(np.float32) / 255)).numpy()
    return cv2.GaussianBlur(linear, (0, 0), 1.5), inside


def _line(points: Float[ndarray, "points 2"], columns: ndarray) -> Float[ndarray, " columns"]:
    order = np.argsort(points[:, 0])
    return np.interp(columns, points[order, 0], points[order, 1])


def _teeth(window: ndarray, columns: ndarray, top: ndarray, bottom: ndarray) -> Bool[ndarray, "h w"]:
    """Pixels as light as teeth are, beside the person's own lips."""
    light = window @ np.array([0.2126, 0.7152, 0.0722], np.float32)
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
