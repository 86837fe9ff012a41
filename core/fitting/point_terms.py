"""What one photo adds to the energy of the point solver: residuals, costs and Gauss-Newton rows.

Places and depths of points, the closure of lids and lips (DECA eq. 6), exclusive units (CPEM eq. 4), sparse
expressions, the lens, and what is believed of expression and rotation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.face_model.model import LANDMARK_COUNT
from core.fitting.jacobian import normal_equations, pixel_pull, point_rows
from core.fitting.landmark_terms import CLOSURE_PAIRS, EXCLUSIVE_UNITS, facing_weight, geman_mcclure
from core.fitting.points import LinearPoints, PointView

POSE = 7
"""Unknowns of a photo before the units of its expression: rotation, translation, log focal length."""

ZOOM = 6
"""The log focal length's place among them."""


@dataclass(frozen=True)
class PointWeights:
    """Weights of the priors, and where a point counts as an outlier.

    Attributes:
        closure_noise: standard deviation of the distance between the lids, or lips, fraction of the eye
            distance.
        identity: weight of the squared whitened coefficients, or of their squared distance from those that
            are believed, in standard deviations.
        sparsity: cost of a unit at 1 (L1), for each photo; less where something is believed of the unit.
        ridge: cost of the squared units.
        exclusive: cost of the square of the smaller unit of an exclusive pair (CPEM eq. 4).
        believed: weight of what is believed of expressions and rotations.
        believed_identity: of what is believed of the identity beyond N(0, 1). Beside a prior that knows how
            people differ, a network is counted once: with 3 and 10 times as much weight, five heads by
            another renderer came out at 0.90 mm instead of 0.78.
        outlier: residual, in standard deviations, where the robust weight has fallen to a quarter.
    """

    closure_noise: float = 0.02
    identity: float = 1.0
    sparsity: float = 3.0
    ridge: float = 1.0
    exclusive: float = 30.0
    believed: float = 1.0
    believed_identity: float = 1.0
    outlier: float = 2.5


@dataclass(frozen=True)
class PointResiduals:
    """Of one photo, in standard deviations."""

    places: Float[ndarray, "points 2"]
    depth: Float[ndarray, "478"]
    closure: Float[ndarray, "pairs 2"]
    in_camera: Float[ndarray, "points 3"]
    """The points themselves, camera axes, metres."""


