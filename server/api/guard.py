"""The gate in front of every route: host name, no web pages, token, size of JSON bodies."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import socket
import time
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import SemblanceError
from server.api.errors import error_response
from server.errors import ForbiddenHost, TooLarge, Unauthorized
from server.settings import Settings

_log = logging.getLogger("server.access")
MOST_JSON_BYTES: Final = 1 << 20
UPLOAD_PATH: Final = "/v1/files"
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Guard:
    """Pure ASGI, so that nothing is read or buffered of a request that is refused.

    The Host header is checked, since a web page can give its own name this machine's address (DNS
    rebinding); a request with an Origin comes from a web page. The token is compared in constant time.
    """

    def __init__(self, app: ASGIApp, settings: Settings, token: str) -> None:
        self._app = app
        self._token = token.encode()
        self._remote = settings.remote
        self._hosts = {name.lower() for name in (*_LOOPBACK, *settings.allowed_hosts)}
        if settings.remote:
            self._hosts |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            refused = self._refusal(Headers(scope=scope))
            # before the handshake: the client gets the same answer as over HTTP
            await (error_response(refused) if refused else self._app)(scope, receive, send)
            return
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        try:
            await self._pass(scope, receive, noted)
        finally:
            facts = {"method": scope["method"], "path": scope["path"], "status": status}
            _log.info("request", extra={**facts, "seconds": round(time.perf_counter() - began, 4)})

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        error: SemblanceError | None = self._refusal(headers)
        is_upload = scope["path"] == UPLOAD_PATH
        if error is None and not is_upload and _declared_length(headers) > MOST_JSON_BYTES:
            error = _too_large()
        if error is not None:
            await error_response(error)(scope, receive, send)
        elif is_upload:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, _limited(receive), send)

    def _refusal(self, headers: Headers) -> ForbiddenHost | Unauthorized | None:
        if not self._is_ours(headers.get("host", "")):
            return ForbiddenHost(
                "The server does not go by the host name of this request.",
                "Use the address that the server printed, or start it with --allow-host NAME.",
            )
        if "origin" in headers:
            return ForbiddenHost("Web pages may not use this server.", "Use Blender or `semblance --server`.")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        matches = hmac.compare_digest(token.strip().encode("utf-8", "surrogateescape"), self._token)
        if scheme.lower() != "bearer" or not matches:
            return Unauthorized(
                "The token is missing or wrong.",
                "It lies in the file `token` of the server's folder, on the machine where the server runs.",
            )
        return None

    def _is_ours(self, host: str) -> bool:
        name = host.strip().lower()
        if name.startswith("["):
            name = name[1:].partition("]")[0]
        elif name.count(":") == 1:
            name = name.partition(":")[0]
        if name in self._hosts:
            return True
        if not self._remote:
            return False
        try:  # a page under another name cannot send an address as its host
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _declared_length(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _too_large() -> TooLarge:
    return TooLarge(
        f"The request's body is larger than {MOST_JSON_BYTES >> 20} MiB.", "Files go to POST /v1/files."
    )


def _limited(receive: Receive) -> Receive:
    """Bodies that do not say their length are counted; FastAPI passes on no other exception."""
    seen = 0

    async def counted() -> Any:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MOST_JSON_BYTES:
                raise HTTPException(413, _too_large().message.rstrip("."))
        return message

    return counted
