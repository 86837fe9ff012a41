"""How stored video frames are turned and mirrored to be upright."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from jaxtyping import UInt8


def quarter_turns(frame: VideoFrame) -> tuple[int, bool]:
    """Clockwise quarter turns (0–3) of the frame's display matrix, and whether to mirror the result.

    The matrix maps a stored position (x, y), y down, to ``(a x + c y, b x + d y)``; it is rounded to the
    nearest of the eight ways to lay a picture (containers hold arbitrary ones, cameras write only these).
    """
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 0, False
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].astype(np.float64)
    mirrored = a * d - b * c < 0
    if mirrored:  # the rest, once the result's x axis is turned round, is a rotation
        a, c = -a, -c
    return round(np.arctan2(b - c, a + d) / (np.pi / 2)) % 4, bool(mirrored)


def turned_upright(
    pixels: UInt8[np.ndarray, "height width 3"], turns: int, mirrored: bool
) -> UInt8[np.ndarray, "upright_height upright_width 3"]:
    """A stored frame as it should be seen: ``turns`` clockwise quarter turns, then left and right swapped."""
    turned = np.rot90(pixels, -turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)
