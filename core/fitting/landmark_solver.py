"""Landmarks of N photos → one identity, and expression, pose and focal length of each photo.

INORig's landmark term (eq. 9) on MediaPipe's 478 points; everything photometric builds on its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.face_model.model import LANDMARK_COUNT, FaceModel
from core.fitting.face_belief import FaceBelief, PhotoBelief
from core.fitting.landmark_terms import landmark_weights
from core.fitting.lens import LogNormal, assumed_lens, shared_lenses, told_lens
from core.fitting.point_solver import PointSolver
from core.fitting.point_terms import PointWeights
from core.fitting.points import LinearPoints, PointView
from core.fitting.types import Observation, PhotoFit
from core.geometry.alignment import align_similarity
from core.landmark_topology import IRIS_LEFT, IRIS_RIGHT
from core.scene.camera import Camera


@dataclass(frozen=True)
class LandmarkWeights(PointWeights):
    """Standard deviations and weights of the landmark fit, beside those of its priors.

    Attributes:
        noise: standard deviation that one landmark stands for, as a fraction of the eye distance. Larger than
            the detector's scatter, because neighbouring landmarks err together.
        depth_noise: the same for MediaPipe's z, a guess by its network; infinite leaves z out.
        contour: weight of the face oval's landmarks, which slide along the surface.
    """

    noise: float = 0.1
    depth_noise: float = 0.25
    contour: float = 0.3


@dataclass
class LandmarkFit:
    """Identity (whitened) and photos; ``cost`` is the final energy."""

    identity: Float[ndarray, "identity"]
    photos: list[PhotoFit]
    cost: float


def fit_landmarks(
    model: FaceModel,
    observations: Sequence[Observation],
    weights: LandmarkWeights | None = None,
    *,
    identity: Float[ndarray, "identity"] | None = None,
    belief: FaceBelief | None = None,
    iterations: int = 30,
    progress: Callable[[float], None] = lambda fraction: None,
) -> LandmarkFit:
    """Fit all photos together.

    Args:
        identity: hold this identity instead of estimating one.
        belief: what networks say of the person and the photos; the fit starts from it.
        iterations: of the full problem, after a few with pose only.
        progress: called with the fraction done; what it raises ends the fit.
    """
    weights = weights or LandmarkWeights()
    points = LinearPoints.on_model(
        model,
        model.landmark_triangles,
        model.landmark_barycentrics,
        model.template if identity is None else model.neutral(identity.astype(np.float32)),
        model.identity_basis if identity is None else model.identity_basis[:0],
    )
    belief = belief or FaceBelief()
    prior = belief.identity_prior(points.modes, weights.believed_identity)
    views = [
        _start(seen, points, weights, prior[0], believed)
        for seen, believed in zip(observations, belief.photos(len(observations)), strict=True)
    ]
    solver = PointSolver(points, _with_common_lenses(views), prior[0], weights, prior)
    solver.solve_poses()
    cost = solver.run(iterations, progress=progress)
    return LandmarkFit(solver.identity if identity is None else identity, solver.fits(), cost)


def _start(
    seen: Observation,
    points: LinearPoints,
    weights: LandmarkWeights,
    identity: Float[ndarray, "identity"],
    belief: PhotoBelief,
) -> PointView:
    """Pose from MediaPipe's own depth, by aligning the believed head, or the mean, with the 3D landmarks."""
    rigid = np.ones(LANDMARK_COUNT)
    rigid[[*IRIS_LEFT, *IRIS_RIGHT]] = 0
    scale, rotation, translation = align_similarity(
        points.head(belief.expression, identity), seen.landmarks.astype(np.float64), rigid
    )
    lens = told_lens(seen) or assumed_lens(seen.width, seen.height, scale)
    focal = float(np.exp(lens[0]))
    depth = focal / scale
    centre = np.array([seen.width / 2, seen.height / 2])
    photo = PhotoFit(
        camera=Camera.centred(focal, seen.width, seen.height),
        rotation=rotation,
        translation=np.array([*((translation[:2] - centre) * depth / focal), depth]),
        expression=belief.expression.clip(0, 1),
    )
    return landmark_view(seen, photo, weights, lens, belief)


def _with_common_lenses(views: list[PointView]) -> list[PointView]:
    """Photos of one camera start with one lens, each as far away as it then is."""
    started = list(views)
    lenses = shared_lenses([view.seen for view in views], [view.focal_prior for view in views])
    for lens in lenses:
        for photo in lens.photos:
            view = started[photo]
            nearer = np.exp(lens.log_focal - view.log_focal)
            started[photo] = replace(
                view, log_focal=lens.log_focal, translation=view.translation * np.array([1, 1, nearer])
            )
    return started


def landmark_view(
    seen: Observation, photo: PhotoFit, weights: LandmarkWeights, lens: LogNormal, belief: PhotoBelief
) -> PointView:
    """The landmarks of a photo as the solver takes them, started from ``photo``; ``lens`` is its prior."""
    return PointView(
        seen=seen,
        pixels=seen.landmarks[:, :2].astype(np.float64),
        noise=np.full(LANDMARK_COUNT, seen.eye_distance * weights.noise),
        trust=landmark_weights(weights.contour),
        across=np.zeros((LANDMARK_COUNT, 2)),
        turns_away=np.ones(LANDMARK_COUNT, bool),
        depth=seen.landmarks[:, 2] - seen.landmarks[:, 2].mean(dtype=np.float64),
        depth_noise=seen.eye_distance * weights.depth_noise,
        focal_prior=lens,
        rotation=photo.rotation,
        translation=photo.translation,
        log_focal=float(np.log(float(photo.camera.fx))),
        expression=photo.expression,
        belief=belief,
    )
