# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebSocket client (RFC 6455) on the standard library: sends text, and takes text or, if asked, bytes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import socket
import struct
from dataclasses import dataclass, field

from .errors import Damaged, Fault, Unreachable
from .http import TIMEOUT, Address, fault_of, unreachable

MOST_BYTES = 1 << 20  # of one message
_MOST_HEAD = 1 << 16
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
NORMAL, PROTOCOL, UNSUPPORTED, NOT_UTF8, TOO_BIG = 1000, 1002, 1003, 1007, 1009


class Closed(Fault):
    """The other side closed the line in good order; ``number`` is its close code."""

    code = "closed"

    def __init__(self, number: int, reason: str = "") -> None:
        super().__init__(reason or "The line was closed.")
        self.number = number


class BadMessage(Damaged):
    """What arrived breaks the protocol, is too large or no text; ``number`` is the close code for it."""

    code = "bad_message"

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message, "Update the add-on and the server to the same release.")
        self.number = number


def frame(opcode: int, payload: bytes, last: bool = True) -> bytes:
    """One frame from a client, masked as section 5.3 demands."""
    length = len(payload)
    head = bytes([(0x80 if last else 0) | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 1 << 16:
        head += struct.pack("!BH", 0x80 | 126, length)
    else:
        head += struct.pack("!BQ", 0x80 | 127, length)
    mask = os.urandom(4)
    return head + mask + masked(payload, mask)


def masked(payload: bytes, mask: bytes) -> bytes:
    """A payload with its mask put on, or taken off."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


@dataclass
class MessageParser:
    """Turns a server's bytes, however cut, into (opcode, payload) of whole messages and control frames."""

    most: int = MOST_BYTES
    _rest: bytes = b""
    _parts: list[bytes] = field(default_factory=list)
    _opcode: int = 0  # of the message that is coming in pieces

    def feed(self, content: bytes) -> list[tuple[int, bytes]]:
        """What is complete with these bytes.

        Raises:
            BadMessage: they break the protocol, or a message is too large.
        """
        self._rest += content
        found = []
        while (one := self._frame()) is not None:
            last, opcode, payload = one
            if opcode >= _CLOSE:
                found.append((opcode, payload))
            elif whole := self._piece(last, opcode, payload):
                found.append(whole)
        return found

    def _frame(self) -> tuple[bool, int, bytes] | None:
        rest = self._rest
        if len(rest) < 2:
            return None
        opcode, length, at = rest[0] & 0x0F, rest[1] & 0x7F, 2
        last = bool(rest[0] & 0x80)
        if rest[0] & 0x70 or rest[1] & 0x80 or opcode not in (
            _CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG
        ):  # fmt: skip
            raise BadMessage(PROTOCOL, "The server sent what is no WebSocket frame of a server.")
        if opcode >= _CLOSE and (length > 125 or not last):
            raise BadMessage(PROTOCOL, "The server sent a control frame that is too long or in pieces.")
        if length >= 126:
            kind, size = ("!H", 2) if length == 126 else ("!Q", 8)
            if len(rest) < at + size:
                return None
            (length,) = struct.unpack_from(kind, rest, at)
            at += size
        if length + sum(map(len, self._parts)) > self.most:
            raise BadMessage(TOO_BIG, f"The server sent a message of more than {self.most >> 10} KiB.")
        if len(rest) < at + length:
            return None
        self._rest = rest[at + length :]
        return last, opcode, rest[at : at + length]

    def _piece(self, last: bool, opcode: int, payload: bytes) -> tuple[int, bytes] | None:
        if (opcode == _CONTINUATION) != bool(self._opcode):
            raise BadMessage(PROTOCOL, "The pieces of the server's messages are out of order.")
        self._opcode = self._opcode or opcode
        self._parts.append(payload)
        if not last:
            return None
        whole = self._opcode, b"".join(self._parts)
        self._opcode = 0
        self._parts.clear()
        return whole


class WebSocket:
    """An open line. Use it from one thread."""

    def __init__(self, address: Address, path: str, most: int = MOST_BYTES, binary: bool = False) -> None:
        """Connect and shake hands; ``most``: bytes of one message; ``binary``: bytes may come too.

        Raises:
            Unreachable: nobody listens, or the line was cut.
            Fault: the server refuses, with its own words, or is no WebSocket server.
        """
        self._address = address
        self._parser = MessageParser(most)
        self._binary = binary
        self._messages: list[str | bytes] = []
        self._closing = False
        connection = address.connect()
        try:
            connection.connect()
            assert connection.sock is not None
            self._sock: socket.socket = connection.sock
            # what came with the handshake; taken when asked for, like all that comes later
            self._early = self._shake_hands(
                address.path(path), f"{_bracketed(connection.host)}:{connection.port}"
            )
        except OSError as error:
            connection.close()
            raise unreachable(address, error) from error
        except BaseException:
            connection.close()
            raise

    def receive(self, seconds: float) -> str | bytes | None:
        """The next message; none where none comes for so long. Pings are answered meanwhile.

        Raises:
            Closed: the other side closed the line.
            Unreachable: the line was cut.
            BadMessage: the other side broke the protocol; the line is closed.
        """
        if self._early:
            early, self._early = self._early, b""
            self._take(early)
        if not self._messages:
            self._sock.settimeout(max(seconds, 0.001))
            try:
                content = self._sock.recv(65536)
            except (TimeoutError, socket.timeout):  # noqa: UP041 (two errors until Python 3.10)
                return None
            except OSError as error:
                raise unreachable(self._address, error) from error
            if not content:
                raise Unreachable("The server closed the line.", "Start it again.")
            self._take(content)
        return self._messages.pop(0) if self._messages else None

    def send(self, text: str) -> None:
        """
        Raises:
            Unreachable: the line was cut.
        """
        self._send(frame(_TEXT, text.encode()))

    def ping(self, payload: bytes = b"") -> None:
        """Ask for a sign of life.

        Raises:
            Unreachable: the line was cut.
        """
        self._send(frame(_PING, payload))

    def close(self, number: int = NORMAL) -> None:
        """Say goodbye and hang up; waits for nothing."""
        if not self._closing:
            self._closing = True
            with contextlib.suppress(Unreachable):
                self._send(frame(_CLOSE, struct.pack("!H", number)))
        self._sock.close()

    def _take(self, content: bytes) -> None:
        try:
            for opcode, payload in self._parser.feed(content):
                if opcode == _TEXT:
                    self._messages.append(_decoded(payload))
                elif opcode == _BINARY and self._binary:
                    self._messages.append(payload)
                elif opcode == _BINARY:
                    raise BadMessage(UNSUPPORTED, "The server sent bytes instead of text.")
                elif opcode == _PING:
                    self._send(frame(_PONG, payload))
                elif opcode == _CLOSE:
                    number = struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else NORMAL
                    reason = _decoded(payload[2:])
                    self.close(number)
                    raise Closed(number, reason)
        except BadMessage as error:
            self.close(error.number)
            raise

    def _send(self, content: bytes) -> None:
        self._sock.settimeout(TIMEOUT)
        try:
            self._sock.sendall(content)
        except OSError as error:
            raise unreachable(self._address, error) from error

    def _shake_hands(self, path: str, host: str) -> bytes:
        """Section 4.1; returns what came after the server's head."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {
            **self._address.headers(),
            "Host": host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._sock.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
        status, answer, rest = self._head()
        if status != 101:
            raise fault_of(status, self._body(answer, rest))
        expected = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
        if answer.get("upgrade", "").lower() != "websocket" or answer.get("sec-websocket-accept") != expected:
            raise _stranger()
        return rest

    def _head(self) -> tuple[int, dict[str, str], bytes]:
        content = b""
        while b"\r\n\r\n" not in content:
            more = self._sock.recv(4096)
            if not more or len(content) > _MOST_HEAD:
                raise Unreachable("The server closed the line.", "Start it again.")
            content += more
        head, _, rest = content.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        try:
            status = int(first.split()[1])
        except (IndexError, ValueError):
            raise Fault(
                "The server's answer is not Semblance's.", "Check the address.", "not_semblance"
            ) from None
        return status, {name.strip().lower(): value.strip() for name, value in fields.items()}, rest

    def _body(self, head: dict[str, str], content: bytes) -> bytes:
        length = head.get("content-length", "")
        wanted = min(int(length), _MOST_HEAD) if length.isascii() and length.isdigit() else 0
        while len(content) < wanted:
            more = self._sock.recv(4096)
            if not more:
                break
            content += more
        return content


def _stranger() -> Fault:
    return Fault("The server's answer is not Semblance's.", "Check the address.", "not_semblance")


def _decoded(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise BadMessage(NOT_UTF8, "The server sent text that is not UTF-8.") from None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
