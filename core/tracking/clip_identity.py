"""Who is in the clip: one head for all its frames.

The head of a rig, or else an identity estimated from a few frames spread by yaw (INORig keeps frames so). In
both cases the landmark network has its own idea of where each point of this face lies; that habit is measured
over the clip and added, so that the expressions need not explain it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from core.face_model.model import FaceModel
from core.fitting.face_belief import FaceBelief
from core.fitting.landmark_solver import LandmarkFit, LandmarkWeights, fit_landmarks
from core.fitting.landmark_terms import facing_weight
from core.fitting.types import Observation
from core.fitting.upright import upright_turn
from core.geometry.alignment import align_similarity
from core.landmark_topology import IRIS_LEFT, IRIS_RIGHT
from core.tracking.performance import HeadPoints, Performance

FRAMES: Final = 9
_CANDIDATES: Final = 600
_HABIT_NOISE: Final = 3.0  # frames' worth of belief that the network has no habit


def head_points(
    model: FaceModel,
    neutral: Float32[ndarray, "vertices 3"] | None = None,
    deltas: Float32[ndarray, "52 vertices 3"] | None = None,
) -> HeadPoints:
    """The landmarks of a head of the model's topology; the template with the model's own units by default."""
    vertices = model.template if neutral is None else neutral
    moves = model.expression_deltas if deltas is None else deltas
    corners = model.triangles[model.landmark_triangles]
    bary = model.landmark_barycentrics.astype(np.float64)
    a, b, c = (vertices[corners[:, k]].astype(np.float64) for k in range(3))
    normals = np.cross(b - a, c - a)
    return HeadPoints(
        rest=np.einsum("lk,lkd->ld", bary, vertices[corners]),
        units=np.einsum("lk,elkd->eld", bary, moves[:, corners]),
        normals=normals / np.linalg.norm(normals, axis=1, keepdims=True),
    )


def upright_points(model: FaceModel, identity: Float[ndarray, " modes"]) -> HeadPoints:
    """The landmarks of a head of the model, upright (see :mod:`core.fitting.upright`)."""
    head = head_points(model, model.neutral(identity.astype(np.float32)))
    turn, shift = upright_turn(head.rest, model.landmarks(model.template))
    return HeadPoints(head.rest @ turn.T + shift, head.units @ turn.T, head.normals @ turn.T)


def estimate_identity(
    model: FaceModel,
    landmarks: Sequence[Float32[ndarray, "478 3"]],
    size: tuple[int, int],
    belief: FaceBelief | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> LandmarkFit:
    """Identity and lens from frames of one person.

    The landmark network's depth is left out: it is that of its own idea of a face, and heads fitted with it
    are turned farther from the true ones (on 32 rendered clips, by 5 to 9 %). The yaws tell depth.

    Args:
        landmarks: of frames that :func:`spread_frames` chose.
        size: width and height of the frames, pixels.
        belief: what a network says of the person.
        progress: called with the fraction done; what it raises ends the fit.
    """
    nothing = np.zeros((1, 1, 3), np.float32), np.zeros((1, 1), np.float32)
    seen = [Observation(points, *size, None, *nothing, 0.0, 0.0, 1.0) for points in landmarks]
    return fit_landmarks(model, seen, LandmarkWeights(depth_noise=np.inf), belief=belief, progress=progress)


def spread_frames(
    landmarks: Float32[ndarray, "frames 478 3"], count: int = FRAMES
) -> Int[ndarray, " chosen"]:
    """Frames spread over the range of yaw, calm ones first: near to the median shape of the face."""
    step = max(1, len(landmarks) // _CANDIDATES)
    candidates = np.arange(0, len(landmarks), step)
    points = landmarks[candidates].astype(np.float64)
    target = points[len(points) // 2]
    scale, rotation, translation = align_similarity(points, target, np.ones(len(target)))
    aligned = scale[:, None, None] * points @ rotation.transpose(0, 2, 1) + translation[:, None]
    calm = np.linalg.norm(aligned - np.median(aligned, axis=0), axis=-1).mean(axis=1)
    yaw = np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2])
    edges = np.linspace(yaw.min(), yaw.max(), count + 1)[1:-1]
    share = np.searchsorted(edges, yaw)
    calmest_first = np.lexsort((calm, share))
    place = np.arange(len(share)) - np.searchsorted(share[calmest_first], share[calmest_first])
    # The calmest of each share, then the second calmest, until there are enough.
    return np.sort(candidates[calmest_first[np.argsort(place, kind="stable")[:count]]])


def with_habit(head: HeadPoints, shown: Performance, focal: float) -> HeadPoints:
    """The head with the network's habit on this face added to its landmarks.

    Each landmark's mean residual over the frames that show it, carried back into head space by least squares.
    """
    pull = np.zeros((478, 3, 3))
    push = np.zeros((478, 3))
    facing = -(head.normals @ shown.rotation.transpose(0, 2, 1))[..., 2]
    trust = facing_weight(facing)
    near = focal / shown.translation[:, 2]
    across = near[:, None, None] * shown.rotation[:, :2]  # pixels per metre of head space
    unit = np.square(near).mean()
    scale = 1 / unit
    pull += scale * np.einsum("fl,fpi,fpj->lij", trust, across, across)
    push += scale * np.einsum("fl,fpi,flp->li", trust, across, shown.residual)
    habit = np.linalg.solve(pull + _HABIT_NOISE * np.eye(3), push[..., None])[..., 0]
    habit[[*IRIS_LEFT, *IRIS_RIGHT]] = 0.0  # where the irises are is where the person looks
    return HeadPoints(head.rest + habit, head.units, head.normals)
