# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events over a socket that never waits, so that one thread follows many jobs."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

from .errors import Unreachable
from .http import Address, fault_of, unreachable


@dataclass
class EventParser:
    """Turns the bytes of an event stream, however cut, into (id, event, data) triples."""

    _rest: bytes = b""
    _lines: list[str] = field(default_factory=list)

    def feed(self, content: bytes) -> list[tuple[str, str, str]]:
        """The events that are complete with these bytes."""
        events = []
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            if text.startswith(":"):
                continue  # a heartbeat
            if text:
                self._lines.append(text)
            elif self._lines:
                events.append(self._event())
        return events

    def _event(self) -> tuple[str, str, str]:
        fields: dict[str, list[str]] = {}
        for line in self._lines:
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        self._lines.clear()
        return (fields.get("id", [""])[-1], fields.get("event", [""])[-1], "\n".join(fields.get("data", [])))


@dataclass
class Chunks:
    """Undoes HTTP's chunked encoding, however the bytes are cut."""

    _rest: bytes = b""
    _left: int = 0  # bytes of the present chunk that are still to come, its line end included
    ended: bool = False

    def feed(self, content: bytes) -> bytes:
        """The payload in these bytes.

        Raises:
            ValueError: this is no chunked stream.
        """
        self._rest += content
        out = b""
        while self._rest and not self.ended:
            if self._left:
                piece = self._rest[: self._left]
                out += piece[: max(0, self._left - 2)]
                self._rest, self._left = self._rest[len(piece) :], self._left - len(piece)
                continue
            line, found, rest = self._rest.partition(b"\r\n")
            if not found:
                break
            size = int(line.split(b";")[0], 16)
            self._rest, self._left = rest, size + 2
            self.ended = size == 0
        return out


class EventStream:
    """The events of one job. ``sock`` can be waited for; :meth:`read` never waits."""

    def __init__(self, address: Address, path: str, last_id: str = "") -> None:
        """Open the line and send the request.

        Raises:
            Unreachable: nobody listens.
        """
        self._address = address
        self._connection = address.connect()
        headers = address.headers({"Accept": "text/event-stream"})
        if last_id:
            headers["Last-Event-ID"] = last_id
        try:
            self._connection.request("GET", address.path(path), headers=headers)
            assert self._connection.sock is not None
            self.sock: socket.socket = self._connection.sock
            self.sock.setblocking(False)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise unreachable(address, error) from error
        self.heard = time.monotonic()  # when the last byte came; heartbeats count
        self._head = b""
        self._body: Chunks | None = None
        self._has_head = False
        self._parser = EventParser()

    def read(self) -> list[tuple[str, str, Any]]:
        """The events that have arrived, as (id, event, JSON).

        Raises:
            Unreachable: the line was cut.
            Fault: the server refused, or sent something else.
        """
        events: list[tuple[str, str, Any]] = []
        while True:
            try:
                content = self.sock.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                return events
            except OSError as error:
                raise unreachable(self._address, error) from error
            if not content:
                if events:
                    return events
                raise Unreachable("The server closed the line.", "It will be tried again.")
            self.heard = time.monotonic()
            try:
                payload = self._payload(content)
                events += [(at, name, json.loads(data)) for at, name, data in self._parser.feed(payload)]
            except ValueError as error:
                raise Unreachable(f"The server's events cannot be read: {error}.") from error

    def _payload(self, content: bytes) -> bytes:
        if not self._has_head:
            self._head += content
            head, found, content = self._head.partition(b"\r\n\r\n")
            if not found:
                return b""
            self._has_head = True
            first, *lines = head.decode("latin-1").lower().split("\r\n")
            status = int(first.split()[1])
            if status != 200:
                raise fault_of(status, content[content.find(b"{") : content.rfind(b"}") + 1])
            if any(line.startswith("transfer-encoding:") and "chunked" in line for line in lines):
                self._body = Chunks()
        return self._body.feed(content) if self._body else content

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
