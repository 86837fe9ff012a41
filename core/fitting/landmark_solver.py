"""Landmarks of N photos → one identity, and expression, pose and focal length of each photo.

Levenberg-Marquardt on INORig's landmark term (eq. 9) and DECA's closure term (eq. 6), with one identity
shared by all photos (CPEM eq. 3 with the constraint made exact), exclusive units (CPEM eq. 4), and sparse
expressions in [0, 1]. Milliseconds per photo; everything photometric builds on its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.face_model.identity_basis import align_similarity
from core.face_model.mediapipe_topology import IRIS_LEFT, IRIS_RIGHT
from core.face_model.model import LANDMARK_COUNT, FaceModel
from core.fitting.landmark_terms import CLOSURE_PAIRS, EXCLUSIVE_UNITS, TONGUE, landmark_weights
from core.fitting.types import Observation, PhotoFit
from core.scene.camera import Camera, focal_length_pixels


@dataclass(frozen=True)
class LandmarkWeights:
    """Standard deviations and weights of the landmark fit.

    Attributes:
        noise: standard deviation that one landmark stands for, as a fraction of the eye distance. Larger than
            the detector's scatter, because neighbouring landmarks err together.
        depth_noise: the same for MediaPipe's z, a guess by its network; infinite leaves z out.
        closure_noise: of the distance between the lids, or lips.
        distance: metres from which people are photographed. Where the photo does not tell its lens and the
            usual one would bring the camera nearer, the photo is taken for a crop: too near a camera
            makes faces too flat.
        focal_spread: standard deviation of the log of a focal length that no photo tells.
        identity: weight of the squared whitened coefficients.
        sparsity: cost of a unit at 1 (L1), for each photo.
        ridge: cost of the squared units.
        exclusive: cost of the square of the smaller unit of an exclusive pair (CPEM eq. 4).
        outlier: residual, in standard deviations, where the robust weight has fallen to a quarter.
        contour: weight of the face oval's landmarks, which slide along the surface.
    """

    noise: float = 0.1
    depth_noise: float = 0.25
    closure_noise: float = 0.02
    distance: float = 1.0
    focal_spread: float = 0.25
    identity: float = 1.0
    sparsity: float = 3.0
    ridge: float = 1.0
    exclusive: float = 30.0
    outlier: float = 2.5
    contour: float = 0.3


@dataclass
class _Photo:
    """State of one photo; the residuals' scale is one standard deviation."""

    seen: Observation
    rotation: ndarray
    translation: ndarray
    log_focal: float
    expression: ndarray
    focal_prior: tuple[float, float]  # log, standard deviation

    def camera(self) -> Camera:
        return Camera.centred(float(np.exp(self.log_focal)), self.seen.width, self.seen.height)


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
    iterations: int = 30,
) -> LandmarkFit:
    """Fit all photos together.

    Args:
        identity: hold this identity instead of estimating one.
        iterations: of the full problem, after a few with pose only.
    """
    return _Solver(model, observations, weights or LandmarkWeights(), identity).run(iterations)


