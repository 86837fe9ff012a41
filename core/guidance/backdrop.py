"""The source picture without its person."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

_EDGE: Final = 0.008  # of the side: masks are known no better
_SEAM: Final = 0.035  # of the side: hair's soft edge reaches as far
_PART: Final = (0.04, 0.15)  # of a person in a pixel of the seam: below the first background alone
_LEVELS: Final = 7


def without_person(
    picture: Float32[ndarray, "side side 3"], person: Float32[ndarray, "side side"]
) -> tuple[Float32[ndarray, "side side 3"], Float32[ndarray, "side side"]]:
    """What lies behind a person, and how far each pixel of it was seen.

    Around a person, pixels show some of them: a part ``a`` of the colour P of the person nearby and the rest
    of the background's B, ``c = a P + (1 - a) B``, so ``a = (c - B)·(P - B) / |P - B|²``. What was not seen
    takes, from coarse to fine, the mean of what was seen nearby.
    """
    surely = 1 - _grown(person, _SEAM)
    far = spread(picture, surely)
    near = spread(picture, np.clip(2 * person - 1, 0, 1))
    apart = near - far
    part = ((picture - far) * apart).sum(axis=-1) / np.maximum((apart**2).sum(axis=-1), 1e-3)
    clean = 1 - np.clip((part - _PART[0]) / (_PART[1] - _PART[0]), 0, 1)
    seen = np.maximum(surely, (1 - _grown(person, _EDGE)) * clean).astype(np.float32)
    filled = spread(picture, seen)
    return (seen[..., None] * picture + (1 - seen[..., None]) * filled).astype(np.float32), seen


def spread(
    picture: Float32[ndarray, "side side 3"], known: Float32[ndarray, "side side"]
) -> Float32[ndarray, "side side 3"]:
    """Known pixels as they are; the others, from coarse to fine, the mean of known ones nearby."""
    sums: list[ndarray] = [np.dstack([picture * known[..., None], known]).astype(np.float32)]
    for _ in range(_LEVELS):
        sums.append(cv2.pyrDown(sums[-1]))
    mean = sums[-1][..., :3].sum(axis=(0, 1)) / max(float(sums[-1][..., 3].sum()), 1e-6)
    filled: ndarray = np.broadcast_to(mean, (*sums[-1].shape[:2], 3)).astype(np.float32)
    for level in reversed(sums):
        height, width = level.shape[:2]
        filled = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
        weight = level[..., 3:]
        trust = np.minimum(4 * weight, 1)  # known to a quarter is well enough
        filled = trust * level[..., :3] / np.maximum(weight, 1e-6) + (1 - trust) * filled
    return filled.astype(np.float32)


def _grown(mask: Float32[ndarray, "side side"], by: float) -> Float32[ndarray, "side side"]:
    size = 2 * round(by * len(mask)) + 1
    return np.clip(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))), 0, 1)