class PointTerms:
    """The terms of photos of heads that vary as ``points`` do."""

    def __init__(self, points: LinearPoints, weights: PointWeights) -> None:
        self.points, self.weights = points, weights
        self.shape: Float32[ndarray, "3 points unknowns"] = points.shape.astype(np.float32)

    # -- residuals and energy ----------------------------------------------------------------------------

    def residuals(self, identity: Float[ndarray, "identity"], view: PointView) -> PointResiduals:
        """What a photo has left over, for an identity and the view's own pose, lens and expression."""
        in_camera = self.points.head(view.expression, identity) @ view.rotation.T + view.translation
        off = view.offsets(in_camera)
        depth = in_camera[:LANDMARK_COUNT, 2] * np.exp(view.log_focal) / view.translation[2]
        closure = off[CLOSURE_PAIRS[:, 0]] - off[CLOSURE_PAIRS[:, 1]]
        return PointResiduals(
            off / view.noise[:, None],
            (depth - depth.mean() - view.depth) / view.depth_noise,
            closure / (view.seen.eye_distance * self.weights.closure_noise),
            in_camera,
        )

    def cost(self, view: PointView, residuals: PointResiduals) -> float:
        """The photo's part of the energy."""
        w = self.weights
        trust, e = self._trust(view), view.expression
        squared = (residuals.places**2).sum(axis=1)
        cost = float((trust * geman_mcclure(squared, w.outlier)).sum())
        cost += float((trust[:LANDMARK_COUNT] * residuals.depth**2).sum())
        cost += float((self._pair_trust(view)[:, None] * residuals.closure**2).sum())
        cost += w.sparsity * float((view.belief.sparsity * e).sum()) + w.ridge * float(e @ e)
        cost += w.believed * _prior_cost(view)
        cost += w.exclusive * float((e[EXCLUSIVE_UNITS].min(axis=1) ** 2).sum())
        prior_mean, prior_std = view.focal_prior
        return cost + ((view.log_focal - prior_mean) / prior_std) ** 2

    def _trust(self, view: PointView) -> Float[ndarray, "points"]:
        return view.trust * np.where(view.turns_away, self._facing(view), 1)

    def _pair_trust(self, view: PointView) -> Float[ndarray, "pairs"]:
        """Of the closure: lids and lips that are turned away tell nothing."""
        return self._facing(view)[CLOSURE_PAIRS].min(axis=1)

    def _facing(self, view: PointView) -> Float[ndarray, "points"]:
        """1 where the skin faces the camera, falling to 0 where it turns away."""
        towards = -(self.points.normals @ view.rotation.T)[:, 2]
        return facing_weight(towards)

    # -- steps -------------------------------------------------------------------------------------------

    def normal_equations(
        self, view: PointView, residuals: PointResiduals
    ) -> tuple[Float[ndarray, "unknowns unknowns"], Float[ndarray, "unknowns"]]:
        """Gauss-Newton matrix and gradient of one photo: pose and expression, then identity."""
        w = self.weights
        H, g = self.measured(view, residuals, self.shape)
        e, belief = view.expression, view.belief
        units = np.arange(POSE, POSE + len(e))
        # ridge e² + exclusive min(e_a, e_b)²: the smaller unit of each pair alone
        curve = np.full(len(e), w.ridge)
        smaller = EXCLUSIVE_UNITS[np.arange(len(EXCLUSIVE_UNITS)), e[EXCLUSIVE_UNITS].argmin(axis=1)]
        np.add.at(curve, smaller, w.exclusive)
        # p (e - m)², and sparsity |e|, whose half slope is sparsity / 2 while e > 0
        precision = w.believed * belief.expression_precision
        H[units, units] += curve + precision
        g[units] += curve * e + w.sparsity * belief.sparsity / 2 + precision * (e - belief.expression)
        # ((log f - m) / σ)²
        prior_mean, prior_std = view.focal_prior
        H[ZOOM, ZOOM] += 1 / prior_std**2
        g[ZOOM] += (view.log_focal - prior_mean) / prior_std**2
        return H, g

    def measured(
        self, view: PointView, residuals: PointResiduals, shape: Float32[ndarray, "3 points further"]
    ) -> tuple[Float[ndarray, "all all"], Float[ndarray, "all"]]:
        """Gauss-Newton matrix and gradient of what one photo shows and what is believed of its rotation.

        Args:
            shape: how the points move by the unknowns that follow the pose.
        """
        slopes = _Slopes.of(view, residuals.in_camera, shape)
        trust = self._trust(view)
        blocks = [
            self._place_rows(view, residuals, slopes, trust),
            self._closure_rows(view, residuals, slopes),
        ]
        if np.isfinite(view.depth_noise):
            blocks.append(self._depth_rows(view, residuals, slopes, trust[:LANDMARK_COUNT]))
        rows, right = zip(*blocks, strict=True)
        H, g = normal_equations(np.concatenate(rows), np.concatenate(right).astype(np.float32))
        if view.belief.knows_rotation:
            # p |w|², w the rotation vector from the belief: a small turn about the camera's axes adds to it
            precision = self.weights.believed * view.belief.rotation_precision
            H[:3, :3] += np.diag(precision)
            g[:3] += precision * view.belief.turn(view.rotation)
        return H, g

    def _place_rows(
        self, view: PointView, residuals: PointResiduals, slopes: _Slopes, trust: ndarray
    ) -> tuple[ndarray, ndarray]:
        """Geman-McClure, t r² / (1 + r² / c²), as least squares with the weight sqrt(t) / (1 + r² / c²)."""
        squared = (residuals.places**2).sum(axis=1)
        weight = np.sqrt(trust) / (1 + squared / self.weights.outlier**2)
        scale = weight / view.noise
        rows = slopes.rows(np.arange(len(scale)), slopes.pull * scale[:, None], slopes.zoom * scale)
        return rows, (residuals.places * weight[:, None]).T.ravel()

    def _closure_rows(
        self, view: PointView, residuals: PointResiduals, slopes: _Slopes
    ) -> tuple[ndarray, ndarray]:
        """DECA eq. 6: t |(p_a - p_b) - (q_a - q_b)|² for each pair, found places p and seen ones q."""
        upper, lower = (slopes.rows(p, slopes.pull[:, p], slopes.zoom[:, p]) for p in CLOSURE_PAIRS.T)
        weight = np.sqrt(self._pair_trust(view))
        scale = weight / (view.seen.eye_distance * self.weights.closure_noise)
        rows = (upper - lower) * np.tile(scale, 2).astype(np.float32)[:, None]
        return rows, (residuals.closure * weight[:, None]).T.ravel()

    def _depth_rows(
        self, view: PointView, residuals: PointResiduals, slopes: _Slopes, trust: Float[ndarray, "478"]
    ) -> tuple[ndarray, ndarray]:
        """Landmarks' depths in pixels, z f / t_z, from their mean as the network's z is."""
        nearer = np.zeros((1, LANDMARK_COUNT, 3))
        nearer[..., 2] = np.exp(view.log_focal) / view.translation[2]
        rows = slopes.rows(np.arange(LANDMARK_COUNT), nearer, np.zeros((1, LANDMARK_COUNT)))
        rows -= rows.mean(axis=0)
        weight = np.sqrt(trust)
        return rows * (weight / view.depth_noise).astype(np.float32)[:, None], weight * residuals.depth


