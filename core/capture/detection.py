"""Where faces are in a photo: the detectors, and what to try when they see nothing."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from core.capture.mediapipe_graphs import Detection, FaceDetector

_DETECT_SIDE = 640  # pixels: the detectors look at 128 and 192, so nothing is lost, and averaging helps them
_SAME_FACE = 0.3  # overlap (intersection over union) above which two detections are one face
_PADDING = 0.5  # of the image's size on every side, for faces that fill it
_TILE_LEVELS = (2, 4)  # tiles are the long side divided by these, overlapping by half


class CascadeDetector:
    """Both detectors, on the whole photo first, then padded and in quarter turns, then in tiles."""

    def __init__(self) -> None:
        self._detectors = (FaceDetector(full_range=False), FaceDetector(full_range=True))

    def close(self) -> None:
        """Free the networks."""
        for detector in self._detectors:
            detector.close()

    def candidates(self, pixels: UInt8[np.ndarray, "height width 3"]) -> Iterator[list[Detection]]:
        """Ever more laborious tries, each a list of distinct detections in pixels of the photo.

        The caller stops at the first try whose faces it can confirm; a later one costs up to half a second.
        """
        yield self._look(pixels)
        # An upside-down face also looks a little like one lying on its side: rank all turns by confidence
        found = self._padded(pixels)
        height, width = pixels.shape[:2]
        for quarter_turns in (1, 3, 2):
            turned = np.ascontiguousarray(np.rot90(pixels, quarter_turns))
            for d in self._look(turned) or self._padded(turned):
                found.append(_turn_back(d, quarter_turns, width, height))
        yield _distinct(found)
        yield self._tiles(pixels)

    def _look(self, pixels: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        shrink = min(1.0, _DETECT_SIDE / max(pixels.shape[:2]))
        size = max(1, round(pixels.shape[1] * shrink)), max(1, round(pixels.shape[0] * shrink))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if shrink < 1.0 else pixels
        scale = np.array([pixels.shape[1] / size[0], pixels.shape[0] / size[1]])
        found = [d for detector in self._detectors for d in detector(small)]
        return _distinct([_moved(d, scale, np.zeros(2)) for d in found])

    def _padded(self, pixels: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        shrink = min(1.0, _DETECT_SIDE / max(pixels.shape[:2]))
        small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        pad_y, pad_x = (round(_PADDING * extent) for extent in small.shape[:2])
        canvas = cv2.copyMakeBorder(small, pad_y, pad_y, pad_x, pad_x, cv2.BORDER_REPLICATE)
        scale = np.array([pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0]])
        return [_moved(d, scale, -scale * (pad_x, pad_y)) for d in self._look(canvas)]

    def _tiles(self, pixels: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        height, width = pixels.shape[:2]
        for level in _TILE_LEVELS:
            side = max(height, width) // level
            if side < 96:
                break
            found = []
            for top in _starts(height, side):
                for left in _starts(width, side):
                    for d in self._look(pixels[top : top + side, left : left + side]):
                        found.append(_moved(d, np.ones(2), np.array([left, top], float)))
            if found:
                return _distinct(found)
        return []


def _starts(extent: int, side: int) -> list[int]:
    """Where tiles of ``side`` begin so that they cover ``extent`` and overlap by half."""
    if extent <= side:
        return [0]
    count = int(np.ceil((extent - side) / (side / 2))) + 1
    return [round(v) for v in np.linspace(0, extent - side, count)]


def _moved(d: Detection, scale: Float[np.ndarray, "2"], shift: Float[np.ndarray, "2"]) -> Detection:
    box = np.concatenate([d.box[:2] * scale + shift, d.box[2:] * scale])
    return Detection(d.confidence, box, d.keypoints * scale + shift)


def _turn_back(d: Detection, quarter_turns: int, width: int, height: int) -> Detection:
    """A detection in ``np.rot90(pixels, quarter_turns)`` to coordinates of ``pixels`` (width × height)."""
    corners = np.array([d.box[:2], d.box[:2] + d.box[2:]])
    points = np.concatenate([corners, d.keypoints])
    x, y = points[:, 0], points[:, 1]
    turned = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[quarter_turns]
    points = np.column_stack(turned)
    low = points[:2].min(0)
    return Detection(d.confidence, np.concatenate([low, points[:2].max(0) - low]), points[2:])


def _distinct(found: list[Detection]) -> list[Detection]:
    """Drop detections that overlap a more confident one."""
    kept: list[Detection] = []
    for d in sorted(found, key=lambda d: -d.confidence):
        if all(overlap(d.box, k.box) < _SAME_FACE for k in kept):
            kept.append(d)
    return kept


def overlap(a: Float[np.ndarray, "4"], b: Float[np.ndarray, "4"]) -> float:
    """Intersection over union of two boxes (left, top, width, height)."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    return shared / max(float(np.prod(a[2:]) + np.prod(b[2:])) - shared, 1e-9)