class _Solver:
    def __init__(
        self,
        model: FaceModel,
        observations: Sequence[Observation],
        weights: LandmarkWeights,
        fixed_identity: ndarray | None,
    ) -> None:
        self.weights = weights
        corners = model.triangles[model.landmark_triangles]
        bary = model.landmark_barycentrics.astype(np.float64)
        self.mean = np.einsum("lk,lkd->ld", bary, model.template[corners])
        self.expressions = np.einsum("lk,elkd->eld", bary, model.expression_deltas[:, corners])
        self.identity_fixed = fixed_identity is not None
        if fixed_identity is None:
            self.basis = np.einsum("lk,mlkd->mld", bary, model.identity_basis[:, corners])
            self.identity = np.zeros(len(self.basis))
        else:
            held = model.neutral(fixed_identity.astype(np.float32))[corners]
            self.mean = np.einsum("lk,lkd->ld", bary, held)
            self.basis = np.zeros((0, LANDMARK_COUNT, 3))
            self.identity = np.zeros(0)
            self.held = fixed_identity
        self.normals = _landmark_normals(model)
        self.base_weight = landmark_weights(weights.contour)
        self.photos = [self._start(seen) for seen in observations]

    def _start(self, seen: Observation) -> _Photo:
        """Pose from MediaPipe's own depth, by aligning the mean head with the 3D landmarks."""
        rigid = np.ones(LANDMARK_COUNT)
        rigid[[*IRIS_LEFT, *IRIS_RIGHT]] = 0
        scale, rotation, translation = align_similarity(self.mean, seen.landmarks.astype(np.float64), rigid)
        known = seen.focal is not None
        usual = max(focal_length_pixels(seen.width, seen.height), self.weights.distance * scale)
        focal = seen.focal or usual
        depth = focal / scale
        centre = np.array([seen.width / 2, seen.height / 2])
        return _Photo(
            seen=seen,
            rotation=rotation,
            translation=np.array([*((translation[:2] - centre) * depth / focal), depth]),
            log_focal=float(np.log(focal)),
            expression=np.zeros(len(self.expressions)),
            focal_prior=(float(np.log(focal)), 0.03 if known else self.weights.focal_spread),
        )

    def run(self, iterations: int) -> LandmarkFit:
        for photo in self.photos:
            self._solve_pose(photo)
        damping = 1e-3
        cost = self._cost(self.identity, self.photos)
        for _ in range(iterations):
            step = self._step(damping)
            tried_identity, tried = self._apply(step)
            tried_cost = self._cost(tried_identity, tried)
            if tried_cost < cost:
                done = cost - tried_cost < 1e-5 * cost
                self.identity, self.photos, cost = tried_identity, tried, tried_cost
                damping = max(damping / 5, 1e-8)
                if done:
                    break
            else:
                damping *= 8
                if damping > 1e4:
                    break
        fits = [self._report(photo) for photo in self.photos]
        return LandmarkFit(self.held if self.identity_fixed else self.identity, fits, cost)

    # -- residuals ---------------------------------------------------------------------------------------

    def _points(self, identity: ndarray, photo: _Photo) -> ndarray:
        return (
            self.mean
            + np.tensordot(identity, self.basis, axes=1)
            + np.tensordot(photo.expression, self.expressions, axes=1)
        )

    def _residuals(self, identity: ndarray, photo: _Photo) -> tuple[ndarray, ndarray, ndarray]:
        """Landmarks (478, 3) and closure (pairs, 2) in standard deviations; points in camera axes."""
        in_camera = self._points(identity, photo) @ photo.rotation.T + photo.translation
        focal = np.exp(photo.log_focal)
        centre = np.array([photo.seen.width / 2, photo.seen.height / 2])
        pixels = in_camera[:, :2] / in_camera[:, 2:] * focal + centre
        unit = photo.seen.eye_distance
        off = pixels - photo.seen.landmarks[:, :2]
        # depth relative to the head's middle, in the pixel scale of that depth
        depth = (in_camera[:, 2] - in_camera[:, 2].mean()) * focal / photo.translation[2]
        seen_depth = photo.seen.landmarks[:, 2] - photo.seen.landmarks[:, 2].mean()
        residual = np.concatenate(
            [
                off / (unit * self.weights.noise),
                ((depth - seen_depth) / (unit * self.weights.depth_noise))[:, None],
            ],
            axis=1,
        )
        closure = (off[CLOSURE_PAIRS[:, 0]] - off[CLOSURE_PAIRS[:, 1]]) / (unit * self.weights.closure_noise)
        return residual, closure, in_camera

    def _trust(self, photo: _Photo) -> ndarray:
        """Weight of each landmark by how well its side of the face is seen.

        On the far side landmarks keep to the silhouette instead of a place on the skin.
        """
        towards = -(self.normals @ photo.rotation.T)[:, 2]
        return self.base_weight * np.clip((towards - 0.1) / 0.3, 0, 1)

    def _cost(self, identity: ndarray, photos: Sequence[_Photo]) -> float:
        w = self.weights
        cost = w.identity * float(identity @ identity)
        for photo in photos:
            residual, closure, _ = self._residuals(identity, photo)
            squared = (residual[:, :2] ** 2).sum(axis=1)
            robust = squared / (1 + squared / w.outlier**2)  # Geman-McClure
            cost += float((self._trust(photo) * (robust + residual[:, 2] ** 2)).sum())
            cost += float((closure**2).sum())
            e = photo.expression
            cost += w.sparsity * float(e.sum()) + w.ridge * float(e @ e)
            cost += w.exclusive * float((e[EXCLUSIVE_UNITS].min(axis=1) ** 2).sum())
            log_focal, spread = photo.focal_prior
            cost += ((photo.log_focal - log_focal) / spread) ** 2
        return cost

    # -- steps -------------------------------------------------------------------------------------------

    def _jacobian(self, photo: _Photo, in_camera: ndarray) -> ndarray:
        """(478, 3, parameters): by rotation, translation, log focal, expression, identity."""
        focal = np.exp(photo.log_focal)
        unit = photo.seen.eye_distance
        x, y, z = in_camera.T
        turned = in_camera - photo.translation
        by_point = np.zeros((LANDMARK_COUNT, 3, 3))
        by_point[:, 0, 0] = by_point[:, 1, 1] = focal / z
        by_point[:, 0, 2], by_point[:, 1, 2] = -focal * x / z**2, -focal * y / z**2
        by_point[:, :2] /= unit * self.weights.noise
        by_point[:, 2, 2] = focal / photo.translation[2] / (unit * self.weights.depth_noise)

        by_rotation = np.zeros((LANDMARK_COUNT, 3, 3))  # d(exp(w) p)/dw = -[p]x
        by_rotation[:, 0, 1], by_rotation[:, 0, 2] = turned[:, 2], -turned[:, 1]
        by_rotation[:, 1, 0], by_rotation[:, 1, 2] = -turned[:, 2], turned[:, 0]
        by_rotation[:, 2, 0], by_rotation[:, 2, 1] = turned[:, 1], -turned[:, 0]
        shape = np.concatenate([self.expressions, self.basis]) @ photo.rotation.T
        moves = np.concatenate(
            [by_rotation, np.tile(np.eye(3), (LANDMARK_COUNT, 1, 1)), shape.transpose(1, 2, 0)], axis=2
        )
        jacobian = by_point @ moves
        jacobian[:, 2] -= jacobian[:, 2].mean(axis=0)  # depth counts from the head's middle
        by_focal = np.zeros((LANDMARK_COUNT, 3, 1))
        by_focal[:, :2, 0] = in_camera[:, :2] / z[:, None] * focal / (unit * self.weights.noise)
        return np.concatenate([jacobian[:, :, :6], by_focal, jacobian[:, :, 6:]], axis=2)

    def _normal_equations(self, photo: _Photo) -> tuple[ndarray, ndarray]:
        """Gauss-Newton matrix and gradient of one photo: 7 + 52 own parameters, then identity."""
        w = self.weights
        residual, closure, in_camera = self._residuals(self.identity, photo)
        J = self._jacobian(photo, in_camera)
        squared = (residual[:, :2] ** 2).sum(axis=1)
        robust = 1 / (1 + squared / w.outlier**2) ** 2
        weight = self._trust(photo)[:, None] * np.stack([robust, robust, np.ones(len(robust))], axis=1)
        flat, r = J.reshape(-1, J.shape[2]), residual.ravel()
        weighted = flat * weight.reshape(-1, 1)
        H, g = weighted.T @ flat, weighted.T @ r
        Jc = (J[CLOSURE_PAIRS[:, 0], :2] - J[CLOSURE_PAIRS[:, 1], :2]) * (w.noise / w.closure_noise)
        Jc = Jc.reshape(-1, J.shape[2])
        H += Jc.T @ Jc
        g += Jc.T @ closure.ravel()
        e = photo.expression
        units = np.arange(7, 7 + len(e))
        curve = np.full(len(e), w.ridge)
        smaller = EXCLUSIVE_UNITS[np.arange(len(EXCLUSIVE_UNITS)), e[EXCLUSIVE_UNITS].argmin(axis=1)]
        np.add.at(curve, smaller, w.exclusive)
        H[units, units] += curve
        g[units] += curve * e + w.sparsity / 2
        log_focal, spread = photo.focal_prior
        H[6, 6] += 1 / spread**2
        g[6] += (photo.log_focal - log_focal) / spread**2
        return H, g

    def _step(self, damping: float) -> tuple[ndarray, list[ndarray]]:
        own = 7 + len(self.expressions)
        modes = len(self.identity)
        size = modes + own * len(self.photos)
        H, g = np.zeros((size, size)), np.zeros(size)
        H[:modes, :modes] = self.weights.identity * np.eye(modes)
        g[:modes] = self.weights.identity * self.identity
        low, high = np.full(size, -np.inf), np.full(size, np.inf)
        for index, photo in enumerate(self.photos):
            Hp, gp = self._normal_equations(photo)
            mine = slice(modes + own * index, modes + own * (index + 1))
            H[mine, mine], g[mine] = Hp[:own, :own], gp[:own]
            H[:modes, mine], H[mine, :modes] = Hp[own:, :own], Hp[:own, own:]
            H[:modes, :modes] += Hp[own:, own:]
            g[:modes] += gp[own:]
            units = slice(mine.start + 7, mine.stop)
            low[units], high[units] = -photo.expression, 1 - photo.expression
            low[mine.start + 7 + TONGUE] = high[mine.start + 7 + TONGUE] = 0
        H[np.diag_indices(size)] *= 1 + damping
        step = _bounded_solve(H, -g, low, high)
        return step[:modes], [step[modes + own * i : modes + own * (i + 1)] for i in range(len(self.photos))]

    def _apply(self, step: tuple[ndarray, list[ndarray]]) -> tuple[ndarray, list[_Photo]]:
        identity_step, photo_steps = step
        moved = []
        for photo, d in zip(self.photos, photo_steps, strict=True):
            moved.append(
                _Photo(
                    seen=photo.seen,
                    rotation=Rotation.from_rotvec(d[:3]).as_matrix() @ photo.rotation,
                    translation=photo.translation + d[3:6],
                    log_focal=photo.log_focal + float(d[6]),
                    expression=np.clip(photo.expression + d[7:], 0, 1),
                    focal_prior=photo.focal_prior,
                )
            )
        return self.identity + identity_step, moved

    def _solve_pose(self, photo: _Photo, iterations: int = 8) -> None:
        for _ in range(iterations):
            H, g = self._normal_equations(photo)
            d = np.linalg.solve(H[:6, :6] * (1 + 1e-3 * np.eye(6)), -g[:6])
            photo.rotation = Rotation.from_rotvec(d[:3]).as_matrix() @ photo.rotation
            photo.translation = photo.translation + d[3:6]

    def _report(self, photo: _Photo) -> PhotoFit:
        residual, _, _ = self._residuals(self.identity, photo)
        error = np.median(np.linalg.norm(residual[:, :2], axis=1)) * self.weights.noise
        return PhotoFit(
            camera=photo.camera(),
            rotation=photo.rotation,
            translation=photo.translation,
            expression=photo.expression,
            landmark_error=float(error),
        )


def _landmark_normals(model: FaceModel) -> Float[ndarray, "478 3"]:
    corners = model.template[model.triangles[model.landmark_triangles]].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _bounded_solve(H: ndarray, b: ndarray, low: ndarray, high: ndarray) -> ndarray:
    """Solve H x = b with low <= x <= high, by fixing what a free solution pushes past its bound.

    A few rounds of the active set are enough inside an outer iteration that starts again from the result.
    """
    x = np.zeros(len(b))
    free = high > low
    for _ in range(6):
        x[free] = np.linalg.solve(H[np.ix_(free, free)], (b - H[:, ~free] @ x[~free])[free])
        beyond = free & ((x < low) | (x > high))
        if not beyond.any():
            break
        x[beyond] = np.clip(x[beyond], low[beyond], high[beyond])
        free &= ~beyond
    return np.clip(x, low, high)
