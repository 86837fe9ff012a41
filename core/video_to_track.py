"""A video of a person → their track. The whole job, from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from core.capture.face_crops import FaceCrop, FaceCrops
from core.capture.faces import FaceFinder
from core.capture.follow import Person
from core.capture.look_through import check_span, frames_between, look_through
from core.capture.spool import LandmarkSpool
from core.capture.video import VideoInfo, open_video, probe_video
from core.errors import Cancelled, NoFaceFound
from core.face_model.model import FaceModel
from core.face_model.providers import DEFAULT_MODEL, PROVIDERS
from core.face_model.registry import load_model, model_info
from core.fitting.dense import DenseFit
from core.fitting.face_belief import FaceReader
from core.progress import Progress, part
from core.rig import Rig
from core.track import Shot, Source, Track
from core.tracking.bridge import bridge_poses, bridge_values, spans
from core.tracking.clip_identity import (
    estimate_identity,
    head_points,
    spread_frames,
    upright_points,
    with_habit,
)
from core.tracking.clip_readings import ClipReadings
from core.tracking.gaze import eye_turns, gaze_of
from core.tracking.head_turn import (
    FACE_MIDDLE,
    joined_turns,
    placed,
    ray_rotation,
    turns_with_readings,
    turns_with_sights,
)
from core.tracking.image_motion import ImageMotion, Sight
from core.tracking.key_views import KeyFrames, pose_frames, solve_key_frames
from core.tracking.performance import Belief, HeadPoints, Performance, PerformanceSolver
from core.tracking.prior import ExpressionPrior, confidence_of
from core.workers import map_threads, one_library_thread

_SAMPLE: Final = 240  # frames from which habits and the person at rest are measured
_AT_ONCE: Final = 512  # frames
_CROPS_AT_ONCE: Final = 64
_LONG_SIDE: Final = 1920  # pixels: larger frames add nothing to landmarks that look at 192
_FEWEST: Final = 2  # frames with a face that are worth keeping


@dataclass(frozen=True)
class TrackOptions:
    """What the user may choose.

    Attributes:
        name: of the track; the file's name where empty.
        start, end: in and out point, seconds since the first frame.
        point: pixel of the clip's upright frames on the face to follow; else the rig's person or the main
            face is.
        point_time: when it is there, seconds since the first frame; none for the in point.
        keep_landmarks: write the landmarks into the track.
    """

    name: str = ""
    start: float = 0.0
    end: float | None = None
    point: tuple[float, float] | None = None
    point_time: float | None = None
    keep_landmarks: bool = False


@dataclass(frozen=True)
class TrackedVideo:
    """The track, and the head whose landmarks it moves (for pictures to check it by)."""

    track: Track
    head: HeadPoints


def expected_for(path: Path, options: TrackOptions, rig: Rig | None, check_clip: bool) -> dict[str, float]:
    """The stages of tracking a file, and of the clip to check it by where ``check_clip`` is set.

    Raises:
        UnreadableMedia: the video cannot be read.
        BadInput: the in point lies after the clip's end.
    """
    info = probe_video(path)
    check_span(info, options.start, options.end)
    frames = frames_between(info, options.start, options.end)
    stages = expected_seconds(rig.model_name if rig else DEFAULT_MODEL, frames)
    return {**stages, "check clip": 0.3 + 0.02 * frames} if check_clip else stages


def expected_seconds(model_name: str, frames: int) -> dict[str, float]:
    """The stages of :func:`track_video`, for a ``Progress``."""
    baking = sum(PROVIDERS[model_name].stages.values()) if model_info(model_name).state != "ready" else 0.0
    return {
        "model": 0.3 + baking,
        "faces": 0.3 + 0.009 * frames,
        "identity": 2.5,
        "expressions": 0.002 * frames,
    }


def track_video(
    path: Path,
    options: TrackOptions | None = None,
    rig: Rig | None = None,
    prior: ExpressionPrior | None = None,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
    reader: FaceReader | None = None,
) -> TrackedVideo:
    """Track one person through a video.

    Args:
        rig: of the person; its head is used instead of one estimated from the clip.
        prior: a learned prior for the expressions.
        progress: must know the stages of :func:`expected_seconds`.
        stopped: asked at each frame; true ends the clip there and keeps what was seen so far: the track is
            partial, and says so.
        reader: a network that reads some frames, for the person's identity and the head's turn; not used
            with a rig of another face model than the one it speaks of.

    Raises:
        UnreadableMedia: the video cannot be read.
        NoFaceFound: no frame shows a face.
        BadInput: no frame between the in and out points, or no face at the chosen point.
        Cancelled: the user asked to stop and keep nothing, or there is nothing yet to keep.
    """
    options = options or TrackOptions()
    model_name = rig.model_name if rig else DEFAULT_MODEL
    with (
        open_video(path, start=options.start, end=options.end, long_side=_LONG_SIDE) as video,
        LandmarkSpool() as seen,
        FaceCrops() as crops,
        one_library_thread(),
    ):
        early = check_span(video.info, options.start, options.end)
        frames = frames_between(video.info, options.start, options.end)
        progress = progress or Progress(expected_seconds(model_name, frames))
        with progress.stage("model"):
            model = load_model(model_name, progress.inside(PROVIDERS[model_name].stages))
        with progress.stage("faces"), FaceFinder() as finder:
            person = _person(options, rig, video.info)
            read = ClipReadings(reader) if reader is not None and reader.model_name == model_name else None
            watchers = [crops.add] if read is None else [crops.add, read.add]
            partial = look_through(
                seen, video, finder, person,
                frames=frames, progress=progress, stopped=stopped, watchers=watchers,
            )  # fmt: skip
        if partial and seen.found.sum() < _FEWEST:
            raise Cancelled()
        if not seen.found.any():
            raise NoFaceFound(
                f"No frame of {path} shows a face.",
                "Choose a clip, or in and out points, with a face in view.",
            )
        with progress.stage("identity"):
            clip = _clip(seen, crops, model, rig, prior, read, progress.update)
        with progress.stage("expressions"):
            shown = _perform(clip, seen, crops, prior, read, progress.update)
            track = _finish(clip, shown, seen, options)
        track = replace(
            track,
            name=options.name or path.stem,
            fps=video.info.fps,
            source=Source(path.name, *seen.size, options.start),
            rig_id=rig.rig_id if rig else None,
            partial=partial,
            warnings=(*video.warnings, *early, *_stopped(seen, frames, partial), *track.warnings),
        )
        return TrackedVideo(track, clip.head)


def _person(options: TrackOptions, rig: Rig | None, info: VideoInfo) -> Person:
    """Whom to follow, with the point in pixels of the frames as they are read."""
    point = options.point and (options.point[0] * info.scale, options.point[1] * info.scale)
    return Person(point, options.point_time, rig.landmarks if rig else None)


def _stopped(seen: LandmarkSpool, frames: int, partial: bool) -> tuple[str, ...]:
    if not partial:
        return ()
    count, time = len(seen), seen.times[-1]
    return (f"Tracking was stopped at {time:.2f} s: the track has {count} of about {frames} frames.",)


@dataclass(frozen=True)
class _Clip:
    """What holds for all frames: head, lens of each shot, the person at rest, the key frames."""

    model: FaceModel
    head: HeadPoints
    focals: list[float]
    reference: Float[ndarray, "478 3"] | None
    keys: KeyFrames | None = None


def _clip(
    seen: LandmarkSpool,
    crops: FaceCrops,
    model: FaceModel,
    rig: Rig | None,
    prior: ExpressionPrior | None,
    read: ClipReadings | None,
    report: Callable[[float], None],
) -> _Clip:
    """Head, lens and rest, from frames spread over the clip."""
    landmarks = seen.landmarks()
    sample = _sample(np.flatnonzero(seen.found))
    sampled = np.array(landmarks[sample])
    chosen = spread_frames(sampled)
    belief = None if read is None else read.belief()
    fit = estimate_identity(model, list(sampled[chosen]), seen.size, belief, part(report, 0.0, 0.25))
    lens = np.array([float(photo.camera.fx) for photo in fit.photos])
    shot_of = _shots(seen)[sample]
    focals = [
        float(np.median(lens[shot_of[chosen] == shot] if (shot_of[chosen] == shot).any() else lens))
        for shot in range(len(seen.cuts))
    ]
    reference = None if prior is None else prior.reference(sampled)
    if rig is None:
        head = head_points(model, model.neutral(fit.identity.astype(np.float32)))
    else:
        head = head_points(model, rig.neutral, rig.shape_keys)
    clip = _Clip(model, head, focals, reference)
    keys = _key_frames(clip, seen, crops, rig, fit.identity, prior, part(report, 0.3, 0.85))
    report(0.85)
    if rig is None:
        head = upright_points(model, fit.identity) if keys is None else head_points(model, keys.views.neutral)
    clip = replace(clip, head=head, keys=keys)

    own, focal = sampled[shot_of == _longest(seen)], focals[_longest(seen)]
    shown = PerformanceSolver(head).solve(own, focal, _centre(seen), _belief(clip, prior, own))
    return replace(clip, head=with_habit(head, shown, focal))


def _key_frames(
    clip: _Clip,
    seen: LandmarkSpool,
    crops: FaceCrops,
    rig: Rig | None,
    identity: Float[ndarray, " modes"],
    prior: ExpressionPrior | None,
    report: Callable[[float], None],
) -> KeyFrames | None:
    """Frames spread by yaw among those whose pictures are there, and the head as they show it."""
    if not len(crops):
        return None
    some = _sample(np.arange(len(crops)))
    points = np.array(seen.landmarks()[crops.frames[some]])
    chosen = spread_frames(points)
    own, focals = points[chosen], [clip.focals[shot] for shot in _shots(seen)[crops.frames[some[chosen]]]]
    photos = pose_frames(clip.head, own, focals, seen.size, _belief(clip, prior, own))
    start = DenseFit(identity, np.zeros_like(clip.model.template), photos)
    if rig is not None:
        start = DenseFit(np.zeros_like(identity), rig.neutral - clip.model.template, photos)
    return solve_key_frames(
        clip.model, crops, some[chosen], list(own), seen.size, start, known=rig is not None, progress=report
    )


def _perform(
    clip: _Clip,
    seen: LandmarkSpool,
    crops: FaceCrops,
    prior: ExpressionPrior | None,
    read: ClipReadings | None,
    report: Callable[[float], None],
) -> Performance:
    """Every frame's pose and expression; frames without a face are left at rest."""
    landmarks, found = seen.landmarks(), seen.found
    solver = PerformanceSolver(clip.head)
    count = len(seen)
    rotation, translation = np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3))
    coefficients, error = np.zeros((count, 52)), np.full(count, np.inf)
    learnt, rays = rotation.copy(), rotation.copy()
    for some, focal in _batches(clip, seen):
        report(0.6 * float(some[0]) / count)
        own = np.array(landmarks[some])
        part = solver.solve(own, focal, _centre(seen), _belief(clip, prior, own))
        rotation[some], translation[some] = part.rotation, part.translation
        coefficients[some], error[some] = part.coefficients, part.error
        rays[some] = ray_rotation(part.translation + part.rotation @ FACE_MIDDLE)
        if prior is not None and clip.reference is not None:
            learnt[some] = rays[some] @ prior.rotation(own, clip.reference)
    if prior is not None:
        rotation[found] = joined_turns(rotation[found], learnt[found])
    if read is not None:
        turn, std = read.turns(count)
        rotation[found] = turns_with_readings(rotation[found], (rays @ turn)[found], std[found])
    if clip.keys is not None:
        rotation = _turns_by_pictures(clip, clip.keys, seen, crops, rotation, translation, report)
    for some, focal in _batches(clip, seen):
        translation[some] = placed(
            clip.head, coefficients[some], rotation[some], landmarks[some], focal, _centre(seen)
        )
    return Performance(rotation, translation, coefficients, error)


