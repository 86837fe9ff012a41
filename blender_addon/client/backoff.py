# SPDX-License-Identifier: GPL-3.0-or-later
"""Ever longer pauses for a server that does not answer."""

from __future__ import annotations

FIRST, LONGEST = 0.5, 8.0  # seconds


class Backoff:
    """Half a second, then twice as long each time, up to eight seconds."""

    def __init__(self) -> None:
        self._next = FIRST

    def pause(self) -> float:
        """Seconds to wait now."""
        now, self._next = self._next, min(2 * self._next, LONGEST)
        return now

    def reset(self) -> None:
        """The server answered."""
        self._next = FIRST
