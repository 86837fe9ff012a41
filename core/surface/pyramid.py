"""Multi-band blending: coarse bands mix over wide transitions and fine ones over narrow.

Burt and Adelson, A Multiresolution Spline (1983), with pyramids of masked pictures: texels that a picture
does not know take the average of those nearby that it knows, so nothing unknown bleeds in.
"""

from __future__ import annotations

from typing import no_type_check

import cv2
import numpy as np
from jaxtyping import Float32
from numba import njit, prange
from numpy import ndarray


class BandBlender:
    """Adds up weighted pictures of one size, band by band.

    Args:
        size: side of the pictures, a multiple of 2**(levels - 1).
        levels: number of bands, the last one being the coarse rest.
    """

    def __init__(self, size: int, levels: int = 6) -> None:
        self._sides = [size >> level for level in range(levels)]
        self._sums = [np.zeros((side, side, 3), np.float32) for side in self._sides]
        self._weights = [np.zeros((side, side), np.float32) for side in self._sides]

    def add(
        self,
        picture: Float32[ndarray, "size size 3"],
        known: Float32[ndarray, "size size"],
        weights: list[Float32[ndarray, "_ _"]],
    ) -> None:
        """Add a picture.

        Args:
            known: how far each texel of the picture may be used at all, in [0, 1].
            weights: for each level, finest first, resized where they are of another size.
        """
        pyramid = masked_pyramid(picture, known, len(self._sides))
        for level, side in enumerate(self._sides):
            weight = weights[level]
            if weight.shape[0] != side:
                how = cv2.INTER_LINEAR if weight.shape[0] < side else cv2.INTER_AREA
                weight = cv2.resize(weight, (side, side), interpolation=how)
            if level + 1 < len(self._sides):
                coarser = cv2.pyrUp(pyramid[level + 1], dstsize=(side, side))
            else:
                coarser = np.zeros_like(pyramid[level])
            _accumulate(self._sums[level], self._weights[level], pyramid[level], coarser, weight)

    def result(self) -> Float32[ndarray, "size size 3"]:
        """The blend; 0 where no picture had weight at any level."""
        image = self._band(len(self._sides) - 1)
        for level in range(len(self._sides) - 2, -1, -1):
            side = self._sides[level]
            image = cv2.pyrUp(image, dstsize=(side, side)) + self._band(level)
        return image

    def _band(self, level: int) -> ndarray:
        return self._sums[level] / np.maximum(self._weights[level], 1e-6)[..., None]


def masked_pyramid(
    picture: Float32[ndarray, "size size 3"], known: Float32[ndarray, "size size"], levels: int
) -> list[Float32[ndarray, "_ _ 3"]]:
    """Gaussian pyramid of the known texels; the unknown take what the coarser levels know near them."""
    sums = [_masked(np.ascontiguousarray(picture), np.ascontiguousarray(known))]
    for _ in range(levels - 1):
        sums.append(cv2.pyrDown(sums[-1]))
    coarsest = sums[-1]
    total = coarsest[..., 3].sum()
    mean = coarsest[..., :3].sum(axis=(0, 1)) / max(float(total), 1e-6)
    pyramid: list[ndarray] = []
    for level in range(levels - 1, -1, -1):
        height, width = sums[level].shape[:2]
        if pyramid:
            beyond = cv2.pyrUp(pyramid[0], dstsize=(width, height))
        else:
            beyond = np.ascontiguousarray(np.broadcast_to(mean, (height, width, 3)), np.float32)
        _fill_in(sums[level], beyond)
        pyramid.insert(0, beyond)
    return pyramid


@njit(cache=True, parallel=True)
@no_type_check
def _masked(picture, known):
    height, width = known.shape
    result = np.empty((height, width, 4), np.float32)
    for row in prange(height):
        for column in range(width):
            k = known[row, column]
            for channel in range(3):
                result[row, column, channel] = picture[row, column, channel] * k
            result[row, column, 3] = k
    return result


@njit(cache=True, parallel=True)
@no_type_check
def _fill_in(sums, beyond):
    """Overwrite ``beyond`` where texels are known: to a quarter is well enough, below that they fade."""
    height, width = beyond.shape[:2]
    for row in prange(height):
        for column in range(width):
            weight = sums[row, column, 3]
            trust = min(np.float32(4) * weight, np.float32(1))
            share = trust / max(weight, np.float32(1e-6))
            for channel in range(3):
                beyond[row, column, channel] = sums[row, column, channel] * share + beyond[
                    row, column, channel
                ] * (1 - trust)


@njit(cache=True, parallel=True)
@no_type_check
def _accumulate(total, weights, picture, coarser, weight):
    height, width = weight.shape
    for row in prange(height):
        for column in range(width):
            w = weight[row, column]
            for channel in range(3):
                total[row, column, channel] += w * (
                    picture[row, column, channel] - coarser[row, column, channel]
                )
            weights[row, column] += w
