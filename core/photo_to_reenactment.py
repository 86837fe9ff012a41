"""A photo of a person and a performance → pictures of that person performing. The whole job.

Geometry moves the photo (:mod:`core.guidance`); a network that the caller brings may paint what geometry
cannot give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numpy import ndarray

from core.capture.photos import Photo
from core.capture.preview import Previews
from core.capture.same_person import FaceRecogniser
from core.credentials import Credentials
from core.digital_source import DigitalSource
from core.errors import BadInput
from core.guidance.drive import Motion, Parts, driven
from core.guidance.guidance import Guidance
from core.guidance.guide import Guide
from core.guidance.portrait import Frame, frame_around, source_of
from core.guidance.states import HeadStates
from core.progress import FrameReport, Progress
from core.reenactment.portrait import Portrait, portrait_of
from core.reenactment.writing import Picture, write_movie, write_pictures
from core.retarget.smoothing import smooth_track
from core.rig import Rig
from core.track import Track

_SIDES: Final = (128, 1024)  # pixels, least and most of the square that moves
_BATCH_PIXELS: Final = 4 * 512 * 512  # of squares at a time
_FACE, _BACKGROUND = 0, 3  # of the guidance's layers


@runtime_checkable
class Painter(Protocol):
    """A network that makes pictures from guidance, and from what geometry alone makes of it."""

    def __call__(
        self, guidance: Guidance, plain: Float32[ndarray, "frames side side 3"]
    ) -> Float32[ndarray, "frames side side 3"]:
        """The pictures, sRGB in [0, 1]."""
        ...


@dataclass(frozen=True)
class ReenactOptions:
    """What the user may choose.

    Attributes:
        photo: number of the rig's photo, from 1.
        motion: ``absolute`` takes expression and turn as they are, ``relative`` what they change since the
            driver's rest; ``auto`` is absolute where the track is of the rig's own person.
        parts: what is taken of the driver.
        rest: when the driver is at rest, seconds of the track; else its calmest moment.
        size: of the pictures' longer side, pixels; else the photo's.
        smoothing: of the track, as in :func:`core.retarget.smoothing.smooth_track`.
    """

    photo: int = 1
    motion: Motion | Literal["auto"] = "auto"
    parts: Parts = "all"
    rest: float | None = None
    size: int | None = None
    smoothing: float = 1.0


@dataclass(frozen=True)
class Reenacted:
    """What came out.

    Attributes:
        frames: pictures that were written.
        partial: whether it was stopped before the last.
        motion: that was used.
        source: how the pictures came about.
    """

    frames: int
    partial: bool
    motion: Motion
    source: DigitalSource
    warnings: tuple[str, ...]


def expected_seconds(frames: int) -> dict[str, float]:
    """The stages of :func:`reenact`, for a ``Progress``."""
    return {"photo": 3.0, "pictures": 0.06 * frames}


def reenact(
    rig: Rig,
    track: Track,
    out: Path,
    options: ReenactOptions | None = None,
    *,
    photo: Photo | None = None,
    sound: Path | None = None,
    painter: Painter | None = None,
    recogniser: FaceRecogniser | None = None,
    credentials: Credentials | None = None,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Reenacted:
    """Let a rig's photo perform a track: a picture for every frame of it, at its time.

    Args:
        out: an .mp4, or a .zip of PNGs with the person's matte as alpha; appears whole or not at all.
        photo: the file of the rig's photo; else the head shot that the rig keeps of it.
        sound: the driver's video, whose sound an .mp4 gets.
        painter: a network; without it, geometry alone makes the pictures.
        recogniser: tells whether ``photo`` shows the rig's person.
        credentials: sign what comes out.
        progress: must know the stages of :func:`expected_seconds`.
        stopped: asked at each frame; true ends the work there and keeps what there is.

    Raises:
        BadInput: an option is out of range, or the photo is not the rig's.
        NoFaceFound: the photo's file shows no face.
        OutputFailed: the result cannot be written.
        Cancelled: the user asked to stop and keep nothing, or there is nothing yet to keep.
    """
    options = options or ReenactOptions()
    progress = progress or Progress(expected_seconds(len(track.times)))
    with progress.stage("photo"):
        rest = _rest(track, options.rest)
        motion = _motion(rig, track, options)
        portrait = portrait_of(rig, options.photo, photo, options.size, recogniser)
        stage = Stage.of(rig, portrait)
        smooth = smooth_track(track, options.smoothing)
        states = driven(stage.guide.source.state, smooth, motion=motion, parts=options.parts, rest=rest)
    origin: DigitalSource = (
        "compositeSynthetic" if painter is None else "compositeWithTrainedAlgorithmicMedia"
    )
    times = track.times - track.times[0]
    last = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / max(track.fps, 1.0)
    said: list[str] = []
    with progress.stage("pictures"):
        pictures = _shown(stage.pictures(states, painter, out.suffix == ".zip"), times, progress, stopped)
        if out.suffix == ".zip":
            count = write_pictures(pictures, out, origin, last, credentials)
        else:
            begins = float(track.times[0])
            count = write_movie(pictures, out, origin, last, sound, begins, said.append, credentials)
    partial = count < len(times) or track.partial
    warnings = (*portrait.warnings, *_cuts(track), *said, *_stopped(count, times))
    return Reenacted(count, partial, motion, origin, warnings)


def _rest(track: Track, seconds: float | None) -> int | None:
    """The frame that is nearest to a time.

    Raises:
        BadInput: the track has none there.
    """
    if seconds is None:
        return None
    first, last = float(track.times[0]), float(track.times[-1])
    slack = 1.0 / max(track.fps, 1.0)
    if not first - slack <= seconds <= last + slack:
        raise BadInput(
            f"The driver has no frame at {seconds:g} s to take for rest.",
            f"Choose a time from {first:.2f} to {last:.2f} s.",
        )
    return int(np.argmin(np.abs(track.times - seconds)))


def _motion(rig: Rig, track: Track, options: ReenactOptions) -> Motion:
    if options.motion != "auto":
        return options.motion
    return "absolute" if track.rig_id == rig.rig_id else "relative"


@dataclass(frozen=True)
class Stage:
    """A photo, and the square of it that moves.

    Attributes:
        portrait: the photo.
        frame: where the square lies in it.
        guide: makes the square's pictures.
    """

    portrait: Portrait
    frame: Frame
    guide: Guide

    @staticmethod
    def of(rig: Rig, portrait: Portrait) -> Stage:
        """The square around the head, at the photo's own resolution as far as that is affordable."""
        points = portrait.landmarks[:, :2].astype(np.float64)
        size = portrait.fit.width, portrait.fit.height
        extent = 1.0 / frame_around(points, size, 1).scale
        side = int(np.clip(round(extent), *_SIDES))
        frame = frame_around(points, size, side)
        return Stage(
            portrait, frame, Guide(source_of(rig, portrait.fit, portrait.picture, portrait.person, frame))
        )

    def pictures(
        self, states: HeadStates, painter: Painter | None, with_alpha: bool
    ) -> Iterator[UInt8[ndarray, "height width channels"]]:
        """The whole photo with the head in each state; RGBA with the person's matte, or RGB."""
        at_once = max(1, _BATCH_PIXELS // self.frame.side**2)
        for first in range(0, len(states), at_once):
            guidance, plain = self.guide(states[first : first + at_once])
            squares = plain if painter is None else painter(guidance, plain)
            for square, masks in zip(squares, guidance.masks, strict=True):
                picture = self.frame.put(square, self.portrait.picture)
                yield np.dstack([picture, self._matte(masks)]) if with_alpha else picture

    def _matte(self, masks: Float32[ndarray, "side side 4"]) -> UInt8[ndarray, "height width"]:
        """Of the person: what is not background; beyond the square, the photo's own."""
        inside = np.repeat(masks[..., _FACE:_BACKGROUND].sum(axis=-1, keepdims=True), 3, axis=-1)
        around = np.repeat((self.portrait.person[..., None] * 255 + 0.5).astype(np.uint8), 3, axis=-1)
        return self.frame.put(inside, around)[..., 0]


def _shown(
    pictures: Iterator[Picture],
    times: Float64[ndarray, "frames"],
    progress: Progress,
    stopped: Callable[[], bool],
) -> Iterator[tuple[float, Picture]]:
    """The pictures with their times, until somebody wants no more."""
    previews, count = Previews(), len(times)
    for number, (time, picture) in enumerate(zip(times.tolist(), pictures, strict=True), start=1):
        small = previews.picture(picture[..., :3], None) if progress.pictures else b""
        progress.update((number - 1) / count, FrameReport(number, count, time, small))
        yield time, picture
        if stopped():
            return


def _cuts(track: Track) -> tuple[str, ...]:
    if len(track.shots) < 2:
        return ()
    places = ", ".join(f"{track.times[shot.first]:.2f} s" for shot in track.shots[1:6])
    more = ", ..." if len(track.shots) > 6 else ""
    return (f"The driver cuts at {places}{more}; the head may jump there.",)


def _stopped(count: int, times: Float64[ndarray, "frames"]) -> tuple[str, ...]:
    if count == len(times):
        return ()
    return (f"Stopped at {times[count - 1]:.2f} s: {count} of {len(times)} pictures are kept.",)
