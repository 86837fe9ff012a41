"""Video files to upright RGB frames with their times.

Frames come by timestamp, never by number: phones and screen recorders write variable rates. Rotation flags
(the display matrix, mirror images included), non-square pixels and edit lists are undone; sound is ignored.
One frame at a time is in memory. FFmpeg decodes, through PyAV.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import av
import numpy as np
from av.video.frame import VideoFrame as DecodedFrame
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8

from core.capture.display_matrix import quarter_turns, turned_upright
from core.capture.video_file import check_file, open_stream, own_length
from core.errors import BadInput, UnreadableMedia

_MOST_DAMAGED_PACKETS: Final = 60  # in a row; then the rest is given up
_UNCERTAIN: Final = 0.25  # seconds by which a sound video may end before the length in its header


class Frame(NamedTuple):
    """A frame: seconds since the first frame of the file, and upright RGB pixels ``(H, W, 3)`` uint8."""

    time: float
    pixels: UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class VideoInfo:
    """What is known before decoding.

    Attributes:
        width, height: of the upright frames with square pixels.
        fps: frames per second on average; the real intervals may vary.
        duration: seconds, as the header says; 0 where it does not.
        frames: estimated from ``duration``; at least 1.
        rotation: clockwise degrees (0, 90, 180, 270) by which stored frames are turned to be upright.
        scale: of the frames against the file's own, where they are shrunk.
    """

    path: Path
    width: int
    height: int
    fps: float
    duration: float
    frames: int
    rotation: int
    codec: str
    scale: float = 1.0


class Video:
    """An open video: iterate over it for :class:`Frame` s in order of time. Made by :func:`open_video`.

    Attributes:
        info: see :class:`VideoInfo`.
        warnings: what went wrong so far, in sentences; complete once the iteration has ended.
    """

    def __init__(self, path: Path, threads: int, span: tuple[float, float | None], side: int) -> None:
        self._path, self._threads = path, threads
        self._start, self._end = span
        self._side = side
        self._reformatter = VideoReformatter()
        self._container, self._stream = open_stream(path, threads)
        self._origin: int | None = None  # time stamp of the first frame
        self.warnings: list[str] = []
        first = next(self._decoded(), None)
        if first is None:
            raise UnreadableMedia(
                f"{path} holds no frame that can be decoded.", "Copy or download it again, or re-export it."
            )
        self._turns, self._mirrored = quarter_turns(first)
        self._time_base = Fraction(first.time_base or self._stream.time_base or Fraction(1, 1000))
        self._origin = first.pts if first.pts is not None else first.dts
        self.info = self._describe(first)

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        """Decode from the in point to the out point, both included.

        Damage ends or thins out the video: what can be decoded is kept and ``warnings`` says what is lost.
        """
        self.warnings.clear()
        tick = float(self._time_base) / 2
        last = -1.0
        for time, decoded in self._timed_from(self._start):
            if time <= last or time < self._start - tick:
                continue
            if self._end is not None and time > self._end + tick:
                return
            last = time
            yield Frame(time, self._pixels(decoded))
        self._check_end(last)

    def frame_at(self, time: float) -> Frame:
        """The frame on screen at a time: the last one that began before it; the first one for times below 0.

        Raises:
            UnreadableMedia: the video is damaged there.
        """
        tick = float(self._time_base) / 2
        shown: tuple[float, DecodedFrame] | None = None
        for begins, decoded in self._timed_from(time):
            if shown is not None and begins > time + tick:
                break
            shown = begins, decoded
        if shown is None:
            raise UnreadableMedia(f"{self._path} cannot be decoded at {time:.2f} s.", "Try an earlier time.")
        return Frame(shown[0], self._pixels(shown[1]))

    def _timed_from(self, start: float) -> Iterator[tuple[float, DecodedFrame]]:
        """Times and frames from a key frame at or before ``start`` on.

        Some containers cannot be searched, and transport streams land late: then from the beginning.
        """
        if start > 0.0 and self._origin is not None:
            try:
                stamp = self._origin + int(start / self._time_base)
                self._container.seek(stamp, stream=self._stream, backward=True)
            except av.FFmpegError:
                pass
            else:
                frames = self._timed()
                earliest = next(frames, None)
                if earliest is not None and earliest[0] <= start:
                    yield earliest
                    yield from frames
                    return
        self._container.close()
        self._container, self._stream = open_stream(self._path, self._threads)
        yield from self._timed()

    def _timed(self) -> Iterator[tuple[float, DecodedFrame]]:
        """A frame without a time stamp follows the last at the average rate."""
        last: float | None = None
        for decoded in self._decoded():
            stamp = decoded.pts if decoded.pts is not None else decoded.dts
            if stamp is not None and self._origin is not None:
                last = float((stamp - self._origin) * self._time_base)
            else:
                last = 0.0 if last is None else last + 1.0 / self.info.fps
            yield last, decoded

    def _packets(self) -> Iterator[av.Packet]:
        try:
            yield from self._container.demux(self._stream)
        except av.FFmpegError as error:
            self._warn_once(f"The file breaks off ({error.strerror}); what comes before is kept.")

    def _decoded(self) -> Iterator[DecodedFrame]:
        damaged_in_a_row = 0
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.FFmpegError:
                damaged_in_a_row += 1
                where = ""
                if packet.pts is not None and packet.time_base is not None and self._origin is not None:
                    where = f" at about {float((packet.pts - self._origin) * packet.time_base):.2f} s"
                self._warn_once(f"The video is damaged{where}; frames are missing from there.")
                if damaged_in_a_row >= _MOST_DAMAGED_PACKETS:
                    return
                continue
            damaged_in_a_row = 0
            yield from (frame for frame in frames if not frame.is_corrupt)

    def _pixels(self, frame: DecodedFrame) -> UInt8[np.ndarray, "height width 3"]:
        stored = self.info.width, self.info.height
        width, height = stored[::-1] if self._turns % 2 else stored
        converted = self._reformatter.reformat(frame, width, height, "rgb24", threads=1)
        return turned_upright(converted.to_ndarray(), self._turns, self._mirrored)

    def _describe(self, first: DecodedFrame) -> VideoInfo:
        stream = self._stream
        aspect = float(stream.sample_aspect_ratio or 1)
        width, height = max(1, round(first.width * aspect)), first.height
        shrink = min(1.0, self._side / max(width, height))
        width, height = max(1, round(width * shrink)), max(1, round(height * shrink))
        if self._turns % 2:
            width, height = height, width
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        length = self._length()
        return VideoInfo(
            path=self._path,
            width=width,
            height=height,
            fps=rate,
            duration=length,
            frames=max(1, round(length * rate)),
            rotation=90 * self._turns,
            codec=stream.codec_context.name,
            scale=shrink,
        )

    def _length(self) -> float:
        """The length that the header gives the pictures, or else the whole file; 0 where it gives none."""
        own = own_length(self._stream)
        return (self._container.duration or 0) / av.time_base if own is None else own

    def _check_end(self, last: float) -> None:
        ends = max(last, 0.0) + 1.0 / self.info.fps
        expected = self.info.duration if self._end is None else min(self.info.duration, self._end)
        # Without a length of its own, the picture may end before the sound does.
        slack = _UNCERTAIN if own_length(self._stream) is not None else 2.0
        if ends < expected - max(slack, 3.0 / self.info.fps):
            self._warn_once("The file breaks off; what comes before is kept.")
            self.warnings.append(f"The video ends at {ends:.2f} s instead of {self.info.duration:.2f} s.")

    def _warn_once(self, sentence: str) -> None:
        if not self.warnings:
            self.warnings.append(sentence)


@contextmanager
def open_video(
    path: str | Path,
    *,
    start: float = 0.0,
    end: float | None = None,
    long_side: int = 4096,
    threads: int = 2,
) -> Iterator[Video]:
    """Open a video for reading.

    Args:
        start, end: in and out point, seconds since the first frame; ``end`` ``None`` reads to the end.
        long_side: larger frames are shrunk to this many pixels while they are converted.
        threads: the most that the decoder may use.

    Raises:
        UnreadableMedia: the file is missing, a folder, empty, damaged from the start, or not a video.
        BadInput: the out point is not after the in point.
    """
    path = Path(path)
    if not 0.0 <= start < (np.inf if end is None else end):
        raise BadInput(
            f"The in point ({start:g} s) must be 0 or more and the out point ({end} s) must come after it.",
            "Change one of them.",
        )
    check_file(path)
    video = Video(path, threads, (start, end), long_side)
    try:
        yield video
    finally:
        video.close()


def probe_video(path: str | Path) -> VideoInfo:
    """Size, rate, length and rotation of a video; decodes one frame.

    Raises:
        UnreadableMedia: as :func:`open_video`.
    """
    with open_video(path, long_side=1 << 16, threads=1) as video:
        return video.info