def _turns_by_pictures(
    clip: _Clip,
    keys: KeyFrames,
    seen: LandmarkSpool,
    crops: FaceCrops,
    rotation: Float[ndarray, "frames 3 3"],
    translation: Float[ndarray, "frames 3"],
    report: Callable[[float], None],
) -> Float[ndarray, "frames 3 3"]:
    """Landmarks only say where to begin: how the head is turned is seen in its skin."""
    at, shots = crops.frames, _shots(seen)
    motion = ImageMotion(clip.model, keys, crops)
    of_keys = rotation[at[keys.crops]]
    from_key = motion.key_rotations @ np.swapaxes(of_keys, 1, 2)
    sights: list[Sight] = []

    def see(crop: FaceCrop, frame: int) -> Sight:
        about, focal = from_key @ rotation[frame], clip.focals[shots[frame]]
        return motion.see(crop, about, translation[frame], focal, _centre(seen))

    for first in range(0, len(at), _CROPS_AT_ONCE):
        report(0.6 + 0.4 * first / len(at))
        some = range(first, min(first + _CROPS_AT_ONCE, len(at)))
        sights += map_threads(lambda shown: see(*shown), [(crops.crop(i), int(at[i])) for i in some])
    turned, trust = np.stack([sight.rotation for sight in sights]), np.array([s.trust for s in sights])
    if not keys.by_flow:  # pictures tell the motion since that frame, and nothing better of its own turn
        turned = turned @ motion.key_rotations[0].T @ of_keys[0]
    out = rotation.copy()
    out[seen.found] = turns_with_sights(
        rotation[seen.found],
        shots[seen.found],
        np.searchsorted(np.flatnonzero(seen.found), at),
        turned,
        trust,
    )
    return out


