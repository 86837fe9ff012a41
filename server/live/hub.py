"""Listeners of a live session, none of whom can hold it up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


class Listener:
    """One client: the newest of what it has not been sent, by kind. Lives in the server's event loop."""

    def __init__(self, first: str) -> None:
        self._waiting = {"hello": first}
        self._news = asyncio.Event()
        self._news.set()
        self._ended = False

    def put(self, kind: str, text: str) -> None:
        """Something to send; takes the place of what was not sent of its kind."""
        self._waiting[kind] = text
        self._news.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._news.set()

    async def take(self) -> list[str]:
        """What there is to send, once there is something; nothing when it has ended."""
        while not self._waiting and not self._ended:
            self._news.clear()
            await self._news.wait()
        texts = list(self._waiting.values())
        self._waiting.clear()
        return texts


class Hub:
    """Spreads messages from the tracker's thread to listeners in the event loop's.

    Args:
        first: what every listener hears first.
        most: listeners at a time.
    """

    def __init__(self, first: str, most: int = 16) -> None:
        self._first, self._most = first, most
        self._listeners: set[Listener] = set()
        self._latest: dict[str, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False
        self._gone = threading.Event()  # everyone, after the end

    @property
    def full(self) -> bool:
        """Whether nobody else may listen."""
        return len(self._listeners) >= self._most

    def latest(self, kind: str) -> str | None:
        """The newest message of a kind."""
        return self._latest.get(kind)

    def publish(self, kind: str, text: str) -> None:
        """Hand a message to all, from any thread; returns at once."""
        self._latest[kind] = text
        self._call(self._spread, kind, text)

    def end(self, text: str) -> None:
        """The last message; then every line is closed."""
        self._call(self._finish, text)

    def wait_until_told(self, seconds: float) -> None:
        """Wait until everyone has heard the end and left, or for so long; outside the event loop."""
        if self._loop is not None and not self._loop.is_closed():
            self._gone.wait(seconds)

    def join(self) -> Listener:
        """A new listener; within the event loop."""
        self._loop = asyncio.get_running_loop()
        listener = Listener(self._first)
        if self._ended:
            listener.end()
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """A listener is gone; within the event loop."""
        self._listeners.discard(listener)
        self._note_gone()

    def _call(self, function: Callable[..., None], *arguments: str) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(function, *arguments)

    def _spread(self, kind: str, text: str) -> None:
        for listener in self._listeners:
            listener.put(kind, text)

    def _finish(self, text: str) -> None:
        self._ended = True
        for listener in self._listeners:
            listener.put("end", text)
            listener.end()
        self._note_gone()

    def _note_gone(self) -> None:
        if self._ended and not self._listeners:
            self._gone.set()
