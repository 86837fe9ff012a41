"""The newest frame of a source, for a tracker that may be slower than it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from core.capture.video import Frame


class Arrived(NamedTuple):
    """A frame and when it came, by ``time.perf_counter``."""

    frame: Frame
    at: float


@runtime_checkable
class FrameSource(Protocol):
    """Where frames come from."""

    name: str
    fps: float
    size: tuple[int, int]

    def frames(self, stopped: threading.Event) -> Iterator[Frame]:
        """Frames as they happen, until the source ends or ``stopped`` is set.

        Times are seconds since the first frame and increase.
        """

    def close(self) -> None:
        """Let go of the camera or file."""


class Feed:
    """Reads a source in a thread of its own and keeps its newest frame; older ones are dropped.

    There is one place and no queue: a tracker that is late works on what is new, not on what is old.
    """

    def __init__(self, source: FrameSource, clock: Callable[[], float] = time.perf_counter) -> None:
        self.source = source
        self.dropped = 0
        self._clock = clock
        self._newest: Arrived | None = None
        self._error: BaseException | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, name="frames", daemon=True)
        self._thread.start()

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether everything was taken, an error included, and nothing more comes."""
        with self._changed:
            return self._ended and self._newest is None and self._error is None

    def take(self, timeout: float) -> Arrived | None:
        """The newest frame that was not taken yet; none where the source ended or nothing came in time.

        Raises:
            SemblanceError: what the source raised, once its frames are taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._ended, timeout)
            newest, self._newest = self._newest, None
            if newest is None and self._error is not None:
                error, self._error = self._error, None
                raise error
            return newest

    def close(self) -> None:
        """Stop reading, and let go of the source."""
        self._stopped.set()
        self._thread.join(5.0)
        if not self._thread.is_alive():  # a driver that hangs keeps its camera; closing it then can crash
            self.source.close()

    def _read(self) -> None:
        try:
            for frame in self.source.frames(self._stopped):
                with self._changed:
                    if self._newest is not None:
                        self.dropped += 1
                    self._newest = Arrived(frame, self._clock())
                    self._changed.notify()
        except BaseException as error:  # raised again where frames are taken
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
