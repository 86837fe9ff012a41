"""A rig's photo → the square around the head that moves, and back into the photo."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from core.guidance.drive import photo_state
from core.guidance.source import Source
from core.rig import Rig, RigPhoto

_SIDE: Final = 1.95  # of the square, in the longer side of the landmarks' box
_RISE: Final = 0.05  # of the square's side, by which its middle lies over the box's
_FEATHER: Final = 0.06  # of the square's side, within which it fades into the photo
_ROUND: Final = 2  # pixels of the picture around the square that it may still touch
_SHARPEST: Final = 0.7  # pixels of the square for one of the photo, below which it is smoothed first


@dataclass(frozen=True)
class Frame:
    """A square of a picture. Pixel ``p`` of the picture is ``(p - (left, top)) * scale`` in the square."""

    left: float
    top: float
    scale: float
    side: int

    def cut(self, picture: ndarray) -> ndarray:
        """The square; beyond the picture its border goes on."""
        if self.scale < _SHARPEST:
            picture = cv2.GaussianBlur(picture, (0, 0), 0.35 / self.scale)
        how = cv2.INTER_CUBIC if self.scale > 1 else cv2.INTER_LINEAR
        size = self.side, self.side
        square: ndarray = cv2.warpAffine(
            picture, self._matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE
        )
        return square

    def put(
        self, square: Float32[ndarray, "side side 3"], picture: UInt8[ndarray, "height width 3"]
    ) -> UInt8[ndarray, "height width 3"]:
        """A picture with the square in its place, faded in where the picture goes on around it."""
        height, width = picture.shape[:2]
        weight = self._weight(width, height)
        left, top = (max(0, int(start) - _ROUND) for start in (self.left, self.top))
        extent = math.ceil(self.side / self.scale) + 2 * _ROUND
        part = np.s_[top : min(height, top + extent), left : min(width, left + extent)]
        near, under = replace(self, left=self.left - left, top=self.top - top), picture[part]
        back = cv2.WARP_INVERSE_MAP | (cv2.INTER_AREA if self.scale > 1 else cv2.INTER_LINEAR)
        layer = np.dstack([square * weight[..., None], weight]).astype(np.float32)
        size = under.shape[1], under.shape[0]
        over = cv2.warpAffine(layer, near._matrix, size, flags=back, borderValue=(0, 0, 0, 0))
        joined = over[..., :3] + under / np.float32(255) * (1 - over[..., 3:])
        whole: ndarray = picture.copy()
        whole[part] = (np.clip(joined, 0, 1) * 255 + 0.5).astype(np.uint8)
        return whole

    @property
    def _matrix(self) -> Float[ndarray, "2 3"]:
        s = self.scale
        # OpenCV counts pixel centres at integers
        offset = -s * np.array([self.left, self.top]) + 0.5 * s - 0.5
        return np.column_stack([np.eye(2) * s, offset])

    def _weight(self, width: int, height: int) -> Float32[ndarray, "side side"]:
        """1 inside, falling to 0 at those borders of the square that lie inside the picture."""
        at = (np.arange(self.side) + 0.5) / self.scale
        extent = self.side / self.scale
        reach = _FEATHER * extent
        ramps = []
        for start, size in ((self.left, width), (self.top, height)):
            low = at / reach if start > 0 else np.ones(self.side)
            high = (extent - at) / reach if start + extent < size else np.ones(self.side)
            ramps.append(np.clip(np.minimum(low, high), 0, 1))
        return np.outer(ramps[1], ramps[0]).astype(np.float32)


def frame_around(points: Float[ndarray, "points 2"], size: tuple[int, int], side: int) -> Frame:
    """The square around a head in a picture of (width, height), moved into the picture where it fits.

    Args:
        points: the face's landmarks, pixels.
        side: of the square, in its own pixels.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    extent = _SIDE * float((high - low).max())
    corner = (low + high) / 2 - (extent / 2, extent / 2 + _RISE * extent)
    room = np.array(size, float) - extent
    corner = np.where(room > 0, np.clip(corner, 0, np.maximum(room, 0)), corner)
    return Frame(float(corner[0]), float(corner[1]), side / extent, side)


def source_of(
    rig: Rig,
    photo: RigPhoto,
    picture: UInt8[ndarray, "height width 3"],
    person: Float32[ndarray, "height width"],
    frame: Frame,
) -> Source:
    """What moves, of a rig's photo whose pixels are at hand.

    Args:
        picture: the photo, of the size that the rig says.
        person: probability that a pixel shows the person.
        frame: of :func:`frame_around`.
    """
    camera, s = photo.camera, frame.scale
    return Source(
        rig=rig,
        picture=np.clip(frame.cut(picture).astype(np.float32) / 255, 0, 1),
        person=np.clip(frame.cut(person), 0, 1).astype(np.float32),
        intrinsics=(camera.fx * s, camera.fy * s, (camera.cx - frame.left) * s, (camera.cy - frame.top) * s),
        state=photo_state(dict(photo.expression), photo.rotation, photo.translation),
        sh=photo.sh.astype(np.float64),
    )
