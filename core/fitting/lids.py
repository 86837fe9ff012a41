"""How far the lids of each photo are shut, narrowed or torn open, once the head is known.

While a head is sought, its landmarks count for little each, because neighbours err together, and what an eye
shows is left to the identity. Within one eye landmarks agree far better than they keep their place in the
photo: distances between its lids, and from the lids to its corners, tell a narrowed eye (the lower lid rises)
from a closing one (the upper lid falls), as DECA's closure term (eq. 6) does for the lids' gap alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.fitting.face_belief import FaceBelief, PhotoBelief
from core.fitting.jacobian import pixel_pull
from core.fitting.landmark_terms import facing_weight
from core.fitting.types import FittedHead, Observation, PhotoFit
from core.landmark_topology import EYELID_PAIRS_LEFT, EYELID_PAIRS_RIGHT

_CORNERS: Final = {
    "Left": ((374, 263), (374, 362), (386, 263), (386, 362)),
    "Right": ((145, 33), (145, 133), (159, 33), (159, 133)),
}
_LIDS: Final = {"Left": EYELID_PAIRS_LEFT, "Right": EYELID_PAIRS_RIGHT}
_CLOSING, _OPENING = ("eyeBlink", "eyeSquint"), ("eyeWide",)  # exclude each other (CPEM eq. 4)
_PASSES: Final = 2  # the photo's perspective is all that is not linear in the units


@dataclass(frozen=True)
class LidWeights:
    """Weights of the lids' fit.

    Attributes:
        noise: standard deviation of the difference of two landmarks of an eye, fraction of the distance of
            the eyes' outer corners.
        sparsity: cost of a unit at 1 (L1); less where something is believed of it.
        ridge: cost of the squared units.
        believed: weight of what is believed of the units.
    """

    noise: float = 0.006
    sparsity: float = 10.0
    ridge: float = 1.0
    believed: float = 1.0


def settle_lids(
    head: FittedHead,
    observations: Sequence[Observation],
    belief: FaceBelief | None = None,
    weights: LidWeights | None = None,
) -> list[PhotoFit]:
    """The photos with blink, squint and wide of each eye that faces the camera found anew.

    Shape, pose, lens and all other units stay what they are.

    Args:
        observations: of the head's photos, in their order.
        belief: what networks say of the photos.
    """
    belief, weights = belief or FaceBelief(), weights or LidWeights()
    photos = zip(head.photos, observations, belief.photos(len(observations)), strict=True)
    eyes = {side: _Eye.of(head, side) for side in _LIDS}
    return [_settled(eyes, fit, seen, own, weights) for fit, seen, own in photos]


@dataclass(frozen=True)
class _Eye:
    """Landmarks of one eye of a person, head space, metres.

    Attributes:
        numbers: of the landmarks.
        pairs: of places among them.
        rest: of the neutral.
        moves: by the 52 units.
        normals: of the neutral, unit.
    """

    side: str
    numbers: Int[ndarray, "points"]
    pairs: Int[ndarray, "pairs 2"]
    rest: Float[ndarray, "points 3"]
    moves: Float[ndarray, "52 points 3"]
    normals: Float[ndarray, "points 3"]

    @classmethod
    def of(cls, head: FittedHead, side: str) -> _Eye:
        model = head.model
        numbers, places = np.unique([*_LIDS[side], *_CORNERS[side]], return_inverse=True)
        corners, bary = (
            model.triangles[model.landmark_triangles[numbers]],
            model.landmark_barycentrics[numbers],
        )
        a, b, c = (head.neutral[corners[:, k]].astype(np.float64) for k in range(3))
        normals = np.cross(b - a, c - a)
        return cls(
            side,
            numbers,
            places.reshape(-1, 2),
            np.einsum("pk,pkd->pd", bary, head.neutral[corners]).astype(np.float64),
            np.einsum("pk,upkd->upd", bary, head.expression_deltas[:, corners]).astype(np.float64),
            normals / np.linalg.norm(normals, axis=1, keepdims=True),
        )


def _settled(
    eyes: dict[str, _Eye], fit: PhotoFit, seen: Observation, belief: PhotoBelief, weights: LidWeights
) -> PhotoFit:
    expression = fit.expression.copy()
    for eye in eyes.values():
        facing = facing_weight(-(eye.normals @ fit.rotation.T)[:, 2])
        trust = facing[eye.pairs].min(axis=1)
        if trust.mean() < 0.5:  # an eye that is turned away tells nothing, and keeps what it has
            continue
        shut, wide = ([ARKIT_INDEX[name + eye.side] for name in names] for names in (_CLOSING, _OPENING))
        start = expression.copy()
        start[[*shut, *wide]] = 0
        both = [_solve(eye, units, start, fit, seen, trust, belief, weights) for units in (shut, wide)]
        expression = min(both, key=lambda found: found[0])[1]
    return replace(fit, expression=expression)


def _solve(
    eye: _Eye,
    units: list[int],
    start: Float[ndarray, "52"],
    fit: PhotoFit,
    seen: Observation,
    trust: Float[ndarray, "pairs"],
    belief: PhotoBelief,
    weights: LidWeights,
) -> tuple[float, Float[ndarray, "52"]]:
    """Energy and expression of Σ t |r|² + s Σ u + ridge Σ u² + Σ p (u - m)², u in [0, 1], r of the pairs."""
    e = start.copy()
    precision = weights.believed * belief.expression_precision
    linear = weights.sparsity * belief.sparsity
    scale = np.sqrt(trust)[:, None] / (seen.eye_distance * weights.noise)

    def residual(expression: ndarray) -> tuple[ndarray, ndarray]:
        points = eye.rest + np.tensordot(expression, eye.moves, axes=1)
        in_camera = points @ fit.rotation.T + fit.translation
        fx, fy, cx, cy = fit.camera.intrinsics
        pixels = in_camera[:, :2] / in_camera[:, 2:] * (fx, fy) + (cx, cy)
        off = pixels - seen.landmarks[eye.numbers, :2]
        return in_camera, (off[eye.pairs[:, 0]] - off[eye.pairs[:, 1]]) * scale

    for _ in range(_PASSES):
        in_camera, r = residual(e)
        moved = eye.moves[units] @ fit.rotation.T  # (units, points, 3), camera axes
        pixels = np.einsum("apd,upd->upa", pixel_pull(in_camera, fit.camera.intrinsics[0]), moved)
        slopes = ((pixels[:, eye.pairs[:, 0]] - pixels[:, eye.pairs[:, 1]]) * scale).reshape(len(units), -1)
        # min |r + J (u - u0)|² + ...: H u = Jᵀ (J u0 - r) + p m - s / 2
        curve = slopes @ slopes.T + np.diag(weights.ridge + precision[units])
        right = (
            slopes @ (slopes.T @ e[units] - r.ravel()) + (precision * belief.expression - linear / 2)[units]
        )
        e[units] = _in_box(curve, right)
    _, r = residual(e)
    held = linear @ e + weights.ridge * e @ e + precision @ (e - belief.expression) ** 2
    return float((r**2).sum() + held), e


def _in_box(H: Float[ndarray, "units units"], right: Float[ndarray, "units"]) -> Float[ndarray, "units"]:
    """The ``u`` in [0, 1] with the least ½ uᵀ H u - rightᵀ u, one coordinate after the other."""
    u = np.zeros(len(right))
    for _ in range(100):
        before = u.copy()
        for k in range(len(u)):
            u[k] = np.clip(u[k] + (right[k] - H[k] @ u) / H[k, k], 0, 1)
        if np.abs(u - before).max() < 1e-6:
            break
    return u
