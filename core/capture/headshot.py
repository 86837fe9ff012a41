"""The part of a photo that shows the head, cut out so that the rest can be forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from core.capture.faces import Face
from core.capture.masks import SIDEWAYS, PersonMasker, skin_mask
from core.capture.photos import Photo

# The head's reach from the middle of the landmarks' box, in the box's longer sides; hair and neck included.
_SIDEWAYS, _UP, _DOWN = 1.35, 1.35, 1.25
_MASK_SIDE = 1200  # pixels, long side of the photo in which the person is looked for


@dataclass(frozen=True)
class HeadShot:
    """A head cut out of a photo and, if it was large, scaled down.

    A pixel position ``p`` of the photo is ``(p - (left, top)) * scale`` here.

    Attributes:
        pixels: RGB.
        person, skin: masks of ``pixels``, 0–255; see ``core.capture.masks``.
        landmarks: the 478 in pixels of the head shot; z in the same scale.
    """

    pixels: UInt8[np.ndarray, "h w 3"]
    person: UInt8[np.ndarray, "h w"]
    skin: UInt8[np.ndarray, "h w"]
    landmarks: Float32[np.ndarray, "478 3"]
    left: float
    top: float
    scale: float


def cut_headshot(photo: Photo, face: Face, masker: PersonMasker, most_pixels: int) -> HeadShot:
    """Cut the head, hair and neck out of a photo, with masks of the person and of the bare skin.

    Args:
        most_pixels: the head shot is scaled down to this many.
    """
    left, top, right, bottom = _head_box(photo, face)
    part = photo.pixels[top:bottom, left:right]
    scale = min(1.0, float(np.sqrt(most_pixels / (part.shape[0] * part.shape[1]))))
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    scale = size[0] / part.shape[1]
    pixels = cv2.resize(part, size, interpolation=cv2.INTER_AREA) if scale < 1 else part.copy()
    landmarks = _moved(face.landmarks, left, top, scale)
    cut = Photo(pixels, photo.path, photo.sha256, None, size)
    skin = skin_mask(cut, replace(face, landmarks=landmarks)).on_photo(cut)
    person = _person(photo, face, masker, (left, top, right, bottom), size)
    if abs(face.yaw) > SIDEWAYS:  # what lies before the profile may have the colour of skin
        skin = np.minimum(skin, person)
    return HeadShot(pixels, _to_bytes(person), _to_bytes(skin), landmarks, float(left), float(top), scale)


def _head_box(photo: Photo, face: Face) -> tuple[int, int, int, int]:
    left, top, right, bottom = face.box
    reach = max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    width, height = photo.size
    x0 = int(np.clip(x - _SIDEWAYS * reach, 0, width - 2))
    y0 = int(np.clip(y - _UP * reach, 0, height - 2))
    x1 = int(np.clip(x + _SIDEWAYS * reach, x0 + 2, width))
    y1 = int(np.clip(y + _DOWN * reach, y0 + 2, height))
    return x0, y0, x1, y1


def _person(
    photo: Photo, face: Face, masker: PersonMasker, box: tuple[int, int, int, int], size: tuple[int, int]
) -> Float32[np.ndarray, "h w"]:
    """The person mask of ``box``, resampled to ``size``, found in a copy of the photo of moderate size."""
    scale = min(1.0, _MASK_SIDE / max(photo.size))
    small = photo
    if scale < 1:
        across = max(1, round(photo.size[0] * scale)), max(1, round(photo.size[1] * scale))
        small = replace(photo, pixels=cv2.resize(photo.pixels, across, interpolation=cv2.INTER_AREA))
    mask = masker.person_mask(small, replace(face, landmarks=_moved(face.landmarks, 0, 0, scale)))
    step = np.array([(box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1]])
    # OpenCV counts pixel centres at integers: half a pixel less on both sides
    offset = scale * (np.array(box[:2]) + 0.5 * step) - 0.5
    warp = np.column_stack([np.diag(step * scale), offset])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    mask = cv2.warpAffine(mask, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(mask, 0.0, 1.0)


def _moved(
    landmarks: Float32[np.ndarray, "478 3"], left: float | int, top: float | int, scale: float
) -> Float32[np.ndarray, "478 3"]:
    return ((landmarks - np.array([left, top, 0.0])) * scale).astype(np.float32)


def _to_bytes(mask: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    return np.round(mask * 255).astype(np.uint8)
