"""Cameras, through OpenCV."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from core.capture.video import Frame
from core.errors import CameraUnavailable

_WIDTH, _HEIGHT = 640, 480  # every camera has it, and landmarks look at 192 pixels of a face
_SILENT: Final = 3.0  # seconds without a picture after which a camera counts as gone
_FIRST: Final = 5.0  # some need seconds to wake
_NAMES: Final = {
    "linux": ("V4L2",),
    "darwin": ("AVFOUNDATION",),
    "win32": ("MSMF", "DSHOW"),
}
_HINTS: Final = {
    "linux": "Plug it in, end other programs that use it, and see that you may read /dev/video* (on most "
    "systems: that you are in the group video).",
    "darwin": "End other programs that use it, and allow the terminal (or Blender) to use the camera in "
    "System Settings > Privacy & Security > Camera.",
    "win32": "End other programs that use it, and allow desktop apps to use the camera in Settings > "
    "Privacy > Camera.",
}


class CameraSource:
    """A camera, by its number or its device, such as ``/dev/video0``.

    Args:
        backends: OpenCV's names of ways to reach it; those of the system where not given.

    Raises:
        CameraUnavailable: it does not open or sends no picture; says what was tried.
    """

    def __init__(self, device: int | str, backends: Sequence[str] | None = None) -> None:
        self._capture, first = _open(device, backends or _NAMES.get(sys.platform, ("ANY",)))
        self._first: np.ndarray | None = first
        self.name = f"camera {device}"
        self.size = first.shape[1], first.shape[0]
        told = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = told if 1.0 <= told <= 1000.0 else 30.0

    def frames(self, stopped: threading.Event) -> Iterator[Frame]:
        """See :class:`core.live.feed.FrameSource`.

        Raises:
            CameraUnavailable: it has stopped sending pictures.
        """
        began = heard = time.monotonic()
        last = -1.0
        while not stopped.is_set():
            picture, self._first = self._first, None
            if picture is None:
                came, picture = self._capture.read()
                picture = picture if came else None
            now = time.monotonic()
            if picture is None:
                if now - heard > _SILENT:
                    raise CameraUnavailable(
                        f"The {self.name} sends no pictures any more.",
                        "Plug it in again, and end other programs that use it.",
                    )
                stopped.wait(0.02)
                continue
            heard = now
            if now - began > last:
                last = now - began
                yield Frame(last, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


def _open(device: int | str, backends: Sequence[str]) -> tuple[Any, np.ndarray]:
    tried = []
    for name in backends:
        with _quiet():
            capture = cv2.VideoCapture(device, getattr(cv2, f"CAP_{name}"))
        if not capture.isOpened():
            tried.append(f"{name}: {_reason(device)}")
            continue
        for setting, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, _WIDTH),
            (cv2.CAP_PROP_FRAME_HEIGHT, _HEIGHT),
            (cv2.CAP_PROP_BUFFERSIZE, 1),  # the driver's own queue would be old pictures
        ):
            capture.set(setting, value)
        ends = time.monotonic() + _FIRST
        while time.monotonic() < ends:
            came, picture = capture.read()
            if came and picture is not None:
                return capture, picture
            time.sleep(0.05)
        capture.release()
        tried.append(f"{name}: opens, but sends no picture")
    raise CameraUnavailable(
        f"The camera {device} cannot be used. Tried {'; '.join(tried)}.", _HINTS.get(sys.platform, "")
    )


def _reason(device: int | str) -> str:
    """Why a camera does not open, as far as the system tells."""
    if not sys.platform.startswith("linux"):
        return "does not open"
    path = Path(f"/dev/video{device}") if isinstance(device, int) else Path(device)
    if not path.exists():
        others = sorted(str(other) for other in Path("/dev").glob("video*"))
        return f"there is no {path} ({'there are ' + ', '.join(others) if others else 'nor any other'})"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"{path} may not be read by you"
    return f"{path} does not open"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """OpenCV prints its own warnings; ours says more."""
    level = cv2.getLogLevel()
    cv2.setLogLevel(0)
    try:
        yield
    finally:
        cv2.setLogLevel(level)
