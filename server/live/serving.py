"""Serves a live session beside the tracking."""

from __future__ import annotations

import logging
import os
import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import uvicorn

from core.errors import SemblanceError
from server.folder import LIVE_NOTE, ServerNote, make_token, prepare_folder, remove_note, write_note
from server.live.app import create_live_app
from server.live.hub import Hub
from server.live.messages import text
from server.protocol import patient_protocol
from server.serving import listen, url_of
from server.settings import Settings
from server.store.records import now
from server.version import API_VERSION, version

_HOST: Final = "127.0.0.1"
_MOST_BYTES: Final = 1 << 20  # of a client's message
_BUFFER: Final = 1 << 15  # bytes; a client that does not read should not find minutes of old frames
_START_SECONDS: Final = 10.0
_LAST_WORDS_SECONDS: Final = 1.0  # for a client that does not read


_quiet = logging.getLogger("uvicorn.error")


def _is_news(record: logging.LogRecord) -> bool:
    """uvicorn takes a refusal before the handshake, which is answered in full, for an unfinished one."""
    return "without completing handshake" not in record.getMessage()


class LiveServer:
    """A context manager: listens while the block runs, then tells everyone that it has ended.

    Args:
        folder: where token and note lie.
        hello: see :mod:`server.live.messages`.
        port: 0 for any that is free.

    Raises:
        PortBusy: the address cannot be listened at.
        OutputFailed: the folder cannot be used.
    """

    def __init__(self, folder: Path, hello: dict[str, Any], port: int = 0) -> None:
        self._folder, self._port = folder.absolute(), port
        self._hello = hello
        self._hub = Hub(text(hello))
        self._stack = ExitStack()
        self.url = ""

    def __enter__(self) -> LiveServer:
        prepare_folder(self._folder)
        settings = Settings(folder=self._folder)
        with ExitStack() as stack:
            listener = stack.enter_context(listen(_HOST, self._port))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            self.url = url_of(listener, _HOST)
            app = create_live_app(self._hub, self._hello, settings, make_token(self._folder))
            server = uvicorn.Server(
                uvicorn.Config(
                    app,
                    http=patient_protocol(settings.header_seconds),
                    ws="websockets-sansio",
                    ws_max_size=_MOST_BYTES,
                    ws_per_message_deflate=False,  # costs more than it saves on one machine
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    timeout_graceful_shutdown=1,
                    h11_max_incomplete_event_size=64 << 10,
                )
            )
            _quiet.addFilter(_is_news)
            self._run(server, listener, stack)
            note = ServerNote(self.url, os.getpid(), version(), API_VERSION, now())
            write_note(self._folder, note, LIVE_NOTE)
            stack.callback(remove_note, self._folder, LIVE_NOTE, os.getpid())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SemblanceError):
            ending = {"type": "error", "code": error.code, "message": error.message, "hint": error.hint}
        elif isinstance(error, Exception):
            ending = {"type": "error", "code": "error", "message": repr(error), "hint": ""}
        else:
            ending = {"type": "end"}
        self._hub.end(text(ending))
        # a server that shuts down closes lines on which the end is still to be said
        self._hub.wait_until_told(_LAST_WORDS_SECONDS)
        self._stack.close()

    def publish(self, message: dict[str, Any]) -> None:
        """Send a message to all who listen; returns at once."""
        self._hub.publish(message["type"], text(message))

    @staticmethod
    def _run(server: uvicorn.Server, listener: socket.socket, stack: ExitStack) -> None:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="live", daemon=True)
        thread.start()
        waited = threading.Event()
        for _ in range(int(_START_SECONDS / 0.01)):
            if server.started or not thread.is_alive():
                break
            waited.wait(0.01)

        def end() -> None:
            server.should_exit = True
            thread.join(5.0)

        stack.callback(end)
