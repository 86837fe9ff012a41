"""Levenberg-Marquardt on places of surface points in photos.

Unknowns are one identity shared by all photos (CPEM eq. 3 with the constraint made exact) and for each photo
its pose, focal length and expression. The points are MediaPipe's landmarks (INORig eq. 9), followed by any
others whose places in the photos are known. DECA's closure term (eq. 6), exclusive units (CPEM eq. 4) and
sparse expressions in [0, 1] come with the landmarks. Milliseconds per photo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_NAMES
from core.face_model.model import LANDMARK_COUNT
from core.fitting.arrow import Part, solve_arrow
from core.fitting.jacobian import normal_equations, pixel_pull, point_rows
from core.fitting.landmark_terms import CLOSURE_PAIRS, EXCLUSIVE_UNITS, TONGUE, facing_weight, geman_mcclure
from core.fitting.points import LinearPoints, PointView
from core.fitting.types import PhotoFit
from core.workers import map_threads

_POSE = 7  # rotation, translation, log focal length; the units of the expression follow


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
        believed_identity: of what is believed of the identity beyond N(0, 1). Places in photos err together,
            above all those of one landmark network on one face, and many photos do not make them better;
            this sets off that they are counted one by one.
        outlier: residual, in standard deviations, where the robust weight has fallen to a quarter.
    """

    closure_noise: float = 0.02
    identity: float = 1.0
    sparsity: float = 3.0
    ridge: float = 1.0
    exclusive: float = 30.0
    believed: float = 1.0
    believed_identity: float = 3.0
    outlier: float = 2.5


@dataclass(frozen=True)
class _Residuals:
    """In standard deviations."""

    places: ndarray  # points, 2
    depth: ndarray  # landmarks
    closure: ndarray  # pairs, 2
    in_camera: ndarray  # points, 3


