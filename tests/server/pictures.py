"""Pictures to send, no two alike."""

from __future__ import annotations

import io
import os

from PIL import Image


def picture(kind: str = "PNG", side: int = 40) -> bytes:
    stream = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(stream, kind)
    return stream.getvalue()
