"""Levenberg-Marquardt on places of surface points in photos.

Unknowns are one identity shared by all photos (CPEM eq. 3 with the constraint made exact) and for each photo
its pose, focal length and expression. The points are MediaPipe's landmarks (INORig eq. 9), followed by any
others whose places in the photos are known. DECA's closure term (eq. 6), exclusive units (CPEM eq. 4) and
sparse expressions in [0, 1] come with the landmarks. Milliseconds per photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.linalg import solve
from scipy.spatial.transform import Rotation

from core.face_model.arkit import ARKIT_NAMES
from core.face_model.model import LANDMARK_COUNT
from core.fitting.landmark_terms import CLOSURE_PAIRS, EXCLUSIVE_UNITS, TONGUE
from core.fitting.points import LinearPoints, PointView
from core.fitting.types import PhotoFit

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

    def run(self, iterations: int, enough: float = 1e-5) -> float:
        """Damped Gauss-Newton steps until one gains less than the fraction ``enough``; returns the energy."""
        damping = 1e-3
        cost = self._cost(self.identity, self.views)
        for _ in range(iterations):
            tried_identity, tried = self._apply(self._step(damping))
            tried_cost = self._cost(tried_identity, tried)
            if tried_cost < cost:
                done = cost - tried_cost < enough * cost
                self.identity, self.views, cost = tried_identity, tried, tried_cost
                damping = max(damping / 5, 1e-8)
                if done:
                    break
            else:
                damping *= 8
                if damping > 1e4:
                    break
        return cost

    def solve_poses(self, iterations: int = 8) -> None:
        """Bring the heads into place before their shapes are asked for."""
        for index in range(len(self.views)):
            for _ in range(iterations):
                view = self.views[index]
                H, g = self._normal_equations(view)
                d = np.linalg.solve(H[:6, :6] * (1 + 1e-3 * np.eye(6)), -g[:6])
                turned = Rotation.from_rotvec(d[:3]).as_matrix() @ view.rotation
                self.views[index] = replace(view, rotation=turned, translation=view.translation + d[3:6])

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
        return view.trust * np.where(view.turns_away, np.clip((towards - 0.1) / 0.3, 0, 1), 1)

    def _cost(self, identity: ndarray, views: Sequence[PointView]) -> float:
        w = self.weights
        apart = identity - self._mean
        cost = w.identity * float(apart @ (self._precision * apart))
        for view in views:
            residuals, trust, e = self._residuals(identity, view), self._trust(view), view.expression
            squared = (residuals.places**2).sum(axis=1)
            cost += float((trust * squared / (1 + squared / w.outlier**2)).sum())  # Geman-McClure
            cost += float((trust[:LANDMARK_COUNT] * residuals.depth**2).sum())
            cost += float((residuals.closure**2).sum())
            cost += w.sparsity * float((view.belief.sparsity * e).sum()) + w.ridge * float(e @ e)
            cost += w.believed * _doubt(view)
            cost += w.exclusive * float((e[EXCLUSIVE_UNITS].min(axis=1) ** 2).sum())
            log_focal, spread = view.focal_prior
            cost += ((view.log_focal - log_focal) / spread) ** 2
        return cost

    # -- steps -------------------------------------------------------------------------------------------

    def _jacobians(self, view: PointView, in_camera: ndarray) -> tuple[ndarray, ndarray]:
        """Of pixels (2, points, parameters) and of the landmarks' depth in pixels (478, parameters).

        In single precision: they only say which way to step, and most of the time goes into their products.
        """
        focal = np.exp(view.log_focal)
        z = in_camera[:, 2:]
        x, y, away = (in_camera - view.translation).T
        shape = self._shape
        moves = np.zeros((3, len(in_camera), _POSE + shape.shape[2]), np.float32)
        moves[0, :, 1], moves[0, :, 2] = away, -y  # d(exp(w) p)/dw = -[p]x
        moves[1, :, 0], moves[1, :, 2] = -away, x
        moves[2, :, 0], moves[2, :, 1] = y, -x
        moves[0, :, 3] = moves[1, :, 4] = moves[2, :, 5] = 1
        moves[:, :, _POSE:] = (view.rotation.astype(np.float32) @ shape.reshape(3, -1)).reshape(shape.shape)
        slope = (in_camera[:, :2] / z).T[:, :, None].astype(np.float32)
        pixels = (moves[:2] - slope * moves[2]) * (focal / z).astype(np.float32)
        pixels[:, :, 6] = slope[:, :, 0] * focal
        line = view.across.any(axis=1)
        across = view.across[line].T[:, :, None].astype(np.float32)
        pixels[:, line] = across * (across * pixels[:, line]).sum(axis=0)
        depth = moves[2, :LANDMARK_COUNT] * np.float32(focal / view.translation[2])
        return pixels, depth - depth.mean(axis=0)  # depth counts from the head's middle

    def _normal_equations(self, view: PointView) -> tuple[ndarray, ndarray]:
        """Gauss-Newton matrix and gradient of one photo: pose and expression, then identity."""
        w = self.weights
        residuals = self._residuals(self.identity, view)
        pixels, depth = self._jacobians(view, residuals.in_camera)
        trust = self._trust(view)
        squared = (residuals.places**2).sum(axis=1)
        weight = np.sqrt(trust) / (1 + squared / w.outlier**2)
        rows = [(pixels * _single(weight / view.noise)[:, None]).reshape(-1, pixels.shape[2])]
        right = [(residuals.places * weight[:, None]).T.ravel()]
        if np.isfinite(view.depth_noise):
            sure = np.sqrt(trust[:LANDMARK_COUNT])
            rows.append(depth * _single(sure / view.depth_noise)[:, None])
            right.append(sure * residuals.depth)
        closure = pixels[:, CLOSURE_PAIRS[:, 0]] - pixels[:, CLOSURE_PAIRS[:, 1]]
        rows.append(
            closure.reshape(-1, pixels.shape[2]) / np.float32(view.seen.eye_distance * w.closure_noise)
        )
        right.append(residuals.closure.T.ravel())
        J = np.concatenate(rows)
        H, g = (J.T @ J).astype(np.float64), (J.T @ _single(np.concatenate(right))).astype(np.float64)
        e = view.expression
        units = np.arange(_POSE, _POSE + len(e))
        curve = np.full(len(e), w.ridge)
        sure = w.believed * view.belief.expression_precision
        smaller = EXCLUSIVE_UNITS[np.arange(len(EXCLUSIVE_UNITS)), e[EXCLUSIVE_UNITS].argmin(axis=1)]
        np.add.at(curve, smaller, w.exclusive)
        H[units, units] += curve + sure
        g[units] += curve * e + w.sparsity * view.belief.sparsity / 2 + sure * (e - view.belief.expression)
        if view.belief.knows_rotation:
            # for small turns, one about the camera's axes adds to the rotation vector
            firm = w.believed * view.belief.rotation_precision
            H[:3, :3] += np.diag(firm)
            g[:3] += firm * view.belief.turn(view.rotation)
        log_focal, spread = view.focal_prior
        H[6, 6] += 1 / spread**2
        g[6] += (view.log_focal - log_focal) / spread**2
        return H, g

    def _step(self, damping: float) -> tuple[ndarray, list[ndarray]]:
        modes = len(self.identity)
        own = _POSE + len(ARKIT_NAMES)
        size = modes + own * len(self.views)
        H, g = np.zeros((size, size)), np.zeros(size)
        H[:modes, :modes] = self.weights.identity * np.diag(self._precision)
        g[:modes] = self.weights.identity * self._precision * (self.identity - self._mean)
        low, high = np.full(size, -np.inf), np.full(size, np.inf)
        for index, view in enumerate(self.views):
            Hp, gp = self._normal_equations(view)
            mine = slice(modes + own * index, modes + own * (index + 1))
            H[mine, mine], g[mine] = Hp[:own, :own], gp[:own]
            H[:modes, mine], H[mine, :modes] = Hp[own:, :own], Hp[:own, own:]
            H[:modes, :modes] += Hp[own:, own:]
            g[:modes] += gp[own:]
            units = slice(mine.start + _POSE, mine.stop)
            low[units], high[units] = -view.expression, 1 - view.expression
            low[units.start + TONGUE] = high[units.start + TONGUE] = 0
        H[np.diag_indices(size)] *= 1 + damping
        step = _bounded_solve(H, -g, low, high)
        return step[:modes], np.split(step[modes:], len(self.views))

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


def _bounded_solve(H: ndarray, b: ndarray, low: ndarray, high: ndarray) -> ndarray:
    """Solve H x = b with low <= x <= high, by fixing what a free solution pushes past its bound.

    A few rounds of the active set are enough inside an outer iteration that starts again from the result.
    """
    x = np.zeros(len(b))
    free = high > low
    for _ in range(6):
        right = (b - H[:, ~free] @ x[~free])[free]
        x[free] = solve(H[np.ix_(free, free)], right, assume_a="pos", check_finite=False)
        beyond = free & ((x < low) | (x > high))
        if not beyond.any():
            break
        x[beyond] = np.clip(x[beyond], low[beyond], high[beyond])
        free &= ~beyond
    return np.clip(x, low, high)
