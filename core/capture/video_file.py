"""Opens video files without trusting them, and says what is wrong with those that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from core.errors import UnreadableMedia

# Containers that hold one video. Playlists and scripts (m3u8, concat, ...) could make FFmpeg open other files
# or the network, still pictures are no video, and any text file counts as one of FFmpeg's formats.
_FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,av1,ivf,obu,m4v,flv,asf,ogg,mxf,"
    "gif,nut,yuv4mpegpipe,dv,rm,swf,apng,live_flv,vob"
)


def open_stream(path: Path, threads: int) -> tuple[InputContainer, VideoStream]:
    """The container and its first moving picture.

    Args:
        threads: the most that the decoder may use.

    Raises:
        UnreadableMedia: the file is not a video, or holds no moving picture.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
    try:
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise _not_a_video(path, error) from error
    stream = next((stream for stream in container.streams.video if not _is_cover(stream)), None)
    if stream is None:
        container.close()
        raise UnreadableMedia(f"{path} holds no moving picture.", "Choose a video file.")
    stream.codec_context.thread_count = threads
    stream.codec_context.thread_type = "AUTO"
    return container, stream


def check_file(path: Path) -> None:
    """Whether there is a file to read.

    Raises:
        UnreadableMedia: it is missing, a folder, empty or locked.
    """
    if path.is_dir():
        raise UnreadableMedia(f"{path} is a folder.", "Name the video file inside it.")
    if not path.exists():
        raise UnreadableMedia(f"{path} does not exist.", "Check the spelling of its name and folder.")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise UnreadableMedia(
            f"{path} cannot be read ({error.strerror}).", "Check its permissions."
        ) from error
    if empty:
        raise UnreadableMedia(f"{path} is empty (0 bytes).", "Copy or download it again.")


def _not_a_video(path: Path, error: Exception) -> UnreadableMedia:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in (b"ftyp", b"mdat", b"moov", b"wide"):
        return UnreadableMedia(
            f"{path} is damaged or was never finished: its table of frames is missing or broken ({error}).",
            "Copy it again from the camera, or repair it with the camera's own software.",
        )
    return UnreadableMedia(f"{path} is not a video in a known format.", "Use MP4, MOV, MKV, WebM or AVI.")


def own_length(stream: VideoStream) -> float | None:
    """Seconds that the header gives this stream; Matroska writes them as a tag, ``00:00:04.040000000``."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    try:
        hours, minutes, seconds = stream.metadata.get("DURATION", "").split(":")
        return float(hours) * 3600 + float(minutes) * 60 + float(seconds)
    except ValueError:
        return None


def _is_cover(stream: VideoStream) -> bool:
    """Whether the stream is the still cover of a piece of music."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)
