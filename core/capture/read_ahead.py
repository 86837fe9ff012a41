"""Frames decoded in a thread of their own while earlier ones are in work."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from core.capture.video import Frame

_DEPTH: Final = 2  # frames that wait; as many more are in memory


@contextmanager
def read_ahead(frames: Iterable[Frame]) -> Iterator[Iterator[Frame]]:
    """The same frames, of which the next are read in a thread while one is in work.

    At the end, also early, the thread has stopped, so that the file may be closed.

    Raises:
        Exception: where the frame would have come, what reading it raised.
    """
    reader = _Reader(frames)
    try:
        yield reader.taken()
    finally:
        reader.close()


class _Reader:
    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = frames
        self._waiting: deque[Frame] = deque()
        self._error: BaseException | None = None
        self._ended = self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="frames", daemon=True)
        self._thread.start()

    def taken(self) -> Iterator[Frame]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    break
                frame = self._waiting.popleft()
                self._changed.notify_all()
            yield frame
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()

    def _read(self) -> None:
        try:
            for frame in self._frames:
                with self._changed:
                    self._changed.wait_for(lambda: len(self._waiting) < _DEPTH or self._stopped)
                    if self._stopped:
                        return
                    self._waiting.append(frame)
                    self._changed.notify_all()
        except BaseException as error:  # raised again where frames are taken
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
