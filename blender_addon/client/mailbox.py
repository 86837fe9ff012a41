# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue between two threads in which a newer message can take the place of an older one."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any


class Mailbox:
    """Messages in order; one with a ``key`` replaces an unread one of the same key, in its place."""

    def __init__(self) -> None:
        self._messages: dict[Hashable, Any] = {}
        self._count = 0
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._messages)

    def put(self, message: Any, key: Hashable = None) -> None:
        """Add a message."""
        with self._lock:
            self._count += 1
            self._messages[self._count if key is None else ("key", key)] = message

    def take(self) -> Any:
        """Remove and return the oldest message, or None."""
        with self._lock:
            if not self._messages:
                return None
            return self._messages.pop(next(iter(self._messages)))