def _shots(seen: LandmarkSpool) -> Int[ndarray, "frames"]:
    """The number of each frame's shot."""
    return np.searchsorted(seen.cuts, np.arange(len(seen)), side="right") - 1


def _batches(clip: _Clip, seen: LandmarkSpool) -> Iterator[tuple[Int[ndarray, " some"], float]]:
    """Frames with a face, some at a time, and the focal length of their shot."""
    bounds = [*seen.cuts, len(seen)]
    for focal, first, end in zip(clip.focals, bounds[:-1], bounds[1:], strict=True):
        frames = first + np.flatnonzero(seen.found[first:end])
        for start in range(0, len(frames), _AT_ONCE):
            yield frames[start : start + _AT_ONCE], focal


def _finish(clip: _Clip, shown: Performance, seen: LandmarkSpool, options: TrackOptions) -> Track:
    """Gaps bridged, and everything in one document: as measured, smoothing comes later."""
    times, found = seen.times, seen.found
    coefficients = bridge_values(times, shown.coefficients, found)
    rotation, translation = bridge_poses(times, shown.rotation, shown.translation, found, seen.cuts)
    confidence = confidence_of(seen.presence, shown.error)
    return Track(
        name="",
        fps=30.0,
        times=times,
        coefficients=coefficients.astype(np.float32),
        head_rotation=rotation.astype(np.float32),
        head_translation=translation.astype(np.float32),
        gaze=gaze_of(coefficients.astype(np.float32), eye_turns(clip.model)),
        confidence=confidence.astype(np.float32),
        landmarks=np.array(seen.landmarks()[..., :2]) if options.keep_landmarks else None,
        shots=tuple(Shot(first, focal) for first, focal in zip(seen.cuts, clip.focals, strict=True)),
        lost=tuple(spans(~found)),
        warnings=tuple(_warnings(times, found, confidence)),
        provenance={"model": clip.model.name, "prior": clip.reference is not None},
    )


