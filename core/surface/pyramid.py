"""Multi-band blending: pictures mixed by weights, coarse bands over wide transitions and fine ones over narrow.

Burt and Adelson, A Multiresolution Spline (1983), with pyramids of masked pictures: texels that a picture
does not know take the average of those nearby that it knows, so nothing unknown bleeds in.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32
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
            band = pyramid[level]
            if level + 1 < len(self._sides):
                band -= cv2.pyrUp(pyramid[level + 1], dstsize=(side, side))
            band *= weight[..., None]
            self._sums[level] += band
            self._weights[level] += weight

    def result(self) -> Float32[ndarray, "size size 3"]:
        """The blend; 0 where no picture had weight at any level."""
        image = self._band(len(self._sides) - 1)
        for level in range(len(self._sides) - 2, -1, -1):
            side = self._sides[level]
            image = cv2.pyrUp(image, dstsize=(side, side))
            image += self._band(level)
        return image

    def _band(self, level: int) -> ndarray:
        return self._sums[level] / np.maximum(self._weights[level], 1e-6)[..., None]


def masked_pyramid(
    picture: Float32[ndarray, "size size 3"], known: Float32[ndarray, "size size"], levels: int
) -> list[Float32[ndarray, "_ _ 3"]]:
    """Gaussian pyramid of the known texels; the unknown take what the coarser levels know near them."""
    sums = [np.dstack([picture * known[..., None], known])]
    for _ in range(levels - 1):
        sums.append(cv2.pyrDown(sums[-1]))
    coarsest = sums[-1]
    total = coarsest[..., 3].sum()
    mean = coarsest[..., :3].sum(axis=(0, 1)) / max(float(total), 1e-6)
    pyramid: list[ndarray] = []
    for level in range(levels - 1, -1, -1):
        weight = sums[level][..., 3:]
        if pyramid:
            beyond = cv2.pyrUp(pyramid[0], dstsize=(weight.shape[1], weight.shape[0]))
        else:
            beyond = np.broadcast_to(mean, (*weight.shape[:2], 3)).astype(np.float32)
        # known to a quarter is known well enough; below that it fades into what lies around
        trust = np.minimum(4 * weight, 1)
        pyramid.insert(0, sums[level][..., :3] * (trust / np.maximum(weight, 1e-6)) + beyond * (1 - trust))
    return pyramid
