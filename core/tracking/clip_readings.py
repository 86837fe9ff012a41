"""What a network says of some of a clip's frames: how the head is turned, and who the person is."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from core.fitting.face_belief import FaceBelief, FaceReader, FaceReading
from core.tracking.clip_identity import spread_frames

IDENTITY_FRAMES: Final = 24
EVERY: Final = 16  # frames from one that is read to the next: reading takes twice as long as finding a face
_MOST_KEPT: Final = 96  # readings with their identity; an hour of video must not fill the memory


class ClipReadings:
    """Collects readings frame by frame.

    Args:
        reader: asked about some frames. No camera is known then, so its rotations are those against the ray
            on which the face is seen.
        every: how many frames lie between.
    """

    def __init__(self, reader: FaceReader, every: int = EVERY) -> None:
        self._reader, self._every, self._due = reader, every, 0
        self._turns: dict[int, tuple[ndarray, ndarray]] = {}
        self._kept: list[tuple[FaceReading, ndarray]] = []
        self._step = 1  # of the readings, every so many are kept
        self._read = 0

    def add(
        self,
        frame: int,
        pixels: UInt8[ndarray, "height width 3"],
        landmarks: Float32[ndarray, "478 3"],
    ) -> None:
        """Read the face in the frame of this number, if one is due; frames come in order."""
        if frame < self._due:
            return
        self._due = frame + self._every
        reading = self._reader.read(pixels, landmarks)
        if reading.rotation_std is not None:
            self._turns[frame] = reading.rotation, reading.rotation_std
        if reading.identity_std is not None:
            if self._read % self._step == 0:
                self._kept.append((reading, landmarks))
            self._read += 1
            if len(self._kept) > _MOST_KEPT:
                self._kept, self._step = self._kept[::2], 2 * self._step

    def belief(self) -> FaceBelief:
        """About the person, from frames spread over the clip and over its yaws."""
        if not self._kept:
            return FaceBelief()
        chosen = spread_frames(np.stack([landmarks for _, landmarks in self._kept]), IDENTITY_FRAMES)
        return FaceBelief(*self._reader.fuse([self._kept[index][0] for index in chosen]))

    def turns(self, count: int) -> tuple[Float[ndarray, "frames 3 3"], Float[ndarray, "frames 3"]]:
        """Rotations against the ray of so many frames, and their standard deviations about the camera's axes.

        Radians; infinite where nothing was read.
        """
        rotation, std = np.tile(np.eye(3), (count, 1, 1)), np.full((count, 3), np.inf)
        for frame, (turn, turn_std) in self._turns.items():
            rotation[frame], std[frame] = turn, turn_std
        return rotation, std
