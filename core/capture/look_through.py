"""One pass through a video: the person is followed, frame by frame, while others watch and may stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.capture.faces import FaceFinder
from core.capture.follow import Person, follow_face
from core.capture.preview import Previews
from core.capture.read_ahead import read_ahead
from core.capture.spool import LandmarkSpool
from core.capture.video import Frame, Video, VideoInfo
from core.errors import BadInput, Cancelled
from core.progress import FrameReport, Progress


def look_through(
    seen: LandmarkSpool,
    video: Video,
    finder: FaceFinder,
    person: Person,
    *,
    frames: int,
    progress: Progress,
    stopped: Callable[[], bool],
    watchers: Sequence[
        Callable[[int, UInt8[ndarray, "height width 3"], Float32[ndarray, "478 3"]], None]
    ] = (),
) -> bool:
    """Follow a face through a video, and keep what was seen; whether it was stopped before the last frame.

    Args:
        frames: how many there will be about.
        progress: in the stage that this is.
        stopped: asked at each frame; true ends it there.
        watchers: called with the number, pixels and landmarks of each frame that shows the face, but for
            those before the click, whose pixels are gone when the person is known.

    Raises:
        BadInput: as :func:`core.capture.follow.follow_face`.
        Cancelled: it was stopped before the person was known.
    """
    previews = Previews()
    latest: list[Frame] = []  # the frame in work
    looked_at = 0

    def passing(frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            latest[:] = [frame]
            yield frame

    def show(landmarks: Float32[ndarray, "478 3"] | None) -> None:
        frame = latest[0]
        picture = previews.picture(frame.pixels, landmarks) if progress.pictures else b""
        where = FrameReport(looked_at, max(looked_at, frames), frame.time, picture)
        progress.update(min(1.0, looked_at / frames), where)

    def look_ahead(_: Frame) -> None:
        nonlocal looked_at
        looked_at += 1
        show(None)
        if stopped():
            raise Cancelled()

    with read_ahead(video) as coming:
        for found in follow_face(passing(coming), finder, person, look_ahead):
            seen.add(found)
            if len(seen) <= looked_at:  # handed on late, after the click
                continue
            looked_at = len(seen)
            show(found.landmarks)
            if found.landmarks is not None:
                for watch in watchers:
                    watch(len(seen) - 1, latest[0].pixels, found.landmarks)
            if stopped():
                return looked_at < frames
    return False


def check_span(info: VideoInfo, start: float, end: float | None) -> tuple[str, ...]:
    """Whether in and out point, seconds, lie in a clip; what to warn of.

    Raises:
        BadInput: the in point lies after the clip's end.
    """
    length = info.duration
    if length <= 0:  # the file does not say it
        return ()
    if start >= length:
        raise BadInput(
            f"The in point ({start:g} s) lies after the clip's end ({length:.2f} s).",
            "Choose an earlier one.",
        )
    if end is not None and end > length + 1.0 / info.fps:
        return (f"The out point ({end:g} s) lies after the clip's end ({length:.2f} s).",)
    return ()


def frames_between(info: VideoInfo, start: float, end: float | None) -> int:
    """About how many frames lie between in and out point, seconds; at least 1."""
    last = info.duration if end is None else min(end, info.duration)
    return max(1, round((last - start) * info.fps))
