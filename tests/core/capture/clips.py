"""Small clips for the tests, made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from core.capture.video import Frame, open_video

WIDTH, HEIGHT = 64, 48
STEP = 8  # grey levels between frames, so that a frame tells its number


def picture(index: int) -> np.ndarray:
    """A grey frame that tells its number, with a bright red block in the top left corner."""
    pixels = np.full((HEIGHT, WIDTH, 3), 20 + STEP * (index % 25), np.uint8)
    pixels[:16, :16] = (255, 0, 0)
    return pixels


def number_of(pixels: np.ndarray) -> int:
    """The number (modulo 25) of a frame made by :func:`picture`, from its middle."""
    height, width = pixels.shape[:2]
    middle = pixels[height // 2 - 2 : height // 2 + 2, width // 2 - 2 : width // 2 + 2]
    return round((float(middle.mean()) - 20) / STEP)


def red_corner(pixels: np.ndarray) -> tuple[str, str]:
    """Where the red block is."""
    redness = pixels[..., 0].astype(int) - pixels[..., 1]
    rows, columns = np.nonzero(redness > 100)
    height, width = pixels.shape[:2]
    return "top" if rows.mean() < height / 2 else "bottom", "left" if columns.mean() < width / 2 else "right"


def write_clip(
    path: Path,
    times_ms: Sequence[int] = tuple(range(0, 400, 40)),
    *,
    matrix: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    sound_seconds: float = 0.0,
    codec: str = "mpeg4",
    gop: int = 5,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip whose frame ``i`` is :func:`picture` ``(i)`` shown from ``times_ms[i]``."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.gop_size = gop
        stream.codec_context.bit_rate = 2_000_000
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if matrix is not None:
            stream.set_display_matrix(matrix)
        sound: Any = container.add_stream("aac", rate=16000) if sound_seconds else None
        for index, time in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(picture(index), "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            for index in range(int(sound_seconds * 16000 / 1024)):
                samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
                samples.sample_rate, samples.pts = 16000, index * 1024
                container.mux(sound.encode(samples))
            container.mux(sound.encode())
    return path


def frame_on_screen(path: Path, time: float = 0.0, long_side: int = 512) -> Frame:
    """The frame shown at ``time`` (seconds), at most ``long_side`` pixels long."""
    with open_video(path, long_side=long_side, threads=1) as video:
        return video.frame_at(time)
