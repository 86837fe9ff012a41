"""A portrait that tilts its head in a video, and is gone for a while."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import skimage.data

FRAMES, SIDE, RATE = 40, 384, 25
GONE = range(15, 27)  # frames of noise


def tilting_portrait() -> list[np.ndarray]:
    astronaut = skimage.data.astronaut()[:SIDE, 60 : 60 + SIDE]
    shown = []
    for index in range(FRAMES):
        angle = 8 * np.sin(index / 6)
        turn = cv2.getRotationMatrix2D((SIDE / 2, 140), angle, 1.0)
        shown.append(cv2.warpAffine(astronaut, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE))
    for index in GONE:
        shown[index] = np.random.default_rng(index).integers(90, 110, shown[0].shape).astype(np.uint8)
    return shown


def write_video(path: Path, frames: list[np.ndarray]) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        stream.codec_context.bit_rate = 4_000_000
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
