"""A face that a detector sees but whose landmarks nobody finds: turned to the side, or beyond."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.capture.masks import PersonMasker
from core.capture.photos import Photo
from core.images import sample_image

_REACH: Final = 1.3  # from the middle of the detector's box to the part's sides, in the box's side
_SIDE: Final = 640  # pixels of the part; the mask's network sees 256


@dataclass(frozen=True)
class UnmarkedFace:
    """A part of a photo that shows a face, with a mask of the person.

    Attributes:
        photo: the whole of it.
        centre, side: of the box in which the face was detected, pixels.
        person: 0-1; mask pixel = (photo pixel - (left, top)) * scale.
    """

    photo: Photo
    centre: Float[ndarray, "2"]
    side: float
    person: Float32[ndarray, "h w"]
    left: float
    top: float
    scale: float

    def square(
        self, corner: Float[ndarray, "2"], side: float, pixels: int
    ) -> tuple[Float32[ndarray, "n n 3"], Float32[ndarray, "n n"]]:
        """A square of the photo, sRGB in [0, 1], and of the mask, which is 0 beyond its borders.

        Args:
            corner: top left, pixels of the photo.
            side: pixels of the photo.
            pixels: along a side of the result.
        """
        step = side / pixels
        shrink = min(1.0, 1 / step)
        size = np.array(self.photo.size)
        left, top = np.clip(corner - side / 2, 0, size - 1).astype(int)
        right, bottom = np.clip(corner + 1.5 * side, np.array([left, top]) + 1, size).astype(int)
        part = self.photo.pixels[top:bottom, left:right]
        small = cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        at = (np.indices((pixels, pixels))[::-1].transpose(1, 2, 0).reshape(-1, 2) + 0.5) * step + corner
        scale = np.array([small.shape[1] / part.shape[1], small.shape[0] / part.shape[0]])
        image = sample_image(small.astype(np.float32) / 255, (at - [left, top]) * scale)
        on_mask = (at - [self.left, self.top]) * self.scale
        inside = ((on_mask >= 0) & (on_mask <= np.array(self.person.shape[::-1]))).all(axis=1)
        mask = sample_image(self.person, on_mask) * inside
        return image.reshape(pixels, pixels, 3), mask.reshape(pixels, pixels).astype(np.float32)


def unmarked_face(
    photo: Photo, centre: Float[ndarray, "2"], side: float, masker: PersonMasker
) -> UnmarkedFace:
    """The part of a photo round a face, and the person in it.

    Args:
        centre, side: of the box in which the face was detected.
    """
    size = np.array(photo.size)
    low = np.clip(np.floor(centre - _REACH * side), 0, size - 2).astype(int)
    high = np.clip(np.ceil(centre + _REACH * side), low + 2, size).astype(int)
    part = photo.pixels[low[1] : high[1], low[0] : high[0]]
    scale = min(1.0, _SIDE / max(part.shape[:2]))
    shape = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    small = cv2.resize(part, shape, interpolation=cv2.INTER_AREA)
    person = masker.person_mask(replace(photo, pixels=small))
    return UnmarkedFace(photo, centre, side, person, float(low[0]), float(low[1]), shape[0] / part.shape[1])
