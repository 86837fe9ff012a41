# SPDX-License-Identifier: GPL-3.0-or-later
"""Single calls to a server with ``http.client``: JSON, uploads and downloads in steps."""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
import urllib.parse
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import Damaged, Fault, Unreachable

TIMEOUT = 5.0  # seconds that one call may wait for the line
BLOCK = 1 << 18
_MAX_JSON = 32 << 20


@dataclass(frozen=True)
class Address:
    """Where a server listens and the token it wants."""

    url: str
    token: str = field(repr=False)

    def connect(self) -> http.client.HTTPConnection:
        """A connection that is not opened yet.

        Raises:
            Fault: the URL cannot be one.
        """
        try:
            parts = urllib.parse.urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urllib.parse.urlsplit("")
        if parts.scheme not in ("http", "https") or not host:
            raise Fault(f"“{self.url}” is not an address.", "It looks like https://host:port.", "bad_address")
        if parts.scheme == "https":
            return http.client.HTTPSConnection(
                host, port, timeout=TIMEOUT, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT)

    def path(self, path: str) -> str:
        """The path on the server, which may lie below a proxy's prefix."""
        return urllib.parse.urlsplit(self.url).path.rstrip("/") + path

    def headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers that every call carries.

        Raises:
            Fault: the token holds what no token can.
        """
        if not (self.token.isascii() and self.token.isprintable()):
            raise Fault("The token has a character that no token has.", "Copy it again.", "unauthorized")
        return {"Authorization": f"Bearer {self.token}", "Connection": "close", **(more or {})}


def call(
    address: Address,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """One JSON call; what it answers, or None.

    Raises:
        Unreachable: no answer.
        Fault: the server answered with an error.
    """
    content = None if body is None else json.dumps(body).encode()
    sent = address.headers({"Content-Type": "application/json", **(headers or {})})
    connection = address.connect()
    try:
        connection.request(method, address.path(path), content, sent)
        response = connection.getresponse()
        return _answer(response)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise unreachable(address, error) from error
    finally:
        connection.close()


def fetch_bytes(address: Address, path: str, most: int) -> bytes:
    """What lies at a path, if it is small.

    Raises:
        Unreachable: no answer.
        Fault: the server answered with an error, or with more than ``most`` bytes.
    """
    connection = address.connect()
    try:
        connection.request("GET", address.path(path), headers=address.headers())
        response = connection.getresponse()
        content = response.read(most + 1)
    except (OSError, http.client.HTTPException) as error:
        raise unreachable(address, error) from error
    finally:
        connection.close()
    if response.status >= 400 or len(content) > most:
        raise fault_of(response.status, content)
    return content


def upload(address: Address, file: Path) -> Generator[int, None, dict[str, Any]]:
    """Send a file from disk; yields the bytes sent so far and returns the server's file object.

    Raises:
        Unreachable: the line was cut.
        Fault: the photo cannot be read here, or the server refuses it.
    """
    connection = address.connect()
    try:
        with _opened(file) as stream:
            size = file.stat().st_size
            headers = address.headers(
                {
                    "Content-Type": "application/octet-stream",
                    "Content-Length": str(size),
                    "X-Filename": urllib.parse.quote(file.name),
                }
            )
            connection.putrequest("POST", address.path("/v1/files"))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            sent = 0
            try:
                while block := stream.read(BLOCK):
                    connection.send(block)
                    sent += len(block)
                    yield sent
            except ConnectionError:
                pass  # a server that refuses closes the line early; its answer says why
            info = _answer(connection.getresponse())
        return dict(info)
    except (OSError, http.client.HTTPException) as error:
        raise unreachable(address, error) from error
    finally:
        connection.close()


def download(address: Address, path: str, target: Path, size: int, sha256: str) -> Generator[int, None, None]:
    """Fetch a file to ``target``, which appears whole or not at all; yields the bytes that are there.

    A part that an earlier call left is kept and continued.

    Raises:
        Unreachable: the line was cut; calling again goes on from there.
        Damaged: the checksum differs; the part is thrown away.
        Fault: the server refuses.
    """
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    if have > size:
        part.unlink()
        have = 0
    connection = address.connect()
    try:
        if have < size:
            wanted = {"Range": f"bytes={have}-", "If-Range": f'"{sha256}"'} if have else {}
            connection.request("GET", address.path(path), headers=address.headers(wanted))
            response = connection.getresponse()
            if response.status >= 400:
                _answer(response)
            if response.status != 206:
                have = 0
            with part.open("ab" if have else "wb") as stream:
                while block := response.read(BLOCK):
                    stream.write(block)
                    have += len(block)
                    yield have
    except (OSError, http.client.HTTPException) as error:
        raise unreachable(address, error) from error
    finally:
        connection.close()
    if have < size:
        raise Unreachable("The line was cut while the result was fetched.", "It will be tried again.")
    if hashlib.sha256(part.read_bytes()).hexdigest() != sha256:
        part.unlink()
        raise Damaged("The result arrived damaged.", "It will be fetched again.")
    part.replace(target)


def unreachable(address: Address, error: Exception) -> Unreachable:
    """The sentence for a call that got no answer."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Unreachable(
        f"The server at {address.url} does not answer ({reason}).",
        "Check that it runs and that the address is right.",
    )


def fault_of(status: int, content: bytes) -> Fault:
    """The error that a response carries."""
    try:
        error = json.loads(content)["error"]
        return Fault(str(error["message"]), str(error.get("hint") or ""), str(error["code"]))
    except (ValueError, KeyError, TypeError):
        return Fault(
            f"The server answered with status {status}, which Semblance does not send.",
            "Check that the address is a Semblance server's.",
            "not_semblance",
        )


def _answer(response: http.client.HTTPResponse) -> Any:
    content = response.read(_MAX_JSON)
    if response.status >= 400:
        raise fault_of(response.status, content)
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        raise fault_of(response.status, b"") from None


def _opened(file: Path) -> Any:
    try:
        return file.open("rb")
    except OSError as error:
        raise Fault(
            f"The file {file} cannot be read: {error.strerror}.",
            "Choose it again, or remove it from the list.",
            "unreadable_media",
        ) from error
