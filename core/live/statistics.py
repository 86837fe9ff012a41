"""How live tracking keeps up."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

_SECONDS: Final = 3.0  # that the figures look back
_MOST: Final = 1000  # frames


@dataclass(frozen=True)
class Pace:
    """How fast frames are tracked.

    Attributes:
        fps: frames tracked a second.
        latency_ms: from a frame's arrival to its result, median.
        latency_ms_95: 95th percentile.
        dropped: frames that were skipped since the beginning, because newer ones had come.
    """

    fps: float
    latency_ms: float
    latency_ms_95: float
    dropped: int


class Statistics:
    """Figures of the last seconds."""

    def __init__(self) -> None:
        self._done: deque[tuple[float, float]] = deque(maxlen=_MOST)

    def add(self, arrived: float, finished: float) -> None:
        """A frame is finished; times of one clock, seconds."""
        self._done.append((arrived, finished))

    def pace(self, now: float, dropped: int) -> Pace:
        """The figures at a time of the same clock."""
        while self._done and self._done[0][1] < now - _SECONDS:
            self._done.popleft()
        if len(self._done) < 2:
            return Pace(0.0, 0.0, 0.0, dropped)
        finished = [end for _, end in self._done]
        latency = [1e3 * (end - arrived) for arrived, end in self._done]
        median, most = np.percentile(latency, (50, 95))
        fps = (len(finished) - 1) / max(finished[-1] - finished[0], 1e-6)
        return Pace(fps, float(median), float(most), dropped)
