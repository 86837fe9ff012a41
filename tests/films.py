"""Films with sound, made and read again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from core.film import open_film

RATE = 24_000  # sound samples a second


def film_with_sound(path: Path, seconds: float, codec: str = "aac", pitch: float = 440.0) -> Path:
    """A grey clip of 25 pictures a second with a tone; .mkv may hold any codec."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=25)
        assert isinstance(pictures, av.VideoStream)
        pictures.width = pictures.height = 64
        pictures.pix_fmt = "yuv420p"
        sound = container.add_stream(codec, rate=RATE)
        assert isinstance(sound, av.AudioStream)
        sound.layout = "mono"
        for index in range(round(25 * seconds)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        tone = 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(RATE * seconds)) / RATE)
        for begin in range(0, len(tone), 1024):
            samples = (tone[None, begin : begin + 1024] * 32767).astype(np.int16)
            heard = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = RATE, begin, Fraction(1, RATE)
            container.mux(sound.encode(heard))
        container.mux(sound.encode(None))
    return path


def silent_film(path: Path, times: list[float]) -> Path:
    """Grey pictures at those times."""
    with open_film(path, (64, 64)) as film:
        for time in times:
            film.add(np.full((64, 64, 3), 128, np.uint8), time)
        film.end(times[-1])
    return path


def pictures_of(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times and RGB pictures of a film."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        rgb = [f.reformat(format="rgb24", src_colorspace=f.colorspace).to_ndarray() for f in frames]
        return np.array([frame.time for frame in frames]), np.stack(rgb)


def packets_of_sound(path: Path) -> list[bytes]:
    """The encoded sound, packet by packet."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def tone_of(path: Path) -> tuple[float, float]:
    """Seconds of sound, and the loudest frequency in it (Hz)."""
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].codec_context.sample_rate
        parts = [frame.to_ndarray()[0].astype(np.float64) for frame in container.decode(audio=0)]
    samples = np.concatenate(parts)
    return len(samples) / rate, float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))