def _belief(clip: _Clip, prior: ExpressionPrior | None, landmarks: ndarray) -> Belief | None:
    return None if prior is None or clip.reference is None else prior(landmarks, clip.reference)


def _sample(frames: Int[ndarray, " frames"]) -> Int[ndarray, " some"]:
    """Some of the frames, spread evenly over them."""
    return frames[np.unique(np.linspace(0, len(frames) - 1, min(_SAMPLE, len(frames))).astype(int))]


def _longest(seen: LandmarkSpool) -> int:
    """The shot with the most frames that show the face."""
    return int(np.argmax(np.add.reduceat(seen.found.astype(int), seen.cuts)))


def _centre(seen: LandmarkSpool) -> tuple[float, float]:
    return seen.size[0] / 2, seen.size[1] / 2


def _warnings(times: ndarray, found: ndarray, confidence: ndarray) -> list[str]:
    lost = [f"{times[a]:.2f}-{times[b - 1]:.2f} s" for a, b in spans(~found)]
    lines = []
    if lost:
        shown = ", ".join(lost[:5]) + (", ..." if len(lost) > 5 else "")
        lines.append(f"The face was not seen at {shown}; the head eases to rest there.")
    unreliable = float((confidence[found] < 0.5).mean())
    if unreliable > 0.05:
        lines.append(f"{100 * unreliable:.0f} % of the frames fit badly; look at the confidence curve.")
    return lines
