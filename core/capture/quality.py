"""What is wrong with a photo that can still be used, in words for its owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.capture.faces import Face
from core.capture.masks import skin_mask
from core.capture.photos import Photo
from core.landmark_topology import FACE_OVAL

WarningCode = Literal[
    "blurred", "face_small", "face_cut", "turned", "several_faces", "dark", "overexposed", "lens_unknown"
]

SMALL_INTEROCULAR = 60.0  # pixels; below, the landmark network's input is upsampled and texture is poor
STRONG_YAW = np.radians(60.0)
# Ten sharp faces fall to this when blurred by a Gaussian of 3 to 8 % of the interocular distance;
# 99 % of 120 LFW photos lie above 0.067.
BLURRED_SHARPNESS = 0.06
_CUT_SHARE = 0.15  # of the face's outline outside the photo
_DARK_LUMINANCE, _CLIPPED_SHARE = 35.0, 0.12


@dataclass(frozen=True)
class PhotoWarning:
    """One thing that will make the result worse: a stable ``code`` and a sentence that says what to do."""

    code: WarningCode
    message: str


def photo_warnings(photo: Photo, face: Face, lens_given: bool = False) -> list[PhotoWarning]:
    """Everything about this face in this photo that its owner should know, worst for the shape first.

    Args:
        lens_given: whether the user says what lens took the photo; then nobody asks its file.
    """
    name = photo.path.name
    found: list[PhotoWarning] = []

    def warn(code: WarningCode, message: str) -> None:
        found.append(PhotoWarning(code, f"{name}: {message}"))

    if face.others:
        left, top, right, bottom = face.box
        place = f"at {round((left + right) / 2)}, {round((top + bottom) / 2)} px"
        rest = "one more face was" if face.others == 1 else f"{face.others} more faces were"
        warn("several_faces", f"the largest, most central face ({place}) was taken; {rest} passed over.")
    if face.interocular < SMALL_INTEROCULAR:
        warn(
            "face_small",
            f"the eyes are only {face.interocular:.0f} pixels apart; use a larger or closer photo "
            f"(at least {SMALL_INTEROCULAR:.0f}).",
        )
    if abs(face.yaw) > STRONG_YAW:
        warn(
            "turned",
            f"the head is turned by about {abs(np.degrees(face.yaw)):.0f}°; its far side is guessed. "
            "Add a photo from the front.",
        )
    if _share_outside(photo, face) > _CUT_SHARE:
        warn("face_cut", "the photo's border cuts the face; use one that shows the whole head.")
    if face.sharpness < BLURRED_SHARPNESS:
        warn("blurred", "the face is blurred; use a sharper photo.")
    luminance = _skin_luminance(photo, face)
    if luminance.size and float(np.median(luminance)) < _DARK_LUMINANCE:
        warn("dark", "the face is very dark; use a photo with more light on it.")
    if luminance.size and float((luminance > 250.0).mean()) > _CLIPPED_SHARE:
        warn("overexposed", "much of the face is burnt out to white; use a photo with softer light.")
    if photo.no_focal and not lens_given:
        warn("lens_unknown", f"{photo.no_focal}; its lens is assumed. Give it with --focal if you know it.")
    return found


def _share_outside(photo: Photo, face: Face) -> float:
    outline = face.landmarks[list(FACE_OVAL), :2]
    inside = (outline >= 0).all(-1) & (outline <= np.array(photo.size)).all(-1)
    return float(1.0 - inside.mean())


def _skin_luminance(photo: Photo, face: Face) -> np.ndarray:
    """Luma (Rec. 601, 0–255) of the face's pixels that show skin."""
    mask = skin_mask(photo, face)
    h, w = mask.values.shape
    part = photo.pixels[mask.top : mask.top + h, mask.left : mask.left + w]
    return part[mask.values > 0.5] @ np.array([0.299, 0.587, 0.114])
