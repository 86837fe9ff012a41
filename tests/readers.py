"""A face reader that says what a test wants: stands in for a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy import ndarray

FACING = np.diag([1.0, -1.0, -1.0]).astype(np.float32)


@dataclass
class Reading:
    """What is said of a photo; by default nothing."""

    identity: ndarray = field(default_factory=lambda: np.zeros(120, np.float32))
    identity_std: ndarray | None = None
    expression: ndarray = field(default_factory=lambda: np.zeros(52, np.float32))
    expression_std: ndarray | None = None
    rotation: ndarray = field(default_factory=lambda: FACING.copy())
    rotation_std: ndarray | None = None


@dataclass
class ToldReader:
    """Says ``say(number)`` of the photo or frame of that number, counted as they come.

    Attributes:
        asked: landmarks and camera of each call.
        fused: readings that an identity was made of.
    """

    say: Callable[[int], Reading]
    model_name: str = "anny"
    asked: list[tuple[ndarray, tuple[float, ...] | None]] = field(default_factory=list)
    fused: list[Reading] = field(default_factory=list)

    def read(
        self, pixels: ndarray, landmarks: ndarray, camera: tuple[float, float, float, float] | None = None
    ) -> Reading:
        assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
        self.asked.append((landmarks, camera))
        return self.say(len(self.asked) - 1)

    def fuse(self, readings: Sequence[Any]) -> tuple[ndarray, ndarray]:
        """The mean of what was said, as sure as the first."""
        self.fused = list(readings)
        mean: ndarray = np.mean([reading.identity for reading in readings], axis=0, dtype=np.float32)
        return mean, readings[0].identity_std
