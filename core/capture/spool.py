"""What was seen in each frame, with the landmarks on disk: an hour of video must not fill the memory."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Float64
from numpy import ndarray

from core.capture.array_file import ArrayFile
from core.capture.follow import Seen

_SHAPE = (478, 3)


class LandmarkSpool:
    """Collects :class:`~core.capture.follow.Seen`; a context manager that deletes its file at the end.

    Attributes:
        size: width and height of the frames, pixels.
        cuts: frames where shots begin; the first is 0.
    """

    def __init__(self) -> None:
        self._landmarks = ArrayFile("Landmarks", _SHAPE, np.float32)
        self._times: list[float] = []
        self._presence: list[float] = []
        self.size = (0, 0)
        self.cuts: list[int] = [0]

    def __enter__(self) -> LandmarkSpool:
        return self

    def __exit__(self, *_: object) -> None:
        self._landmarks.close()

    def __len__(self) -> int:
        return len(self._times)

    def add(self, seen: Seen) -> None:
        """Append a frame.

        Raises:
            OutputFailed: the temporary folder is full.
        """
        landmarks = np.zeros(_SHAPE, np.float32) if seen.landmarks is None else seen.landmarks
        self._landmarks.add(landmarks)
        if seen.cut and self._times:
            self.cuts.append(len(self._times))
        self._times.append(seen.time)
        self._presence.append(0.0 if seen.landmarks is None else seen.presence)
        self.size = seen.size

    @property
    def times(self) -> Float64[ndarray, "frames"]:
        return np.array(self._times)

    @property
    def presence(self) -> Float32[ndarray, "frames"]:
        """Probability that the face is there, 0-1; 0 where it was not found."""
        return np.array(self._presence, np.float32)

    @property
    def found(self) -> Bool[ndarray, "frames"]:
        return self.presence > 0

    def landmarks(self) -> Float32[ndarray, "frames 478 3"]:
        """All frames' landmarks, read from disk as they are used; zeros where no face was found."""
        return self._landmarks.all()
