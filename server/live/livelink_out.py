"""Frames to Unreal Engine, as the Live Link Face app sends them over UDP.

A packet holds, in network byte order: a version byte, 6; device id and subject name, each a 32-bit length and
UTF-8; the frame since midnight (32 bits), the fraction of a frame (float), the rate as numerator and
denominator (32 bits each); the number of values, 61 (a byte), and the values (floats): the coefficients in
the order of the engine's enumeration, where *left* precedes *right* throughout, then the angles of head, left
and right eye as in the app's CSV.
"""

from __future__ import annotations

import socket
import struct
import time
import uuid
from typing import Final

from core.errors import BadInput
from core.live.frame import LiveFrame
from core.track.livelink import APPLE_ORDER, livelink_values

_VERSION: Final = 6
_SWAPPED: Final = {
    "jawRight": "jawLeft",
    "jawLeft": "jawRight",
    "mouthRight": "mouthLeft",
    "mouthLeft": "mouthRight",
}
_PLACES: Final = [APPLE_ORDER.index(_SWAPPED.get(name, name)) for name in APPLE_ORDER]


def livelink_packet(
    frame: LiveFrame, device: str, subject: str, since_midnight: float, rate: int = 60
) -> bytes:
    """One frame as a packet.

    Args:
        since_midnight: seconds, of the day on which it was taken.
        rate: frames a second that the time is counted in.
    """
    row = livelink_values(frame.coefficients[None], frame.head_rotation[None], frame.gaze[None])[0]
    values = [*row[_PLACES], *row[len(_PLACES) :]]
    whole, part = divmod(since_midnight * rate, 1.0)
    names = b"".join(struct.pack("!i", len(name)) + name for name in (device.encode(), subject.encode()))
    timing = struct.pack("!ifii", int(whole), part, rate, 1)
    return (
        struct.pack("!B", _VERSION) + names + timing + struct.pack(f"!B{len(values)}f", len(values), *values)
    )


class LiveLinkSender:
    """Sends packets and never waits.

    Args:
        target: ``HOST:PORT``.

    Raises:
        BadInput: that is no such address.
    """

    def __init__(self, target: str, subject: str = "Semblance") -> None:
        host, _, port = target.rpartition(":")
        try:
            if not host or not 0 < int(port) < 1 << 16:
                raise ValueError
            found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
        except (OSError, ValueError, OverflowError):
            raise BadInput(
                f"{target!r} is no address to send to.", "Write it as HOST:PORT, for example 127.0.0.1:11111."
            ) from None
        self._address = found[4]
        self._socket = socket.socket(found[0], socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._device, self._subject = str(uuid.uuid4()).upper(), subject

    def __call__(self, frame: LiveFrame) -> None:
        """Send a frame; one that the system does not take is lost."""
        clock = time.localtime()
        seconds = clock.tm_hour * 3600 + clock.tm_min * 60 + clock.tm_sec + time.time() % 1.0
        try:
            self._socket.sendto(livelink_packet(frame, self._device, self._subject, seconds), self._address)
        except OSError:
            return

    def close(self) -> None:
        """Stop sending."""
        self._socket.close()
