"""Tells event streams that a job changed."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Hub:
    """Wakes whoever follows a job; what changed they read themselves, so a slow reader costs no memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followers: defaultdict[str, dict[asyncio.Event, asyncio.AbstractEventLoop]] = defaultdict(dict)
        self.closed = False

    @property
    def streams(self) -> int:
        return sum(map(len, list(self._followers.values())))

    @contextmanager
    def follow(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event of the running loop, set at each change of the job."""
        event = asyncio.Event()
        with self._lock:
            self._followers[job_id][event] = asyncio.get_running_loop()
        try:
            yield event
        finally:
            with self._lock:
                del self._followers[job_id][event]
                if not self._followers[job_id]:
                    del self._followers[job_id]

    def changed(self, job_id: str) -> None:
        """Wake the followers of one job, from any thread."""
        with self._lock:
            followers = list(self._followers[job_id].items()) if job_id in self._followers else []
        self._wake(followers)

    def all_changed(self) -> None:
        """Wake all: the queue moved."""
        with self._lock:
            followers = [pair for events in self._followers.values() for pair in events.items()]
        self._wake(followers)

    def close(self) -> None:
        """End all streams."""
        self.closed = True
        self.all_changed()

    def _wake(self, followers: list[tuple[asyncio.Event, asyncio.AbstractEventLoop]]) -> None:
        for event, loop in followers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
