"""A few frames of a clip, spread by yaw → the head, and how it is turned in them, from pixels.

Landmarks are drawn toward a network's idea of a face: on rendered clips they show about four fifths of a
nod, and no fit that believes them can be right. Flow between frames (:mod:`core.fitting.view_flow`) has no
such idea: it says how far the skin has moved. These are INORig's cached key frames, tied by a geometric form
of its appearance term.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float32, Int
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.capture.face_crops import FaceCrop, FaceCrops
from core.face_model.model import FaceModel
from core.fitting.dense import DenseFit
from core.fitting.face_surface import sample_face
from core.fitting.flow_fit import TrackWeights, fit_tracks, settle_expressions, trusted_tracks, widest_angle
from core.fitting.types import Observation, PhotoFit
from core.fitting.upright import stand_upright
from core.fitting.view_flow import ViewFlow
from core.progress import part
from core.scene.camera import Camera
from core.scene.lighting import ambient_light
from core.tracking.performance import Belief, HeadPoints, PerformanceSolver

_POINTS: Final = 300  # on the face, beside the landmarks
_ROUNDS: Final = 2  # of flow and fit
_ITERATIONS: Final = 6
# The frames share one camera, light and day: places agree far better than those of photos, and landmarks have
# little to add; the small grey crops tell neither outlines nor what lies beyond the basis.
_WEIGHTS: Final = TrackWeights(
    noise=1.0, outline=0.0, lens=0.02, free_form_size=0.0, parallax=float(np.radians(12))
)
_LIGHT: Final = ambient_light(np.full(3, 0.5))  # what changes with the turn, flow's even contrast takes out


@dataclass(frozen=True)
class KeyViews:
    """The head, and how the frames show it.

    Attributes:
        neutral: upright where it was estimated; as given where it was known.
        photos: one for each frame.
    """

    neutral: Float32[ndarray, "vertices 3"]
    photos: list[PhotoFit]


@dataclass(frozen=True)
class KeyFrames:
    """Frames whose pictures other frames are compared with.

    Attributes:
        crops: their numbers among the clip's crops.
        by_flow: the poses come from flow; else there is one frame, and landmarks alone say how it is turned.
    """

    crops: Int[ndarray, " keys"]
    views: KeyViews
    by_flow: bool


def pose_frames(
    head: HeadPoints,
    landmarks: Float32[ndarray, "frames 478 3"],
    focals: Sequence[float],
    size: tuple[int, int],
    belief: Belief | None = None,
) -> list[PhotoFit]:
    """Pose and expression of a few frames by their landmarks.

    Args:
        focals: focal length of each, pixels.
        size: width and height of the frames, pixels.
        belief: what a learned prior says of them.
    """
    solver, photos = PerformanceSolver(head), []
    for index, focal in enumerate(focals):
        one = slice(index, index + 1)
        prior = None if belief is None else (belief[0][one], belief[1][one])
        found = solver.solve(landmarks[one], focal, (size[0] / 2, size[1] / 2), prior)
        camera = Camera.centred(focal, *size)
        photos.append(PhotoFit(camera, found.rotation[0], found.translation[0], found.coefficients[0]))
    return photos


def solve_key_frames(
    model: FaceModel,
    crops: FaceCrops,
    chosen: Int[ndarray, " keys"],
    landmarks: Sequence[Float32[ndarray, "478 3"]],
    size: tuple[int, int],
    start: DenseFit,
    *,
    known: bool = False,
    progress: Callable[[float], None] = lambda fraction: None,
) -> KeyFrames:
    """Head and poses by flow between the frames of some crops; where that says nothing, one frame as it is.

    Flow says nothing where the head hardly turns, or too little of the skin is seen to move with it. Frames
    whose poses come from landmarks would contradict each other, and one alone cannot.

    Args:
        landmarks: of the chosen frames, pixels.
        size: width and height of the frames, pixels.
        start: head and poses by landmarks.
        known: the head is that of the person, and stays as it is.
        progress: called with the fraction done; what it raises ends the work.
    """
    pictures = [crops.crop(index) for index in chosen.tolist()]
    views = solve_views(model, pictures, landmarks, size, start, known=known, progress=progress)
    if views is not None:
        return KeyFrames(chosen, views, by_flow=True)
    rotations = Rotation.from_matrix(np.stack([photo.rotation for photo in start.photos]))
    middle = int(np.argmin((rotations * rotations.mean().inv()).magnitude()))
    one = _settled(model, replace(start, photos=[start.photos[middle]]), known)
    return KeyFrames(chosen[[middle]], one, by_flow=False)


def solve_views(
    model: FaceModel,
    crops: Sequence[FaceCrop],
    landmarks: Sequence[Float32[ndarray, "478 3"]],
    size: tuple[int, int],
    start: DenseFit,
    *,
    known: bool = False,
    progress: Callable[[float], None] = lambda fraction: None,
) -> KeyViews | None:
    """Head and poses by flow between frames of one person; none where flow says nothing.

    Args:
        crops, landmarks: of the frames; landmarks in pixels of the frame.
        start, known, progress: as for :func:`solve_key_frames`.
    """
    if len(crops) < 2 or widest_angle(start.photos) < _WEIGHTS.parallax:
        return None
    seen = [_observation(crop, points, size) for crop, points in zip(crops, landmarks, strict=True)]
    fit = replace(start, photos=_one_lens(start.photos))
    points = sample_face(model, _POINTS)
    flow = ViewFlow(model, seen, points)
    for done in range(_ROUNDS):
        progress(done / _ROUNDS)
        tracks = trusted_tracks(flow, model, fit, _WEIGHTS)
        if not any(each.trust.any() for each in tracks):
            return None
        fitting = part(progress, (done + 0.5) / _ROUNDS, (done + 1) / _ROUNDS)
        if known:
            fit = settle_expressions(model, seen, points, tracks, fit, _WEIGHTS, progress=fitting)
        else:
            fit = fit_tracks(
                model, seen, points, tracks, fit, _WEIGHTS, iterations=_ITERATIONS, progress=fitting
            )
    return _settled(model, fit, known)


def _settled(model: FaceModel, fit: DenseFit, known: bool) -> KeyViews:
    neutral = model.neutral(fit.identity.astype(np.float32)) + fit.correction
    return KeyViews(neutral, fit.photos) if known else KeyViews(*stand_upright(model, neutral, fit.photos))


def _observation(crop: FaceCrop, landmarks: ndarray, size: tuple[int, int]) -> Observation:
    grey = crop.grey.astype(np.float32) / np.float32(255)
    return Observation(
        landmarks=landmarks,
        width=size[0],
        height=size[1],
        focal=None,
        image=np.repeat(grey[..., None], 3, axis=2),
        skin=np.ones_like(grey),  # what is no skin of this face does not move with it, and flow disagrees
        crop_left=crop.left,
        crop_top=crop.top,
        crop_scale=crop.scale,
    )


def _one_lens(photos: Sequence[PhotoFit]) -> list[PhotoFit]:
    """The photos in plain light, through their median lens: as far away as looks the same."""
    usual = float(np.median([float(photo.camera.fx) for photo in photos]))
    out = []
    for photo in photos:
        camera = Camera.centred(usual, photo.camera.width, photo.camera.height)
        away = photo.translation * [1.0, 1.0, usual / float(photo.camera.fx)]
        out.append(replace(photo, camera=camera, translation=away, sh=_LIGHT))
    return out
