"""Ctrl-C and requests to end (SIGINT, SIGTERM), wherever they catch the work."""

from __future__ import annotations

import signal
from types import FrameType

_asked = False


def handle_signals() -> None:
    """From now on a signal stops the command, which then cleans up: no half file, no Blender left behind."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, _stop)


def asked_to_stop() -> bool:
    """Whether a signal came; what reports progress asks this."""
    return _asked


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but not amid an import: extension modules swallow it there, or break.

    Progress then stops at its next report. Who presses Ctrl-C again is taken at their word.
    """
    global _asked
    again, _asked = _asked, True
    if again or not _importing(frame):
        raise KeyboardInterrupt


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
