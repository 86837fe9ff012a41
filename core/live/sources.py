"""Cameras, and files that play at their own pace."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.capture.video import Frame, open_video, probe_video
from core.errors import BadInput

_LONG_SIDE: Final = 1280  # pixels; landmarks look at 192 of them


class FileSource:
    """A video file whose frames come when they are due.

    Args:
        speed: 2 plays twice as fast. Times stay those of the file.
        loop: begin again at the end; times go on.

    Raises:
        UnreadableMedia: the file is missing, damaged or no video.
        BadInput: the speed is not a positive number.
    """

    def __init__(self, path: Path, speed: float = 1.0, loop: bool = False) -> None:
        if not (speed > 0 and math.isfinite(speed)):
            raise BadInput(f"The speed cannot be {speed:g}.", "Use a positive number, such as 1.")
        info = probe_video(path)
        shrink = min(1.0, _LONG_SIDE / max(info.width, info.height))
        self.name, self.fps = path.name, info.fps * speed
        self.size = round(info.width * shrink), round(info.height * shrink)
        self._path, self._speed, self._loop = path, speed, loop

    def frames(self, stopped: threading.Event) -> Iterator[Frame]:
        """See :class:`core.live.feed.FrameSource`."""
        began = time.monotonic()
        offset = 0.0
        while True:
            last = 0.0
            with open_video(self._path, long_side=_LONG_SIDE) as video:
                for frame in video:
                    last = offset + frame.time
                    due = began + last / self._speed
                    if stopped.wait(max(0.0, due - time.monotonic())):
                        return
                    yield Frame(last, frame.pixels)
                offset = last + 1.0 / video.info.fps
            if not self._loop:
                return

    def close(self) -> None:
        """Nothing is held open between frames."""
