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
"""What a learned prior says: coefficients and their standard deviations."""


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
        w = self.weights
        frames = len(state.rotation)
        R = state.rotation.astype(np.float32)
        shape = self._rest + np.tensordot(state.expression.astype(np.float32), self._units, axes=1)
        turned = shape @ R.transpose(0, 2, 1)
        in_camera = turned + state.translation[:, None].astype(np.float32)
        scale = (1 / (state.unit * w.noise)).astype(np.float32)[:, None]
        x, y, z = in_camera[..., 0], in_camera[..., 1], in_camera[..., 2]
        near = np.float32(state.focal) / z
        pixels = np.stack([x * near, y * near], axis=-1) + state.centre.astype(np.float32)
        residual = (pixels - state.seen.astype(np.float32)) * scale[..., None]

        squared = np.square(residual).sum(-1)
        facing = facing_weight(-(self._normals @ R.transpose(0, 2, 1))[..., 2])
        weight = np.sqrt(self._trust * facing) / (1 + squared / w.outlier**2)

        pull = pixel_pull(in_camera, state.focal) * scale[:, None, :, None]
        off = residual.transpose(0, 2, 1)
        shape_of = self._shape[:, :, :0] if pose_only else self._shape
        every = np.arange(len(self._used))
        rows = point_rows(every, turned, pull * weight[:, None, :, None], R, shape_of)
        H, g = normal_equations(_flat(rows), (off * weight[:, None]).reshape(frames, -1))
        if not pose_only:
            # lids that are turned away tell nothing
            a, b = self._pairs.T
            both = np.sqrt(np.minimum(facing[:, a], facing[:, b]))[:, None] * np.float32(
                w.noise / w.closure_noise
            )
            ends = (point_rows(p, turned[:, p], pull[:, :, p], R, shape_of) for p in (a, b))
            gap = np.subtract(*ends) * both[..., None]
            gap_off = ((off[..., a] - off[..., b]) * both).reshape(frames, -1)
            more_H, more_g = normal_equations(_flat(gap), gap_off)
            H, g = H + more_H, g + more_g

        e = state.expression
        step = np.zeros_like(e)
        pose = H[:, :6, :6] + 1e-6 * np.eye(6)
        if not pose_only:
            curve = np.full_like(e, w.ridge)
            slope = w.ridge * e + w.sparsity / 2
            if belief is not None:
                precision = w.prior / np.square(belief[1])
                curve += precision
                slope += precision * (e - belief[0])
            pairs = e[:, EXCLUSIVE_UNITS]
            smaller = np.take_along_axis(
                np.broadcast_to(EXCLUSIVE_UNITS, pairs.shape), pairs.argmin(-1)[..., None], axis=-1
            )[..., 0]
            rows_of = np.repeat(np.arange(frames), smaller.shape[1])
            np.add.at(curve, (rows_of, smaller.ravel()), w.exclusive)
            np.add.at(slope, (rows_of, smaller.ravel()), w.exclusive * e[rows_of, smaller.ravel()])
            # The pose is solved for within each choice of units (Schur complement), so bounds hold exactly.
            across = H[:, 6:, :6]
            solved = np.linalg.solve(
                pose, np.concatenate([across.transpose(0, 2, 1), g[:, :6, None]], axis=2)
            )
            reduced = H[:, 6:, 6:] - across @ solved[..., :-1]
            units = np.arange(52)
            reduced[:, units, units] += curve
            slope += g[:, 6:] - np.einsum("fij,fj->fi", across, solved[..., -1])
            low, high = -e, 1 - e
            low[:, TONGUE] = high[:, TONGUE] = 0.0
            step = solve_bounded(reduced, slope, low, high)
            g[:, :6] += np.einsum("fij,fi->fj", across, step)
        turn = np.linalg.solve(pose, -g[:, :6, None])
        state.expression = np.clip(e + step, 0, 1)
        state.rotation = Rotation.from_rotvec(turn[:, :3, 0]).as_matrix() @ state.rotation
        state.translation = state.translation + turn[:, 3:, 0]


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


def _flat(rows: ndarray) -> ndarray:
    """A matrix for each frame."""
    return rows.reshape(len(rows), -1, rows.shape[-1])
