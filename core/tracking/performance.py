"""Landmarks of many frames of one known head → expression and pose of each frame.

The landmark fit of photos with the identity held (CPEM eq. 3 with the constraint made exact): Gauss-Newton
on INORig's landmark term (eq. 9) and DECA's closure term (eq. 6), exclusive units (CPEM eq. 4), sparse
expressions in [0, 1], and a learned prior where there is one. All frames of a batch are solved at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.fitting.jacobian import normal_equations, pixel_pull, point_rows
from core.fitting.landmark_terms import (
    CLOSURE_PAIRS,
    EXCLUSIVE_UNITS,
    TONGUE,
    facing_weight,
    landmark_weights,
)
from core.geometry.alignment import align_similarity
from core.landmark_topology import (
    BROW_LEFT,
    BROW_RIGHT,
    EYE_LEFT,
    EYE_RIGHT,
    FACE_OVAL,
    IRIS_LEFT,
    IRIS_RIGHT,
    LIPS_INNER,
    LIPS_OUTER,
)
from core.tracking.bounded import solve_bounded
from core.workers import map_threads

_FEATURES: Final = (
    *BROW_LEFT, *BROW_RIGHT, *EYE_LEFT, *EYE_RIGHT, *IRIS_LEFT, *IRIS_RIGHT, *LIPS_INNER, *LIPS_OUTER,
    *FACE_OVAL,
)  # fmt: skip
_EVERY: Final = 3  # of the landmarks between the features; neighbours say the same
_ITERATIONS: Final = 4
_BATCH: Final = 64  # frames: the matrices of a batch stay in the cache


@dataclass(frozen=True)
class PerformanceWeights:
    """Standard deviations and weights of the fit of one frame.

    Attributes:
        noise: of a landmark, as a fraction of the eye distance.
        closure_noise: of the distance between the lids, or lips.
        outlier: residual, in standard deviations, where the robust weight has fallen to a quarter.
        contour: weight of the face oval's landmarks.
        sparsity: cost of a unit at 1 (L1).
        ridge: cost of the squared units.
        exclusive: cost of the square of the smaller unit of an exclusive pair (CPEM eq. 4).
        prior: multiplies the learned prior's precision. The network has seen what landmarks do on many faces;
            the fit adds what it is unsure of (1 to 30 differ by less than 0.01 in mean error).
    """

    noise: float = 0.05
    closure_noise: float = 0.02
    outlier: float = 3.0
    contour: float = 0.15
    sparsity: float = 1.0
    ridge: float = 1.0
    exclusive: float = 30.0
    prior: float = 10.0


@dataclass(frozen=True)
class HeadPoints:
    """A head as its landmarks: at rest, how the 52 units move them, and which way they face.

    Attributes:
        rest: positions of MediaPipe's landmarks on the neutral head, head space, metres.
        units: offsets for coefficient 1 of each unit.
        normals: outward, unit length.
    """

    rest: Float[ndarray, "478 3"]
    units: Float[ndarray, "52 478 3"]
    normals: Float[ndarray, "478 3"]


@dataclass(frozen=True)
class Performance:
    """Frames of a shot.

    Attributes:
        rotation, translation: head → camera, metres.
        coefficients: in [0, 1].
        error: median distance of landmarks from the fit, fraction of the eye distance.
        residual: where the landmarks are minus where the fit puts them, pixels; empty where not kept.
    """

    rotation: Float[ndarray, "frames 3 3"]
    translation: Float[ndarray, "frames 3"]
    coefficients: Float[ndarray, "frames 52"]
    error: Float[ndarray, "frames"]
    residual: Float[ndarray, "some 478 2"] = field(default_factory=lambda: np.zeros((0, 478, 2)))


Belief = tuple[Float[ndarray, "frames 52"], Float[ndarray, "frames 52"]]
"""A learned prior's Gaussians: mean coefficients and their standard deviations."""