class PointSolver:
    """Minimises the energy; ``views`` and ``identity`` hold the present solution.

    Args:
        views: each with its start and with what is believed of its photo.
        identity: to start from.
        prior: mean and precision of the identity; N(0, 1) where not given.
    """

    def __init__(
        self,
        points: LinearPoints,
        views: Sequence[PointView],
        identity: Float[ndarray, "identity"],
        weights: PointWeights,
        prior: tuple[Float[ndarray, "identity"], Float[ndarray, "identity"]] | None = None,
    ) -> None:
        self.points, self.weights = points, weights
        self.views, self.identity = list(views), identity
        self._shape = points.shape.astype(np.float32)
        self._mean: ndarray
        self._precision: ndarray
        self._mean, self._precision = prior or (np.zeros(len(identity)), np.ones(len(identity)))

    def run(
        self,
        iterations: int,
        enough: float = 1e-5,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> float:
        """Damped Gauss-Newton steps until one gains less than the fraction ``enough``; returns the energy."""
        damping = 1e-3
        residuals = [self._residuals(self.identity, view) for view in self.views]
        cost = self._cost(self.identity, self.views, residuals)
        for done in range(iterations):
            progress(done / iterations)
            tried_identity, tried = self._apply(self._step(damping, residuals))
            tried_residuals = [self._residuals(tried_identity, view) for view in tried]
            tried_cost = self._cost(tried_identity, tried, tried_residuals)
            if tried_cost < cost:
                settled = cost - tried_cost < enough * cost
                self.identity, self.views = tried_identity, tried
                residuals, cost = tried_residuals, tried_cost
                damping = max(damping / 5, 1e-8)
                if settled:
                    break
            else:
                damping *= 8
                if damping > 1e4:
                    break
        return cost

    def solve_poses(self, iterations: int = 8) -> None:
        """Bring the heads into place before their shapes are asked for."""
        rigid = self._shape[:, :, :0]

        def placed(view: PointView) -> PointView:
            for _ in range(iterations):
                H, g = self._measured(view, self._residuals(self.identity, view), rigid)
                d = np.linalg.solve(H[:6, :6] * (1 + 1e-3 * np.eye(6)), -g[:6])
                turned = Rotation.from_rotvec(d[:3]).as_matrix() @ view.rotation
                view = replace(view, rotation=turned, translation=view.translation + d[3:6])
            return view

        self.views = map_threads(placed, self.views)

    def fits(self) -> list[PhotoFit]:
        """The photos as the present solution has them."""
        return [view.fit(self._residuals(self.identity, view).in_camera) for view in self.views]

    # -- residuals ---------------------------------------------------------------------------------------

    def _residuals(self, identity: ndarray, view: PointView) -> _Residuals:
        in_camera = self.points.head(view.expression, identity) @ view.rotation.T + view.translation
        off = view.offsets(in_camera)
        depth = in_camera[:LANDMARK_COUNT, 2] * np.exp(view.log_focal) / view.translation[2]
        closure = off[CLOSURE_PAIRS[:, 0]] - off[CLOSURE_PAIRS[:, 1]]
        return _Residuals(
            off / view.noise[:, None],
            (depth - depth.mean() - view.depth) / view.depth_noise,
            closure / (view.seen.eye_distance * self.weights.closure_noise),
            in_camera,
        )

    def _trust(self, view: PointView) -> ndarray:
        towards = -(self.points.normals @ view.rotation.T)[:, 2]
        return view.trust * np.where(view.turns_away, facing_weight(towards), 1)

    def _cost(self, identity: ndarray, views: Sequence[PointView], residuals: Sequence[_Residuals]) -> float:
        apart = identity - self._mean
        known = self.weights.identity * float(apart @ (self._precision * apart))
        return known + sum(map(self._view_cost, views, residuals))

    def _view_cost(self, view: PointView, residuals: _Residuals) -> float:
        w = self.weights
        trust, e = self._trust(view), view.expression
        squared = (residuals.places**2).sum(axis=1)
        cost = float((trust * geman_mcclure(squared, w.outlier)).sum())
        cost += float((trust[:LANDMARK_COUNT] * residuals.depth**2).sum())
        cost += float((residuals.closure**2).sum())
        cost += w.sparsity * float((view.belief.sparsity * e).sum()) + w.ridge * float(e @ e)
        cost += w.believed * _doubt(view)
        cost += w.exclusive * float((e[EXCLUSIVE_UNITS].min(axis=1) ** 2).sum())
        log_focal, spread = view.focal_prior
        return cost + ((view.log_focal - log_focal) / spread) ** 2

    # -- steps -------------------------------------------------------------------------------------------

    def _measured(self, view: PointView, residuals: _Residuals, shape: ndarray) -> tuple[ndarray, ndarray]:
        """Gauss-Newton matrix and gradient of what one photo shows and what is believed of its rotation.

        Args:
            shape: how the points move by the unknowns that follow the pose.
        """
        w = self.weights
        trust = self._trust(view)
        squared = (residuals.places**2).sum(axis=1)
        weight = np.sqrt(trust) / (1 + squared / w.outlier**2)

        # How pixels follow points (2, points, 3; camera axes) and the log focal length (2, points)
        focal, z = np.exp(view.log_focal), residuals.in_camera[:, 2]
        slope = (residuals.in_camera[:, :2] / z[:, None]).T
        pull = pixel_pull(residuals.in_camera, focal)
        zoom = slope * focal
        line = view.across.any(axis=1)
        across = view.across[line].T
        pull[:, line] = across[:, :, None] * (across[:, :, None] * pull[:, line]).sum(axis=0)
        zoom[:, line] = across * (across * zoom[:, line]).sum(axis=0)

        points, sure = np.arange(len(z)), weight / view.noise
        a, b = CLOSURE_PAIRS.T
        parts = [(points, pull * sure[:, None], zoom * sure), (a, pull[:, a], zoom[:, a])]
        parts.append((b, pull[:, b], zoom[:, b]))
        places, closure, other = (self._rows(view, shape, residuals.in_camera, *part) for part in parts)
        rows = [places, (closure - other) / np.float32(view.seen.eye_distance * w.closure_noise)]
        right = [(residuals.places * weight[:, None]).T.ravel(), residuals.closure.T.ravel()]
        if np.isfinite(view.depth_noise):
            nearer = np.zeros((1, LANDMARK_COUNT, 3))
            nearer[..., 2] = focal / view.translation[2]
            none = np.zeros((1, LANDMARK_COUNT))
            depth = self._rows(view, shape, residuals.in_camera, points[:LANDMARK_COUNT], nearer, none)
            depth -= depth.mean(axis=0)  # depth counts from the head's middle
            sure = np.sqrt(trust[:LANDMARK_COUNT])
            rows.append(depth * _single(sure / view.depth_noise)[:, None])
            right.append(sure * residuals.depth)
        H, g = normal_equations(np.concatenate(rows), _single(np.concatenate(right)))
        if view.belief.knows_rotation:
            # for small turns, one about the camera's axes adds to the rotation vector
            firm = w.believed * view.belief.rotation_precision
            H[:3, :3] += np.diag(firm)
            g[:3] += firm * view.belief.turn(view.rotation)
        return H, g

    def _rows(
        self,
        view: PointView,
        shape: ndarray,
        in_camera: ndarray,
        points: ndarray,
        pull: ndarray,
        zoom: ndarray,
    ) -> ndarray:
        """Rows of the Jacobian: how measures of some points follow the pose and the other unknowns.

        Args:
            pull: how each measure follows its point (measures, points, 3), camera axes.
            zoom: how it follows the log focal length (measures, points).
        """
        turned = in_camera[points] - view.translation
        rows = point_rows(points, turned[None], pull[None], view.rotation[None], shape, between=1)[0]
        rows[:, :, _POSE - 1] = zoom
        return rows.reshape(-1, rows.shape[2])

    def _normal_equations(self, view: PointView, residuals: _Residuals) -> tuple[ndarray, ndarray]:
        """Gauss-Newton matrix and gradient of one photo: pose and expression, then identity."""
        w = self.weights
        H, g = self._measured(view, residuals, self._shape)
        e = view.expression
        units = np.arange(_POSE, _POSE + len(e))
        curve = np.full(len(e), w.ridge)
        sure = w.believed * view.belief.expression_precision
        smaller = EXCLUSIVE_UNITS[np.arange(len(EXCLUSIVE_UNITS)), e[EXCLUSIVE_UNITS].argmin(axis=1)]
        np.add.at(curve, smaller, w.exclusive)
        H[units, units] += curve + sure
        g[units] += curve * e + w.sparsity * view.belief.sparsity / 2 + sure * (e - view.belief.expression)
        log_focal, spread = view.focal_prior
        H[6, 6] += 1 / spread**2
        g[6] += (view.log_focal - log_focal) / spread**2
        return H, g

    def _step(self, damping: float, residuals: Sequence[_Residuals]) -> tuple[ndarray, list[ndarray]]:
        own = _POSE + len(ARKIT_NAMES)
        shared = self.weights.identity * np.diag(self._precision)
        slope = self.weights.identity * self._precision * (self.identity - self._mean)
        parts = []
        pairs = zip(self.views, residuals, strict=True)
        found = map_threads(lambda pair: self._normal_equations(*pair), pairs)
        for view, (H, g) in zip(self.views, found, strict=True):
            shared, slope = shared + H[own:, own:], slope + g[own:]
            low, high = np.full(own, -np.inf), np.full(own, np.inf)
            low[_POSE:], high[_POSE:] = -view.expression, 1 - view.expression
            low[_POSE + TONGUE] = high[_POSE + TONGUE] = 0
            parts.append(Part(_damped(H[:own, :own], damping), H[:own, own:], -g[:own], low, high))
        return solve_arrow(_damped(shared, damping), -slope, parts)

    def _apply(self, step: tuple[ndarray, list[ndarray]]) -> tuple[ndarray, list[PointView]]:
        moved = [
            replace(
                view,
                rotation=Rotation.from_rotvec(d[:3]).as_matrix() @ view.rotation,
                translation=view.translation + d[3:6],
                log_focal=view.log_focal + float(d[6]),
                expression=np.clip(view.expression + d[_POSE:], 0, 1),
            )
            for view, d in zip(self.views, step[1], strict=True)
        ]
        return self.identity + step[0], moved


def _single(values: ndarray) -> ndarray:
    return values.astype(np.float32)


def _doubt(view: PointView) -> float:
    """Squared distance from what is believed of the photo, in standard deviations."""
    belief = view.belief
    away = float(belief.expression_precision @ (view.expression - belief.expression) ** 2)
    if belief.knows_rotation:
        away += float(belief.rotation_precision @ belief.turn(view.rotation) ** 2)
    return away


def _damped(H: ndarray, damping: float) -> ndarray:
    return H + np.diag(damping * np.diag(H))
