"""How the head turns, where a learned prior has its own opinion of it.

The landmark network draws every face toward its idea of one: it shows about four fifths of a nod, and its
landmarks slide over the skin as the head turns. The fit believes the landmarks, so its head nods too little.
A prior that has learnt from rendered heads what such landmarks mean sees the nods in full, but knows less of
where a person's zero is, which the fit gets from the person's shape. So the zero is the fit's, once for the
clip, and the motion both's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.fitting.landmark_terms import facing_weight, landmark_weights
from core.tracking.performance import HeadPoints

FACE_MIDDLE: Final = np.array([0.0, -0.03, 0.06])
"""What a face is seen along: a point behind the nose, head space, metres."""

_SHARE: Final = np.array([0.4, 0.5, 0.5])
"""The fit's part of pitch, yaw and roll. Where the two err alike the mean is best; the fit's nods are small.
Chosen on rendered clips of 12 heads (four of Anny's), see ``docs/landmark_prior.md``."""
_CONTOUR: Final = 0.15
_ZERO_STD: Final = float(np.radians(2.0))
_MOTION_STD: Final = float(np.radians(0.9))
"""How far the joined turns are off, standard deviations about one axis: their mean over a clip, and each
frame's about it (``docs/landmark_prior.md``)."""

_FACING: Final = np.diag([1.0, -1.0, -1.0])  # a face that looks into the camera
_ROBUST_ROUNDS: Final = 5
_SLOPE_HELD: Final = 0.02  # squared radians' worth of sights that say the error does not go with the pose
_REACH: Final = 15.0  # frames from a sight where what it says of itself has faded


def ray_rotation(directions: Float[ndarray, "frames 3"]) -> Float[ndarray, "frames 3 3"]:
    """The smallest rotation from the optical axis to each direction, camera axes.

    A picture of a face beside the axis looks like one on the axis that is turned by so much less.
    """
    x, y, z = directions.T
    aside = np.hypot(x, y)
    angle = np.arctan2(aside, z) / np.maximum(aside, 1e-12)
    return Rotation.from_rotvec(np.column_stack([-y * angle, x * angle, np.zeros_like(x)])).as_matrix()


def joined_turns(
    fitted: Float[ndarray, "frames 3 3"], learnt: Float[ndarray, "frames 3 3"]
) -> Float[ndarray, "frames 3 3"]:
    """The rotations of a clip, head → camera: on the whole the fit's, frame by frame of both.

    Args:
        fitted: by the landmark fit.
        learnt: by the prior.
    """
    apart = Rotation.from_matrix(np.swapaxes(learnt, -1, -2) @ fitted).as_rotvec()
    usual = np.median(apart, axis=0)
    return learnt @ Rotation.from_rotvec(usual + _SHARE * (apart - usual)).as_matrix()


def turns_with_readings(
    joined: Float[ndarray, "frames 3 3"],
    read: Float[ndarray, "frames 3 3"],
    std: Float[ndarray, "frames 3"],
) -> Float[ndarray, "frames 3 3"]:
    """The rotations of a clip, head → camera, when a network has read its pictures too.

    What it errs by, it errs by in all frames of a person alike, or differently in each; its standard
    deviation says no more than both together. So each of zero and motion is the mean of both sides by their
    precision, (a_r / σ_r² + a_j / σ_j²) / (1 / σ_r² + 1 / σ_j²), with that deviation taken for either.

    Args:
        joined: by landmarks.
        read: by the network.
        std: standard deviations of the readings, about the camera's axes, radians; infinite where a frame was
            not read. Then all frames take the clip's zero alone, so that nothing jumps between them.
    """
    known = np.isfinite(std).all(axis=1)
    if not known.any():
        return joined
    apart = Rotation.from_matrix(np.swapaxes(read[known], -1, -2) @ joined[known]).as_rotvec()
    # from the camera's axes to the head's, in which the turns are compared: diag(Rᵀ diag(σ²) R)
    variance = np.einsum("fca,fc->fa", np.square(joined[known]), np.square(std[known]))
    usual, usual_variance = np.median(apart, axis=0), np.median(variance, axis=0)
    zero = usual_variance / (usual_variance + _ZERO_STD**2) * usual
    if not known.all():
        return joined @ Rotation.from_rotvec(zero - usual).as_matrix()
    motion = variance / (variance + _MOTION_STD**2) * (apart - usual)
    return read @ Rotation.from_rotvec(zero + motion).as_matrix()


def turns_with_sights(
    rotation: Float[ndarray, "frames 3 3"],
    shot: Int[ndarray, "frames"],
    at: Int[ndarray, " sights"],
    seen: Float[ndarray, "sights 3 3"],
    trust: Float[ndarray, " sights"],
) -> Float[ndarray, "frames 3 3"]:
    """The rotations of a clip, head → camera, when pictures tell those of some frames.

    What landmarks get wrong goes for the most part with the pose, and is the same wherever the head is turned
    so: a linear function of pitch, yaw and roll, robustly fitted, holds for all frames. What is left in each
    frame goes over to its neighbours.

    Args:
        rotation: by landmarks.
        shot: number of each frame's shot.
        at: the frames that pictures tell of, rising.
        seen: their rotations.
        trust: 0-1.
    """
    used = trust > 0
    at, seen, trust = at[used], seen[used], trust[used]
    if not len(at):
        return rotation
    apart = Rotation.from_matrix(np.swapaxes(rotation[at], -1, -2) @ seen).as_rotvec()
    turned = Rotation.from_matrix(_FACING @ rotation).as_rotvec()
    middle = np.average(turned[at], axis=0, weights=trust)
    terms = np.column_stack([turned - middle, np.ones(len(turned))])
    own, weight = terms[at], trust
    held = np.diag([_SLOPE_HELD] * 3 + [1e-9])
    for _ in range(_ROBUST_ROUNDS):
        weighted = weight[:, None] * own
        linear = np.linalg.solve(weighted.T @ own + held, weighted.T @ apart)
        left = apart - own @ linear
        off = np.linalg.norm(left, axis=1)
        weight = trust / np.square(1 + np.square(off / (2 * max(float(np.median(off)), 1e-3))))
    correction = terms @ linear
    for number in np.unique(shot[at]):
        frames, known = np.flatnonzero(shot == number), shot[at] == number
        correction[frames] += _carried(frames, at[known], left[known] * trust[known, None])
    return rotation @ Rotation.from_rotvec(correction).as_matrix()


def _carried(frames: ndarray, at: ndarray, values: ndarray) -> Float[ndarray, "frames 3"]:
    """Values at some frames carried to all: interpolated, and fading where the next is far away."""
    columns = [np.interp(frames, at, column) for column in values.T]
    after = np.searchsorted(at, frames).clip(max=len(at) - 1)
    away = np.minimum(np.abs(frames - at[after]), np.abs(frames - at[np.maximum(after - 1, 0)]))
    return np.column_stack(columns) * np.exp(-np.square(away / _REACH))[:, None]


def placed(
    head: HeadPoints,
    coefficients: Float[ndarray, "frames 52"],
    rotation: Float[ndarray, "frames 3 3"],
    landmarks: Float[ndarray, "frames 478 3"],
    focal: float,
    centre: tuple[float, float],
) -> Float[ndarray, "frames 3"]:
    """Where heads of known rotation and expression are, metres: linear least squares on the landmarks.

    Args:
        landmarks: pixels.
        focal, centre: of the camera, pixels.
    """
    turned = (head.rest + np.tensordot(coefficients, head.units, axes=1)) @ rotation.transpose(0, 2, 1)
    facing = -(head.normals @ rotation.transpose(0, 2, 1))[..., 2]
    weight = landmark_weights(_CONTOUR) * facing_weight(facing)
    slope = (landmarks[..., :2] - np.array(centre)) / focal
    # x + tx = slope (z + tz) for both coordinates: one equation each in (tx, ty, tz)
    gap = slope * turned[..., 2:] - turned[..., :2]
    total = weight.sum(axis=1)
    mean_slope = np.einsum("fl,fld->fd", weight, slope)
    normal = np.zeros((len(turned), 3, 3))
    normal[:, 0, 0] = normal[:, 1, 1] = total
    normal[:, :2, 2] = normal[:, 2, :2] = -mean_slope
    normal[:, 2, 2] = np.einsum("fl,fld->f", weight, slope**2)
    right = np.column_stack([
        np.einsum("fl,fld->fd", weight, gap), -np.einsum("fl,fld->f", weight, slope * gap)
    ])  # fmt: skip
    return np.linalg.solve(normal, right[..., None])[..., 0]
