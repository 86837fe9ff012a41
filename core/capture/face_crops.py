"""Small grey pictures of the face from every few frames of a clip, on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32, Int, UInt8
from numpy import ndarray

from core.capture.array_file import ArrayFile
from core.capture.crop import SquareCrop

CROP_SIDE: Final = 160  # pixels: a little over a millimetre each
EVERY: Final = 3  # frames from one that is kept to the next
_MARGIN: Final = 1.3  # side of the square over the landmarks' longer side
_MOST_KEPT: Final = 8192  # an hour of video must not fill the disk


@dataclass(frozen=True)
class FaceCrop:
    """The face in a frame.

    Attributes:
        grey: as stored (sRGB).
        left, top, scale: crop pixel = (frame pixel - (left, top)) * scale.
    """

    grey: UInt8[ndarray, "side side"]
    left: float
    top: float
    scale: float


class FaceCrops:
    """Collects crops frame by frame; a context manager that deletes its file at the end.

    Args:
        every: how many frames lie between two that are kept. It doubles, and every other crop is let go,
            when there are too many.
    """

    def __init__(self, every: int = EVERY) -> None:
        self._pictures = ArrayFile("Pictures of the face", (CROP_SIDE, CROP_SIDE), np.uint8)
        self._every, self._due = every, 0
        self._kept: list[tuple[int, int, float, float, float]] = []  # frame, place in the file, square

    def __enter__(self) -> FaceCrops:
        return self

    def __exit__(self, *_: object) -> None:
        self._pictures.close()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def frames(self) -> Int[ndarray, " crops"]:
        """The numbers of the frames, rising."""
        return np.array([kept[0] for kept in self._kept], np.int64)

    def add(
        self,
        frame: int,
        pixels: UInt8[ndarray, "height width 3"],
        landmarks: Float32[ndarray, "478 3"],
    ) -> None:
        """Keep the face in the frame of this number, if one is due; frames come in order.

        Raises:
            OutputFailed: the temporary folder is full.
        """
        if frame < self._due:
            return
        low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
        side = float((high - low).max()) * _MARGIN
        x, y = ((low + high) / 2).tolist()
        grey = cv2.cvtColor(SquareCrop((x, y), side).cut(pixels, CROP_SIDE), cv2.COLOR_RGB2GRAY)
        place = len(self._pictures)
        self._pictures.add(grey)
        self._kept.append((frame, place, x - side / 2, y - side / 2, CROP_SIDE / side))
        if len(self._kept) > _MOST_KEPT:
            self._kept, self._every = self._kept[::2], 2 * self._every
        self._due = frame + self._every

    def crop(self, index: int) -> FaceCrop:
        """The crop of ``frames[index]``, read from disk."""
        _, place, left, top, scale = self._kept[index]
        return FaceCrop(np.array(self._pictures.all()[place]), left, top, scale)