@dataclass(frozen=True)
class _Slopes:
    """How one photo's measures follow its unknowns, at the present solution.

    Attributes:
        shape: how the points move by the unknowns that follow the pose.
        pull: how pixels follow their points, camera axes.
        zoom: how they follow the log focal length.
    """

    view: PointView
    in_camera: Float[ndarray, "points 3"]
    shape: Float32[ndarray, "3 points further"]
    pull: Float[ndarray, "2 points 3"]
    zoom: Float[ndarray, "2 points"]

    @classmethod
    def of(cls, view: PointView, in_camera: ndarray, shape: ndarray) -> _Slopes:
        focal = np.exp(view.log_focal)
        pull = pixel_pull(in_camera, focal)
        zoom = (in_camera[:, :2] / in_camera[:, 2:]).T * focal  # d(f x / z) / d log f
        # a point that slides along an outline counts across it alone: n nᵀ J
        line = view.across.any(axis=1)
        across = view.across[line].T
        pull[:, line] = across[:, :, None] * (across[:, :, None] * pull[:, line]).sum(axis=0)
        zoom[:, line] = across * (across * zoom[:, line]).sum(axis=0)
        return cls(view, in_camera, shape, pull, zoom)

    def rows(
        self, points: ndarray, pull: Float[ndarray, "measures some 3"], zoom: Float[ndarray, "measures some"]
    ) -> Float32[ndarray, "rows all"]:
        """Rows of the Jacobian: how measures of some points follow the pose and the other unknowns."""
        view, turned = self.view, self.in_camera[points] - self.view.translation
        rows = point_rows(points, turned[None], pull[None], view.rotation[None], self.shape, between=1)[0]
        rows[:, :, ZOOM] = zoom
        return rows.reshape(-1, rows.shape[2])


def _prior_cost(view: PointView) -> float:
    """Squared distance from what is believed of the photo, in standard deviations."""
    belief = view.belief
    squared = float(belief.expression_precision @ (view.expression - belief.expression) ** 2)
    if belief.knows_rotation:
        squared += float(belief.rotation_precision @ belief.turn(view.rotation) ** 2)
    return squared
