"""What the fit sees of a photo: landmarks and a small square of the face."""

from __future__ import annotations

import cv2
import numpy as np

from core.capture.headshot import HeadShot
from core.capture.photos import Photo
from core.capture.teeth import teeth_meet
from core.fitting.types import Observation
from core.lens import GivenLens

CROP_SIDE = 512  # pixels: about half a millimetre each
_MARGIN = 1.3  # side of the square over the landmarks' longer side


def observe(photo: Photo, shot: HeadShot, lens: GivenLens | None = None) -> Observation:
    """The observation of a photo, in its pixels; the image is the square round the face at ``CROP_SIDE``.

    Args:
        lens: that the user says took the photo, whatever its file tells.
    """
    landmarks = (shot.landmarks / shot.scale + np.array([shot.left, shot.top, 0.0])).astype(np.float32)
    low, high = shot.landmarks[:, :2].min(0), shot.landmarks[:, :2].max(0)
    side = float((high - low).max()) * _MARGIN
    corner = (low + high) / 2 - side / 2
    return Observation(
        landmarks=landmarks,
        width=photo.size[0],
        height=photo.size[1],
        focal=photo.focal_px if lens is None else lens.pixels(*photo.size),
        image=_square(shot.pixels, corner, side),
        skin=_square(shot.skin, corner, side),
        crop_left=float(shot.left + corner[0] / shot.scale),
        crop_top=float(shot.top + corner[1] / shot.scale),
        crop_scale=CROP_SIDE / side * shot.scale,
        teeth_meet=teeth_meet(shot.pixels, shot.landmarks),
        focal_from="exif" if lens is None else "given",
    )


def _square(image: np.ndarray, corner: np.ndarray, side: float) -> np.ndarray:
    """An upright square of an image at ``CROP_SIDE``, as floats in [0, 1]; outside the image it is 0."""
    step = side / CROP_SIDE
    shrink = 1.0
    if step > 1:  # average down first, or fine detail would alias
        shrink = 1 / step
        size = max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    warp = np.array([[step * shrink, 0, 0], [0, step * shrink, 0]])
    # OpenCV counts pixel centres at integers: half a pixel less on both sides
    warp[:, 2] = shrink * (corner + 0.5 * step) - 0.5
    cut = cv2.warpAffine(image, warp, (CROP_SIDE, CROP_SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return cut.astype(np.float32) / np.float32(255)
