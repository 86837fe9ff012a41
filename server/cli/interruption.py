"""Ctrl-C and requests to end (SIGINT, SIGTERM), wherever they catch the work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_asked = 0  # the signal that came
_gently = False  # the first Ctrl-C only asks the work to end with what it has
_finish = False  # that Ctrl-C came


def handle_signals() -> None:
    """From now on a signal stops the command, which then cleans up: no half file, no Blender left behind."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, _stop)


def asked_to_stop() -> bool:
    """Whether a signal came; what reports progress asks this."""
    return bool(_asked)


@contextmanager
def ending_gently() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C in the block asks the work to end with what it has, the second stops it.

    Yields a function that says whether the first came.
    """
    global _gently, _finish
    _gently, _finish = True, False
    try:
        yield lambda: _finish
    finally:
        _gently = False


def take_back() -> bool:
    """Count a first Ctrl-C as not pressed, so that the work may go on; false where it was another signal."""
    global _asked
    if _asked not in (0, signal.SIGINT):
        return False
    _asked = 0
    return True


@contextmanager
def ending_quietly() -> Iterator[threading.Event]:
    """An event that a signal sets within the block: an end that is no error. A second signal is one."""
    ended = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if ended.is_set():
            _stop(number, frame)
        ended.set()

    try:
        before = {kind: signal.signal(kind, ask) for kind in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # only the main thread hears signals
        before = {}
    try:
        yield ended
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but not amid an import: extension modules swallow it there, or break.

    Progress then stops at its next report. Who presses Ctrl-C again is taken at their word.
    """
    global _asked, _finish
    if _gently and not _finish and number == signal.SIGINT:
        _finish = True
        return
    again, _asked = _asked or _finish, number
    if again or not _importing(frame):
        raise KeyboardInterrupt


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
