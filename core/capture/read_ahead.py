"""Frames decoded in a thread of their own while earlier ones are in work."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from core.capture.video import Frame

_DEPTH: Final = 2  # frames that are read ahead


@contextmanager
def read_ahead(frames: Iterable[Frame]) -> Iterator[Iterator[Frame]]:
    """The same frames, of which the next are read in a thread while one is in work.

    At the end, also early, the thread has stopped, so that the file may be closed.

    Raises:
        Exception: where the frame would have come, what reading it raised.
    """
    reader = ThreadPoolExecutor(1, "frames")
    try:
        yield _taken(iter(frames), reader)
    finally:
        reader.shutdown(cancel_futures=True)


def _taken(frames: Iterator[Frame], reader: Executor) -> Iterator[Frame]:
    coming = deque(reader.submit(next, frames, None) for _ in range(_DEPTH))
    while (frame := coming.popleft().result()) is not None:
        coming.append(reader.submit(next, frames, None))
        yield frame
