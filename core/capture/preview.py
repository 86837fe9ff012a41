"""A small picture of the frame in work, with the face outlined, for whoever waits."""

from __future__ import annotations

import time
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from core.landmark_topology import FACE_OVAL

_SIDE: Final = 224  # pixels, the longest side
_EVERY: Final = 0.5  # seconds; more often would cost time and tell nobody more
_QUALITY: Final = 70
_LINE: Final = (64, 255, 128)


class Previews:
    """Makes pictures of frames as they pass, at most two a second.

    One takes about a millisecond of a 1080p frame; ``tests/benchmarks/previews.py`` measures the share.
    """

    def __init__(self) -> None:
        self._next = 0.0

    def picture(
        self, pixels: UInt8[ndarray, "height width 3"], landmarks: Float[ndarray, "478 3"] | None
    ) -> bytes:
        """A JPEG of a frame, or nothing where the last one is younger than half a second.

        Args:
            landmarks: of the face to outline, pixels of the frame; none where no face is followed.
        """
        now = time.monotonic()
        if now < self._next:
            return b""
        self._next = now + _EVERY
        return outlined(pixels, [] if landmarks is None else [landmarks])


def outlined(
    pixels: UInt8[ndarray, "height width 3"], faces: list[Float[ndarray, "478 3"]], side: int = _SIDE
) -> bytes:
    """A JPEG, at most ``side`` pixels long, with the outlines of faces."""
    small, scale = shrunk(pixels, side)
    for landmarks in faces:
        oval = landmarks[list(FACE_OVAL), :2] * scale
        cv2.polylines(small, [np.round(oval * 16).astype(np.int32)], True, _LINE, 1, cv2.LINE_AA, 4)
    return jpeg(small)


def shrunk(
    pixels: UInt8[ndarray, "height width 3"], side: int
) -> tuple[UInt8[ndarray, "small_height small_width 3"], float]:
    """A copy that is at most ``side`` pixels long, and its scale."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Whole steps first: averaging areas of a large frame would take four times as long.
    step = max(1, int(0.5 / scale))
    return cv2.resize(pixels[::step, ::step], size, interpolation=cv2.INTER_AREA), scale


def jpeg(pixels: UInt8[ndarray, "height width 3"]) -> bytes:
    """RGB pixels as a JPEG."""
    kept, content = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert kept
    return content.tobytes()
