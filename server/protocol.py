"""HTTP/1.1 as uvicorn speaks it, with an end to requests that never finish their headers."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def patient_protocol(seconds: float) -> type[H11Protocol]:
    """The protocol, for connections that may take so long to bring a request's head."""

    class Protocol(_PatientProtocol):
        header_seconds = seconds

    return Protocol


class _PatientProtocol(H11Protocol):
    """Closes a connection that does not bring a whole request head in time (a "slow loris")."""

    header_seconds: float
    _too_slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._waits():
            self._expect_headers()
        super().data_received(data)
        if not self._waits():
            self._headers_came()

    def _waits(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _expect_headers(self) -> None:
        if self._too_slow is None:
            self._too_slow = self.loop.call_later(self.header_seconds, self._close)

    def _headers_came(self) -> None:
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None

    def _close(self) -> None:
        self._too_slow = None
        if self._waits() and self.transport.get_protocol() is self:  # else it is a WebSocket's by now
            self.transport.close()
