"""Pictures and their times → an .mp4, with the sound of another file beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.video.reformatter import Colorspace
from jaxtyping import UInt8
from numpy import ndarray

from core.capture.video_file import open_stream
from core.errors import UnreadableMedia

_TICK: Final = 90_000  # of the film's clock, per second
_BT709: Final = 1  # in FFmpeg's tables of matrices, primaries and transfer functions alike
_COPIED: Final = ("aac", "ac3", "alac", "eac3", "flac", "mp3", "opus")  # sound that an .mp4 takes as it is
_EVEN: Final = 2  # pixels that share a colour, along a side


class Sound:
    """Packets of a file's sound, in order, on a film's clock.

    Args:
        path: a video or sound file.
        begins: seconds since the first picture of the file at which the film begins.
    """

    def __init__(self, path: Path, begins: float) -> None:
        self._container, pictures = open_stream(path, 1)
        self._streams = self._container.streams.audio
        self._begins = begins + float((pictures.start_time or 0) * (pictures.time_base or 0))

    @property
    def is_there(self) -> bool:
        """Whether the file has any sound."""
        return bool(self._streams)

    def close(self) -> None:
        self._container.close()

    def into(self, film: av.container.OutputContainer) -> Iterator[tuple[float, list[av.Packet]]]:
        """Add the sound's stream to a film; then (begin in seconds, packets), as they come.

        Copied bit by bit where an .mp4 may hold it, else encoded as AAC.
        """
        source = self._streams[0]
        if source.codec_context.name in _COPIED:
            return self._copied(film.add_stream_from_template(source))
        target = film.add_stream("aac", rate=source.codec_context.sample_rate)
        assert isinstance(target, av.AudioStream)
        return self._encoded(target)

    def _copied(self, target: av.stream.Stream) -> Iterator[tuple[float, list[av.Packet]]]:
        source = self._streams[0]
        for packet in self._packets():
            if packet.pts is None or packet.dts is None or packet.time_base is None:
                continue
            shift = round(self._begins / packet.time_base)
            begin = float((packet.pts - shift) * packet.time_base)
            # one packet before the beginning stays: decoders need it to warm up, and players do not sound it
            if begin < -1.5 * float((packet.duration or 0) * packet.time_base):
                continue
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.time_base, packet.stream = source.time_base or packet.time_base, target
            yield begin, [packet]

    def _encoded(self, target: av.AudioStream) -> Iterator[tuple[float, list[av.Packet]]]:
        context = target.codec_context
        resampler = AudioResampler(context.format, context.layout, context.sample_rate, context.frame_size)
        written = 0
        for packet in self._packets():
            try:
                decoded = packet.decode()
            except av.FFmpegError:  # a hole in the sound is no reason to lose the film
                continue
            for frame in decoded:
                assert isinstance(frame, av.AudioFrame)
                if frame.time is not None and frame.time < self._begins:
                    continue
                for even in resampler.resample(frame):
                    begin = written / context.sample_rate
                    even.pts, even.time_base = written, Fraction(1, context.sample_rate)
                    written += even.samples
                    yield begin, target.encode(even)
        yield written / context.sample_rate, target.encode(None)

    def _packets(self) -> Iterator[av.Packet]:
        try:
            yield from self._container.demux(self._streams[0])
        except av.FFmpegError:  # the file breaks off: what comes before is kept
            return


class Film:
    """An .mp4 in the making; see :func:`open_film`."""

    def __init__(
        self, container: av.container.OutputContainer, size: tuple[int, int], sound: Sound | None
    ) -> None:
        self._container = container
        self._stream = _stream(container, *size)
        self._size = size
        self._sound = iter(()) if sound is None else sound.into(container)
        self._waiting = next(self._sound, None)

    def add(self, picture: UInt8[ndarray, "height width 3"], time: float) -> None:
        """One more picture, at a time in seconds after all before; an odd row or column is left out."""
        self._add_sound(time)
        width, height = self._size
        shown = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
        shown = shown.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        shown.pts = round(time * _TICK)
        shown.time_base = Fraction(1, _TICK)
        self._container.mux(self._stream.encode(shown))

    def end(self, time: float) -> None:
        """Write what is left; the sound ends at that time."""
        self._container.mux(self._stream.encode(None))
        self._add_sound(time)

    def _add_sound(self, until: float) -> None:
        while self._waiting is not None and self._waiting[0] < until:
            self._container.mux(self._waiting[1])
            self._waiting = next(self._sound, None)


@contextmanager
def open_film(
    path: Path, size: tuple[int, int], sound: Sound | None = None, metadata: Mapping[str, str] | None = None
) -> Iterator[Film]:
    """Write an .mp4: H.264 where this build of FFmpeg has it, else MPEG-4; colours as in BT.709.

    Args:
        path: to write to, at once; stage it for a file that is whole or not there.
        size: (width, height) of the pictures; odd sides are cut to even ones.
        sound: copied beside the pictures, as long as they last.
        metadata: tags of the file, such as ``comment``.

    Raises:
        OSError: the file cannot be written.
    """
    width, height = (max(side - side % _EVEN, _EVEN) for side in size)
    with ExitStack() as stack:
        container = stack.enter_context(av.open(str(path), "w", format="mp4"))
        container.metadata.update(metadata or {})
        yield Film(container, (width, height), sound)


@contextmanager
def open_sound(path: Path, begins: float = 0.0) -> Iterator[Sound]:
    """The sound of a video, from a moment on (seconds since its first picture).

    Raises:
        UnreadableMedia: the file cannot be read.
    """
    try:
        sound = Sound(path, begins)
    except av.FFmpegError as error:
        raise UnreadableMedia(f"{path} cannot be read ({error.strerror}).", "Choose another file.") from error
    try:
        yield sound
    finally:
        sound.close()


def _stream(container: av.container.OutputContainer, width: int, height: int) -> av.VideoStream:
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    stream = container.add_stream(codec, rate=Fraction(_TICK, 1))
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, _TICK)
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    stream.options = {"crf": "18", "preset": "veryfast"} if codec == "libx264" else {"qscale": "3"}
    return stream
