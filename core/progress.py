"""How long work reports where it is and learns that it should stop.

A job is a list of named stages with expected seconds; a stage reports its own fraction. Every report
is also a cancellation point.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from core.errors import Cancelled

T = TypeVar("T")
_TICK: Final = 0.3  # seconds between reports of work that does not report itself


def part(report: Callable[[float], None], begin: float, end: float) -> Callable[[float], None]:
    """A report for a part of the work that goes from ``begin`` to ``end`` (fractions) of the whole."""
    return lambda fraction: report(begin + (end - begin) * fraction)


def while_working(work: Callable[[], T], report: Callable[[float], None], seconds: float) -> T:
    """Result of work that cannot tell how far it is; the clock tells instead.

    The work runs on a thread of its own, so that a cancelled job ends at once: what the thread still does
    then is lost, and it does not outlive the process.

    Args:
        report: told a fraction a few times a second, which slows down towards 1 when the work takes longer.
        seconds: that it takes on most machines.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # raised again where the result is waited for
            done.set_exception(error)

    started = time.perf_counter()
    # An executor would wait for the work at the process's end.
    threading.Thread(target=run, name="semblance-work", daemon=True).start()
    while not wait([done], timeout=_TICK).done:
        share = (time.perf_counter() - started) / seconds
        report(0.9 * share if share < 1 else 1 - 0.1 / share)
    return done.result()


@dataclass(frozen=True)
class FrameReport:
    """Which frame of a video is in work.

    Attributes:
        number, count: its number, from 1, and how many there will be about.
        time: seconds since the video's first frame.
        picture: a small JPEG of it; empty in most reports, so that pictures cost next to nothing.
    """

    number: int
    count: int
    time: float
    picture: bytes = b""


@dataclass(frozen=True)
class ProgressReport:
    """One message: the stage, the fraction of the whole job done, and the estimated seconds left."""

    stage: str
    fraction: float
    seconds_left: float
    frame: FrameReport | None = None


@dataclass
class Progress:
    """Tracks stages of a job and tells a listener.

    Args:
        expected_seconds: stage name → expected duration in seconds, in order. Only ratios matter for the
            fraction; the time left is rescaled by how the finished stages compared with expectation.
        listener: called with each report, on the working thread.
        cancelled: asked at each report; true raises :class:`~core.errors.Cancelled`.
        pictures: whether the listener shows pictures of frames, so that it is worth making them.
    """

    expected_seconds: Mapping[str, float]
    listener: Callable[[ProgressReport], None] = lambda report: None
    cancelled: Callable[[], bool] = lambda: False
    pictures: bool = False
    seconds: dict[str, float] = field(default_factory=dict)  # measured, by finished stage
    _stage: str = ""
    _started: float = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run one stage; its measured time is kept in ``seconds``."""
        if name not in self.expected_seconds:
            raise KeyError(f"unknown stage {name!r}")
        self._stage = name
        self._started = time.perf_counter()
        self.update(0.0)
        yield
        self.update(1.0)
        self.seconds[name] = time.perf_counter() - self._started

    def inside(self, stages: Mapping[str, float]) -> Progress:
        """Stages of their own that move the current stage of this progress."""
        return Progress(
            stages, lambda report: self.update(report.fraction, report.frame), pictures=self.pictures
        )

    def update(self, fraction: float, frame: FrameReport | None = None) -> None:
        """Report that ``fraction`` (0–1) of the current stage is done, and which frame is in work.

        Raises:
            Cancelled: the user asked to stop.
        """
        if self.cancelled():
            raise Cancelled()
        total = sum(self.expected_seconds.values())
        done_before = sum(self.expected_seconds[name] for name in self.seconds)
        done = done_before + fraction * self.expected_seconds[self._stage]
        elapsed = sum(self.seconds.values()) + time.perf_counter() - self._started
        pace = elapsed / done if done > 0.05 * total else 1.0
        self.listener(ProgressReport(self._stage, done / total, (total - done) * pace, frame))
