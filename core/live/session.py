"""From a feed through the tracker to whoever listens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from core.capture.video import Frame
from core.live.feed import Feed
from core.live.frame import LiveFrame
from core.live.statistics import Pace, Statistics

_TELL_EVERY: Final = 0.5  # seconds
_WAIT: Final = 0.2  # seconds, at most, until it is asked again whether to stop


def run_live(
    feed: Feed,
    tracker: Callable[[Frame], LiveFrame],
    show: Callable[[LiveFrame], None],
    tell: Callable[[Pace, bool], None] = lambda pace, found: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Pace:
    """Track until the feed ends or ``stopped`` says so; the figures at the end.

    Args:
        tracker: such as :class:`~core.live.tracker.LiveTracker`.
        show: takes each result at once; must not wait.
        tell: hears twice a second how it goes, and whether the face is seen.

    Raises:
        SemblanceError: what the feed's source raised.
    """
    statistics = Statistics()
    found, told = False, time.perf_counter()
    while not stopped() and not feed.ended:
        arrived = feed.take(_WAIT)
        if arrived is not None:
            frame = tracker(arrived.frame)
            statistics.add(arrived.at, time.perf_counter())
            found = frame.found
            show(frame)
        now = time.perf_counter()
        if now - told >= _TELL_EVERY:
            told = now
            tell(statistics.pace(now, feed.dropped), found)
    return statistics.pace(time.perf_counter(), feed.dropped)
