"""A video of one person → a clip that training and the benchmark read."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from core.capture.faces import FaceFinder
from core.capture.masks import PersonMasker
from core.capture.photos import Photo
from core.capture.video import open_video
from core.errors import Cancelled, NoFaceFound, OutputFailed, SemblanceError
from core.fitting.face_belief import FaceReader
from core.guidance.portrait import Frame, frame_around
from core.guidance.states import HeadStates
from core.photos_to_rig import RigOptions, build_rig
from core.progress import Progress
from core.rig import Rig
from core.track import Track
from core.tracking.prior import ExpressionPrior
from core.video_to_track import TrackOptions, track_video
from models.reenactment.clip import Clip, is_clip, save_clip

VIDEOS: Final = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v")
SIDE: Final = 256
_SOURCES: Final = 12  # frames that may be what moves, spread over the clip
_SURE: Final = 0.5  # confidence below which a frame teaches nothing
_LONG_SIDE: Final = 1920  # pixels
_SECONDS_A_CLIP: Final = 45.0
_FIRST: Final = 60  # frames in which the face that the rig is made of is looked for


@dataclass(frozen=True)
class Made:
    """What became of a folder of videos.

    Attributes:
        clips: that are there now.
        warnings: about those that could not be used.
    """

    clips: int
    warnings: tuple[str, ...]


def expected_seconds(videos: Sequence[Path]) -> dict[str, float]:
    """Stages, for :class:`core.progress.Progress`."""
    return {"clips": _SECONDS_A_CLIP * len(videos)}


def find_videos(folder: Path) -> list[Path]:
    """Videos in a folder, by name; without macOS's ``._`` files."""
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in VIDEOS and not f.name.startswith("._"))


def make_clips(
    videos: Sequence[Path],
    out: Path,
    seconds: float,
    every: int,
    progress: Progress,
    prior: ExpressionPrior,
    reader: FaceReader | None,
) -> Made:
    """Make a folder of ``out`` of each video; those that are there stay, so that a stopped run goes on.

    Args:
        seconds: of each video, from its first frame with a face.
        every: so many frames apart.

    Raises:
        Cancelled: the user asked to stop.
        OutputFailed: the folder cannot be written.
    """
    warnings = []
    with progress.stage("clips"):
        for number, video in enumerate(videos):
            progress.update(number / len(videos))
            if is_clip(out / video.stem):
                continue
            try:
                clip = make_clip(video, seconds, every, prior, reader)
            except SemblanceError as error:
                if isinstance(error, (Cancelled, OutputFailed)):
                    raise
                warnings.append(f"{video.name} was left out: {error.message}")
                continue
            save_clip(clip, out / video.stem)
    return Made(sum(is_clip(out / video.stem) for video in videos), tuple(warnings))


def make_clip(
    video: Path, seconds: float, every: int, prior: ExpressionPrior, reader: FaceReader | None
) -> Clip:
    """The rig of the first frame with a face, the track of what follows, and the squares around the head.

    Raises:
        NoFaceFound, UnreadableMedia: as the rig and the track say.
    """
    start, first = _first_face(video)
    with tempfile.TemporaryDirectory() as folder:
        still = Path(folder) / f"{video.stem}.png"
        cv2.imwrite(str(still), first[..., ::-1])
        rig = build_rig([still], options=RigOptions(quality="draft"), reader=reader)
    options = TrackOptions(start=start, end=start + seconds)
    track = track_video(video, options, rig, prior, reader=reader).track
    return _cut(video, rig, track, start, every)


def _first_face(video: Path) -> tuple[float, UInt8[ndarray, "height width 3"]]:
    with open_video(video, long_side=_LONG_SIDE) as frames, FaceFinder() as finder:
        for number, (time, pixels) in enumerate(frames):
            if number == _FIRST:
                break
            if finder.find_faces(_as_photo(pixels, video), thorough=False):
                return time, pixels
    raise NoFaceFound(
        f"No face was found at the beginning of {video}.", "Cut the clip to where a face is seen."
    )


def _cut(video: Path, rig: Rig, track: Track, start: float, every: int) -> Clip:
    numbers = {round(float(time), 4): number for number, time in enumerate(track.times)}
    taken: list[int] = []
    squares: list[ndarray] = []
    full: dict[int, ndarray] = {}
    sure = np.flatnonzero(track.confidence >= _SURE)[::every]
    sources = set(sure[np.unique(np.linspace(0, len(sure) - 1, _SOURCES).astype(int))].tolist())
    frame: Frame | None = None
    with open_video(video, start=start, end=float(track.times[-1]) + 1e-3, long_side=_LONG_SIDE) as frames:
        for time, pixels in frames:
            number = numbers.get(round(time, 4))
            if number is None or number not in set(sure.tolist()):
                continue
            if frame is None:
                size = pixels.shape[1], pixels.shape[0]
                frame = frame_around(_landmarks(rig, track, number, size), size, SIDE)
            if number in sources:
                full[len(taken)] = pixels
            taken.append(number)
            squares.append(np.clip(frame.cut(pixels), 0, 255).astype(np.uint8))
    if frame is None:
        raise NoFaceFound(f"No frame of {video} was tracked well.", "Choose a clip with a face in view.")
    masks = _people(full, frame, video)
    states = HeadStates(track.coefficients, track.head_rotation, track.head_translation)[np.array(taken)]
    height, width = next(iter(full.values())).shape[:2]
    focal, s = track.shots[0].focal, frame.scale
    assert focal is not None
    return Clip(
        rig=rig,
        pictures=np.stack(squares),
        states=states,
        sources=np.array(sorted(masks), np.int64),
        people=np.stack([masks[number] for number in sorted(masks)]),
        intrinsics=np.array(
            [focal * s, focal * s, (width / 2 - frame.left) * s, (height / 2 - frame.top) * s]
        ),
        sh=rig.photos[0].sh.astype(np.float64),
    )


def _people(full: dict[int, ndarray], frame: Frame, video: Path) -> dict[int, ndarray]:
    """Masks of the frames in which a face is found on its own."""
    masks = {}
    with PersonMasker() as masker, FaceFinder() as finder:
        for number, pixels in full.items():
            photo = _as_photo(pixels, video)
            faces = finder.find_faces(photo, thorough=False)
            if faces:
                mask = np.clip(frame.cut(masker.person_mask(photo, faces[0])), 0, 1)
                masks[number] = (255 * mask).astype(np.uint8)
    if not masks:
        raise NoFaceFound(f"No frame of {video} shows a face well.", "Choose a sharper clip.")
    return masks


def _landmarks(rig: Rig, track: Track, number: int, size: tuple[int, int]) -> Float[ndarray, "478 2"]:
    """The rig's landmarks at rest, in pixels of a frame."""
    focal = track.shots[0].focal
    assert focal is not None
    at = rig.landmarks @ track.head_rotation[number].T + track.head_translation[number]
    pixels: ndarray = at[:, :2] / at[:, 2:] * focal + np.array(size) / 2
    return pixels


def _as_photo(pixels: UInt8[ndarray, "height width 3"], video: Path) -> Photo:
    return Photo(pixels, video, "", None, (pixels.shape[1], pixels.shape[0]))
