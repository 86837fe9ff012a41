"""Tracks of surface points → identity, expression and pose, sharper than landmarks give them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from scipy.linalg import block_diag

from core.face_model.model import LANDMARK_COUNT, FaceModel
from core.fitting.dense import DenseFit
from core.fitting.face_belief import FaceBelief, PhotoBelief
from core.fitting.face_surface import SurfacePoints, sample_face, smooth_modes
from core.fitting.landmark_solver import LandmarkWeights, landmark_view
from core.fitting.left_out import explains_no_worse
from core.fitting.lens import told_lens
from core.fitting.point_solver import PointSolver
from core.fitting.points import LinearPoints, PointView
from core.fitting.types import Observation, PhotoFit
from core.fitting.view_flow import Tracks, ViewFlow
from core.progress import part

FREE_FORM_MODES = 200
_FIRST_ITERATIONS = 5  # before the noise is known
_SETTLING = 15
_SCATTER = 1.5  # standard deviations in the median of tracks that err together
POINTS = 1000  # on the face, beside the landmarks


@dataclass(frozen=True)
class TrackWeights(LandmarkWeights):
    """Those of the landmark fit, whose landmarks stay on weakly, and those of the tracks.

    A thousand tracks err together and say more than the landmarks, so that the priors are firmer too.

    Attributes:
        track_noise: standard deviation of a point's place, fraction of the eye distance.
        outline: trust in a point on the outline, against one on the skin.
        coverage: mean trust of a photo's points below which its tracks are left out: photos of other days
            and lights have little in common, and few tracks agree by chance.
        lens: standard deviation of the log focal length's change, where it is not told.
        parallax: radians between the photos' widest views from which flow is used at all. From one side,
            places say nothing of depth, and what differs between days and lights would be taken for shape.
        free_form_size: standard deviation in metres of what a round may add beyond the basis, along the
            normals.
        free_form_reach: of its smoothness, metres.
        free_form_held: how far a belief about the identity holds it back, see ``FaceBelief.firmness``.
        settled_closure_noise: the distance between lids, or lips, when the head is found. Landmarks say it
            better than where each lid is, and nothing of the head can take it up any more.
        settled_sparsity: the sparsity when the head is found. While it is sought, units that are free to
            move keep the shape from taking up expressions; afterwards those that only an error of the shape
            asks for go back to rest.
    """

    noise: float = 0.2
    depth_noise: float = float("inf")
    closure_noise: float = 0.01
    sparsity: float = 30.0
    ridge: float = 2.0
    exclusive: float = 100.0
    outlier: float = 5.0
    believed_identity: float = 50.0
    track_noise: float = 0.003
    outline: float = 0.3
    coverage: float = 0.13
    parallax: float = float(np.radians(40))
    lens: float = 0.25
    free_form_size: float = 0.0015
    free_form_reach: float = 0.012
    free_form_held: float = 3.0
    settled_closure_noise: float = 0.006
    settled_sparsity: float = 100.0


def refine_by_flow(
    model: FaceModel,
    observations: Sequence[Observation],
    fit: DenseFit,
    weights: TrackWeights | None = None,
    *,
    belief: FaceBelief | None = None,
    rounds: int = 3,
    progress: Callable[[float], None] = lambda fraction: None,
) -> DenseFit:
    """Refine a dense fit by flow between the photos, in turns of flow and fit.

    A single photo has no other to be compared with, and its fit is given back as it is; so is that of photos
    all taken from about the same side, or with too little in common, and of photos that, left out, are
    explained worse than before: hard light, expressions and hair that differ pass for parallax.

    Args:
        belief: what networks say of the person and the photos.
    """
    weights = weights or TrackWeights()
    if widest_angle(fit.photos) < weights.parallax:
        return fit
    points = sample_face(model, POINTS)
    flow = ViewFlow(model, observations, points)
    free_form = _free_form(model, weights, belief)
    before = fit
    for done in range(rounds):
        tracks = trusted_tracks(flow, model, fit, weights)
        if not any(each.trust.any() for each in tracks):
            return before
        fitting = part(progress, (done + 0.5) / rounds, (done + 1) / rounds)
        fit = fit_tracks(
            model, observations, points, tracks, fit, weights,
            belief=belief, free_form=free_form, progress=fitting,
        )  # fmt: skip
        progress((done + 1) / rounds)
    fit = settle_expressions(model, observations, points, tracks, fit, weights, belief=belief)
    return fit if explains_no_worse(flow, model, before, fit) else before


def trusted_tracks(flow: ViewFlow, model: FaceModel, fit: DenseFit, weights: TrackWeights) -> list[Tracks]:
    """Tracks through the present fit; those of a photo with little in common with the others untrusted."""
    neutral = model.neutral(fit.identity.astype(np.float32)) + fit.correction
    tracks = flow.tracks(neutral, fit.photos)
    return [each if each.coverage > weights.coverage else each.without_trust() for each in tracks]


def settle_expressions(
    model: FaceModel,
    observations: Sequence[Observation],
    points: SurfacePoints,
    tracks: Sequence[Tracks],
    fit: DenseFit,
    weights: TrackWeights | None = None,
    *,
    belief: FaceBelief | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> DenseFit:
    """Expressions and poses anew, the head being known, and units sparser.

    Args:
        points, tracks, belief, progress: as for :func:`fit_tracks`.
    """
    weights = weights or TrackWeights()
    weights = replace(weights, sparsity=weights.settled_sparsity, closure_noise=weights.settled_closure_noise)
    head = model.neutral(fit.identity.astype(np.float32)) + fit.correction
    places = _places(model, points, head, model.identity_basis[:0])
    views = _views(observations, tracks, fit.photos, belief or FaceBelief(), weights)
    nothing = np.zeros(0)
    views = [_with_scatter(view, nothing, places) for view in views]
    solver = PointSolver(places, views, nothing, weights, (nothing, np.zeros((0, 0))))
    solver.run(_SETTLING, enough=1e-4, progress=progress)
    return DenseFit(fit.identity, fit.correction, _lit_as(fit.photos, solver.fits()))


def fit_tracks(
    model: FaceModel,
    observations: Sequence[Observation],
    points: SurfacePoints,
    tracks: Sequence[Tracks],
    start: DenseFit,
    weights: TrackWeights | None = None,
    *,
    belief: FaceBelief | None = None,
    free_form: Float32[ndarray, "modes vertices 3"] | None = None,
    iterations: int = 30,
    progress: Callable[[float], None] = lambda fraction: None,
) -> DenseFit:
    """Fit landmarks and tracked points of all photos together.

    Args:
        points: the tracked ones.
        tracks: one for each photo.
        start: where to begin; its free-form correction is kept, and added to.
        belief: what networks say of the person and the photos.
        free_form: what the head may be beyond the basis, of unit variance; by the weights where not given.
        progress: called with the fraction done; what it raises ends the fit.
    """
    weights = weights or TrackWeights()
    belief = belief or FaceBelief()
    if free_form is None:
        free_form = _free_form(model, weights, belief)
    places = _places(
        model, points, model.template + start.correction, np.concatenate([model.identity_basis, free_form])
    )
    views = _views(observations, tracks, start.photos, belief, weights)
    modes = len(start.identity)
    mean, precision = belief.identity_prior(modes, weights.believed_identity)
    beyond = np.zeros(len(free_form))
    prior = np.append(mean, beyond), block_diag(precision, np.eye(len(beyond)))
    solver = PointSolver(places, views, np.append(start.identity, beyond), weights, prior)
    few = min(_FIRST_ITERATIONS, iterations // 2)
    share = few / (few + iterations)
    solver.run(few, enough=1e-4, progress=part(progress, 0.0, share))
    solver.views = [_with_scatter(view, solver.identity, places) for view in solver.views]
    solver.run(iterations, enough=1e-4, progress=part(progress, share, 1.0))
    found = _lit_as(start.photos, solver.fits())
    correction = start.correction + np.tensordot(
        solver.identity[modes:].astype(np.float32), free_form, axes=1
    )
    return DenseFit(solver.identity[:modes], correction, found)


def _free_form(
    model: FaceModel, weights: TrackWeights, belief: FaceBelief | None
) -> Float32[ndarray, "modes vertices 3"]:
    """What a head may be beyond the basis; the less the more is believed of it."""
    firmness = belief.firmness if belief is not None else 0.0
    size = float(weights.free_form_size / np.sqrt(1 + weights.free_form_held * firmness))
    return smooth_modes(model, size, weights.free_form_reach, FREE_FORM_MODES if size else 0)


def _places(model: FaceModel, points: SurfacePoints, mean: ndarray, basis: ndarray) -> LinearPoints:
    """The landmarks and the tracked points of heads that vary by ``basis`` round ``mean``."""
    return LinearPoints.on_model(
        model,
        np.concatenate([model.landmark_triangles, points.triangles]),
        np.concatenate([model.landmark_barycentrics, points.barycentrics]),
        mean,
        basis,
    )


def _lit_as(before: Sequence[PhotoFit], fits: Sequence[PhotoFit]) -> list[PhotoFit]:
    """The fits in the light that is known of their photos."""
    return [replace(found, sh=old.sh) for found, old in zip(fits, before, strict=True)]


def widest_angle(photos: Sequence[PhotoFit]) -> float:
    """Radians between the two directions, in head space, that differ most among those the photos look in."""
    looking = np.stack([photo.rotation[2] for photo in photos])
    return float(np.arccos(np.clip(looking @ looking.T, -1, 1)).max())


def _with_scatter(view: PointView, identity: ndarray, places: LinearPoints) -> PointView:
    """Noise no smaller than the tracks' scatter about the fit: what no head explains is no sign of shape."""
    in_camera = places.head(view.expression, identity) @ view.rotation.T + view.translation
    off = np.linalg.norm(view.offsets(in_camera), axis=1)
    tracked = (view.trust > 0.05) & ~view.across.any(axis=1)
    tracked[:LANDMARK_COUNT] = False
    if not tracked.any():
        return view
    scatter = _SCATTER * np.median(off[tracked])
    noise = view.noise.copy()
    noise[LANDMARK_COUNT:] = np.maximum(noise[LANDMARK_COUNT:], scatter)
    return replace(view, noise=noise)


def _views(
    observations: Sequence[Observation],
    tracks: Sequence[Tracks],
    photos: Sequence[PhotoFit],
    belief: FaceBelief,
    weights: TrackWeights,
) -> list[PointView]:
    each = zip(observations, tracks, photos, belief.photos(len(observations)), strict=True)
    return [_view(*photo, weights) for photo in each]


def _view(
    seen: Observation, tracks: Tracks, photo: PhotoFit, belief: PhotoBelief, weights: TrackWeights
) -> PointView:
    lens = told_lens(seen) or (float(np.log(float(photo.camera.fx))), weights.lens)
    view = landmark_view(seen, photo, weights, lens, belief)
    count = len(tracks.trust)
    noise = seen.eye_distance * weights.track_noise
    line = tracks.across.any(axis=1)
    trust = tracks.trust * np.where(line, weights.outline, 1)
    return replace(
        view,
        pixels=np.concatenate([view.pixels, tracks.pixels]),
        noise=np.concatenate([view.noise, np.full(count, noise)]),
        trust=np.concatenate([view.trust, trust]),
        across=np.concatenate([view.across, tracks.across]),
        turns_away=np.concatenate([view.turns_away, np.zeros(count, bool)]),
    )
