# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of the frame that a job works on, fetched now and then."""

from __future__ import annotations

import re
import time
from typing import Any

from . import messages as say
from .desk import Desk
from .errors import Fault
from .health import address_of
from .http import fetch_bytes

EVERY = 0.5  # seconds
_MOST_BYTES = 1 << 20
_PPM = re.compile(rb"P6\s+(\d{1,5})\s+(\d{1,5})\s+255\s")


class FramePictures:
    """Reports the pictures of one job, at most two a second. One that does not come is not missed."""

    def __init__(self, desk: Desk, owner: str, job: str) -> None:
        self._desk, self._owner, self._job = desk, owner, job
        self._seen, self._next = 0, 0.0

    def look(self, job: dict[str, Any]) -> None:
        """Fetch the picture if the job, as the server tells it, has a new one."""
        number = int((job.get("frame") or {}).get("picture") or 0)
        now = time.monotonic()
        if number == self._seen or now < self._next:
            return
        self._seen, self._next = number, now + EVERY
        try:
            path = f"/v1/jobs/{self._job}/preview?format=ppm"
            width, height, pixels = read_ppm(fetch_bytes(address_of(self._desk.target), path, _MOST_BYTES))
        except (Fault, ValueError):
            return
        picture = say.FramePicture(self._owner, width, height, pixels)
        self._desk.report(picture, ("picture", self._owner))


def read_ppm(content: bytes) -> tuple[int, int, bytes]:
    """Width, height and RGB bytes of a binary PPM with one byte a channel.

    Raises:
        ValueError: it is none.
    """
    head = _PPM.match(content)
    if head is None:
        raise ValueError("it is no binary PPM")
    width, height = int(head[1]), int(head[2])
    pixels = content[head.end() :]
    if not pixels or len(pixels) != 3 * width * height:
        raise ValueError("the picture is not whole")
    return width, height, pixels
