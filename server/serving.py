"""Run one server from start to end."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType
from typing import Final

import uvicorn

from core.errors import BadInput
from server.api.app import create_app
from server.api.context import open_context
from server.errors import PortBusy
from server.folder import ServerNote, locked, make_token, prepare_folder, remove_note, write_note
from server.logs import start_logging
from server.preview.messages import MOST_BYTES
from server.protocol import patient_protocol
from server.settings import Settings
from server.store.records import now
from server.version import API_VERSION, version

_log = logging.getLogger(__name__)
_GOODBYE_SECONDS: Final = 3  # for answers on their way when the server ends
_REACHED_AT: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # from this machine
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def serve(settings: Settings, host: str, port: int, ready: Callable[[ServerNote], None]) -> None:
    """Serve until a signal or ``POST /v1/shutdown``.

    Args:
        port: 0 for any that is free.
        ready: told where the server is, once it answers.

    Raises:
        ServerRunning: another server holds the folder.
        PortBusy: the address cannot be listened at.
        BadInput: other machines could call, and ``settings.remote`` is not set.
        OutputFailed: the folder cannot be used.
    """
    if host not in _LOOPBACK and not settings.remote:
        raise BadInput(
            f"Other machines could call a server at {host}.",
            "Add --allow-remote if that is what you want; only in a network that you trust.",
        )
    settings = replace(settings, folder=settings.folder.absolute())
    prepare_folder(settings.folder)
    with locked(settings.folder), listen(host, port) as listener:
        os.umask(0o077)  # whatever is written from here on is its owner's alone
        token = make_token(settings.folder)
        start_logging(settings.folder)
        note = ServerNote(url_of(listener, host), os.getpid(), version(), API_VERSION, now())
        _Server(settings, token, note, ready).run(sockets=[listener])


@contextlib.contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; port 0 for any that is free.

    Raises:
        PortBusy: the address cannot be listened at.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(512)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PortBusy(
                f"Cannot listen at {host}, port {port}: {reason}.",
                "Choose another port, or leave --port out for one that is free.",
            ) from error
        yield listener
    finally:
        listener.close()


def url_of(listener: socket.socket, host: str) -> str:
    """Where this machine reaches a socket that listens at a host."""
    host = _REACHED_AT.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


class _Server(uvicorn.Server):
    """uvicorn, with a note in the folder while it runs."""

    def __init__(
        self, settings: Settings, token: str, note: ServerNote, ready: Callable[[ServerNote], None]
    ) -> None:
        self._context = open_context(settings, note.started, self.end)
        super().__init__(
            uvicorn.Config(
                create_app(self._context, token),
                http=patient_protocol(settings.header_seconds),
                ws="websockets-sansio",
                ws_max_size=MOST_BYTES,
                ws_per_message_deflate=False,  # pictures are packed as the client asks
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GOODBYE_SECONDS,
                h11_max_incomplete_event_size=64 << 10,
            )
        )
        self._folder, self._note, self._ready = settings.folder, note, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            write_note(self._folder, self._note)
            _log.info("server ready", extra={"url": self._note.url, "server_pid": self._note.pid})
            self._ready(self._note)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        remove_note(self._folder)
        await super().shutdown(sockets)
        _log.info("server ended")

    def end(self) -> None:
        """End soon; event streams at once."""
        self._context.queue.hub.close()
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """A signal is a clean end, not an error."""

        def ask(number: int, frame: FrameType | None) -> None:
            self.end()

        kinds = (signal.SIGINT, signal.SIGTERM)
        before = {kind: signal.signal(kind, ask) for kind in kinds}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)