class PerformanceSolver:
    """Solves frames of one head; make it once for a shot."""

    def __init__(self, head: HeadPoints, weights: PerformanceWeights | None = None) -> None:
        self.head = head
        self.weights = weights or PerformanceWeights()
        used = set(_FEATURES) | set(range(0, 468, _EVERY))
        self._used = np.array(sorted(used))
        trust = landmark_weights(self.weights.contour)[self._used]
        self._trust = trust.astype(np.float32)
        place = {landmark: index for index, landmark in enumerate(self._used.tolist())}
        self._pairs = np.array([[place[a], place[b]] for a, b in CLOSURE_PAIRS.tolist()])
        self._rest = head.rest[self._used].astype(np.float32)
        self._units = head.units[:, self._used].astype(np.float32)
        self._shape = np.ascontiguousarray(self._units.transpose(2, 1, 0))
        self._normals = head.normals[self._used].astype(np.float32)

    def solve(
        self,
        landmarks: Float32[ndarray, "frames 478 3"],
        focal: float,
        centre: tuple[float, float],
        belief: Belief | None = None,
    ) -> Performance:
        """Solve every frame on its own.

        Args:
            landmarks: as :class:`~core.capture.faces.Face`, pixels.
            focal: focal length of the shot, pixels.
            centre: principal point, pixels.
        """
        spans = [slice(first, first + _BATCH) for first in range(0, len(landmarks), _BATCH)]

        def part(span: slice) -> tuple:
            own = None if belief is None else (belief[0][span], belief[1][span])
            return self._solve(landmarks[span], focal, np.array(centre), own)

        parts = map_threads(part, spans)
        return Performance(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _solve(self, landmarks: ndarray, focal: float, centre: ndarray, belief: Belief | None) -> tuple:
        state = self._start(landmarks, focal, centre)
        state.expression[:] = 0.0 if belief is None else belief[0]
        state.expression[:, TONGUE] = 0.0
        for step in range(_ITERATIONS):
            self._improve(state, belief, pose_only=step == 0)
        points = self.head.rest + np.tensordot(state.expression, self.head.units, axes=1)
        in_camera = points @ state.rotation.transpose(0, 2, 1) + state.translation[:, None]
        residual = landmarks[..., :2] - (in_camera[..., :2] / in_camera[..., 2:] * focal + centre)
        facing = (self.head.normals @ state.rotation.transpose(0, 2, 1))[..., 2] < -0.1
        off = np.where(facing, np.linalg.norm(residual, axis=-1), np.nan)
        error = np.nanmedian(off, axis=1) / state.unit
        return state.rotation, state.translation, state.expression.astype(np.float64), error, residual

    def _start(self, landmarks: ndarray, focal: float, centre: ndarray) -> _State:
        rigid = np.ones(len(landmarks[0]))
        rigid[[*IRIS_LEFT, *IRIS_RIGHT, *LIPS_INNER, *LIPS_OUTER]] = 0.0
        points = landmarks.astype(np.float64)
        # align_similarity takes many sources and one target, so it is asked for the way back
        scale, rotation, translation = align_similarity(points, self.head.rest.astype(np.float64), rigid)
        rotation = rotation.transpose(0, 2, 1)
        middle = -np.einsum("fij,fj->fi", rotation, translation) / scale[:, None]  # head's origin, pixels
        depth = focal * scale
        translation = np.column_stack([(middle[:, :2] - centre) * (depth / focal)[:, None], depth])
        unit = np.linalg.norm(points[:, 33] - points[:, 263], axis=1)
        used = points[:, self._used, :2]
        return _State(used, unit, focal, centre, rotation, translation, np.zeros((len(points), 52)))

    def _improve(self, state: _State, belief: Belief | None, pose_only: bool) -> None:
        """One Gauss-Newton step on all frames."""
        view = self._linearised(state, pose_only)
        H, g = self._landmark_terms(view)
        pose = H[:, :6, :6] + 1e-6 * np.eye(6)
        step = np.zeros_like(state.expression)
        if not pose_only:
            more_H, more_g = self._closure_terms(view)
            H, g = H + more_H, g + more_g
            pose = H[:, :6, :6] + 1e-6 * np.eye(6)
            step = self._unit_step(H, g, pose, state.expression, belief)
            g[:, :6] += np.einsum("fij,fi->fj", H[:, 6:, :6], step)
        moved = np.linalg.solve(pose, -g[:, :6, None])
        state.expression = np.clip(state.expression + step, 0, 1)
        state.rotation = Rotation.from_rotvec(moved[:, :3, 0]).as_matrix() @ state.rotation
        state.translation = state.translation + moved[:, 3:, 0]

    def _linearised(self, state: _State, pose_only: bool) -> _Linearised:
        """Residuals of the present solution, (f x / z + c - p) / σ, and how they follow their points."""
        R = state.rotation.astype(np.float32)
        shape = self._rest + np.tensordot(state.expression.astype(np.float32), self._units, axes=1)
        turned = shape @ R.transpose(0, 2, 1)
        in_camera = turned + state.translation[:, None].astype(np.float32)
        scale = (1 / (state.unit * self.weights.noise)).astype(np.float32)[:, None]
        x, y, z = in_camera[..., 0], in_camera[..., 1], in_camera[..., 2]
        near = np.float32(state.focal) / z
        pixels = np.stack([x * near, y * near], axis=-1) + state.centre.astype(np.float32)
        residual = (pixels - state.seen.astype(np.float32)) * scale[..., None]
        return _Linearised(
            rotation=R,
            turned=turned,
            residual=residual.transpose(0, 2, 1),
            pull=pixel_pull(in_camera, state.focal) * scale[:, None, :, None],
            facing=facing_weight(-(self._normals @ R.transpose(0, 2, 1))[..., 2]),
            shape=self._shape[:, :, :0] if pose_only else self._shape,
        )

    def _landmark_terms(self, view: _Linearised) -> tuple[ndarray, ndarray]:
        """INORig eq. 9, Geman-McClure: least squares with the weight sqrt(t) / (1 + r² / c²)."""
        squared = np.square(view.residual.transpose(0, 2, 1)).sum(-1)
        weight = np.sqrt(self._trust * view.facing) / (1 + squared / self.weights.outlier**2)
        rows = view.rows(np.arange(len(self._used)), view.pull * weight[:, None, :, None])
        return normal_equations(_flat(rows), (view.residual * weight[:, None]).reshape(len(rows), -1))

    def _closure_terms(self, view: _Linearised) -> tuple[ndarray, ndarray]:
        """DECA eq. 6: |(p_a - p_b) - (q_a - q_b)|² of lids and lips; those turned away tell nothing."""
        a, b = self._pairs.T
        firmer = np.float32(self.weights.noise / self.weights.closure_noise)
        weight = np.sqrt(np.minimum(view.facing[:, a], view.facing[:, b]))[:, None] * firmer
        ends = (view.rows(p, view.pull[:, :, p]) for p in (a, b))
        rows = np.subtract(*ends) * weight[..., None]
        gap = (view.residual[..., a] - view.residual[..., b]) * weight
        return normal_equations(_flat(rows), gap.reshape(len(rows), -1))

    def _unit_step(
        self, H: ndarray, g: ndarray, pose: ndarray, e: Float[ndarray, "frames 52"], belief: Belief | None
    ) -> Float[ndarray, "frames 52"]:
        """Change of the units within their bounds.

        The pose is solved for within each choice of units (Schur complement), so bounds hold exactly:
        (H_ee - H_ep H_pp⁻¹ H_pe + curve) d = -(g_e - H_ep H_pp⁻¹ g_p + slope).
        """
        curve, slope = self._unit_priors(e, belief)
        across = H[:, 6:, :6]
        solved = np.linalg.solve(pose, np.concatenate([across.transpose(0, 2, 1), g[:, :6, None]], axis=2))
        reduced = H[:, 6:, 6:] - across @ solved[..., :-1]
        units = np.arange(52)
        reduced[:, units, units] += curve
        slope += g[:, 6:] - np.einsum("fij,fj->fi", across, solved[..., -1])
        low, high = -e, 1 - e
        low[:, TONGUE] = high[:, TONGUE] = 0.0
        return solve_bounded(reduced, slope, low, high)

    def _unit_priors(
        self, e: Float[ndarray, "frames 52"], belief: Belief | None
    ) -> tuple[Float[ndarray, "frames 52"], Float[ndarray, "frames 52"]]:
        """Half the second and first derivative of ridge e² + sparsity |e| + p (e - m)² + exclusive min²."""
        w = self.weights
        curve = np.full_like(e, w.ridge)
        slope = w.ridge * e + w.sparsity / 2
        if belief is not None:
            prior_mean, prior_std = belief
            precision = w.prior / np.square(prior_std)
            curve += precision
            slope += precision * (e - prior_mean)
        # the smaller unit of each exclusive pair (CPEM eq. 4)
        pairs = e[:, EXCLUSIVE_UNITS]
        choices = np.broadcast_to(EXCLUSIVE_UNITS, pairs.shape)
        smaller = np.take_along_axis(choices, pairs.argmin(-1)[..., None], axis=-1)[..., 0]
        frames = np.repeat(np.arange(len(e)), smaller.shape[1])
        np.add.at(curve, (frames, smaller.ravel()), w.exclusive)
        np.add.at(slope, (frames, smaller.ravel()), w.exclusive * e[frames, smaller.ravel()])
        return curve, slope


@dataclass
class _State:
    """Frames while they are being solved."""

    seen: ndarray  # frames, used landmarks, 2: pixels
    unit: ndarray  # frames: eye distance, pixels
    focal: float
    centre: ndarray
    rotation: ndarray
    translation: ndarray
    expression: ndarray


@dataclass(frozen=True)
class _Linearised:
    """Frames at the present solution; single precision.

    Attributes:
        turned: landmarks as the head is turned, from its origin, camera axes.
        residual: in standard deviations.
        pull: how residuals follow their landmarks, camera axes.
        facing: weight of each landmark's side of the head, 0 where it is turned away.
        shape: how all landmarks move by the unknowns that follow the pose.
    """

    rotation: Float32[ndarray, "frames 3 3"]
    turned: Float32[ndarray, "frames used 3"]
    residual: Float32[ndarray, "frames 2 used"]
    pull: Float32[ndarray, "frames 2 used 3"]
    facing: Float32[ndarray, "frames used"]
    shape: Float32[ndarray, "3 used unknowns"]

    def rows(self, points: ndarray, pull: ndarray) -> Float32[ndarray, "frames 2 points columns"]:
        """Rows of the Jacobian of some landmarks."""
        return point_rows(points, self.turned[:, points], pull, self.rotation, self.shape)


def _flat(rows: ndarray) -> ndarray:
    """A matrix for each frame."""
    return rows.reshape(len(rows), -1, rows.shape[-1])
