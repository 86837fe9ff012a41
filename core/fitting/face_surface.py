"""The part of a head that photos are compared on, prepared once for each model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int
from numpy import ndarray
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree
from torch import Tensor
from torch.linalg import cross

from core.deformation.lips import LipSeal
from core.face_model.laplacian import mesh_laplacian
from core.face_model.model import FaceModel
from core.landmark_topology import EYE_LEFT, EYE_RIGHT, IRIS_LEFT, IRIS_RIGHT
from core.scene.shading import vertex_normals

SAMPLES = 5000
_NORMALS_REACH = 5e-3  # metres (standard deviation) over which normals are averaged
_AT_LIDS = 0.2
_SMOOTHNESS = 20.0  # of the free-form correction, in squared edge lengths: waves below about 4 edges die out


@dataclass(frozen=True)
class SurfacePoints:
    """Places on a model's triangles."""

    triangles: Int[ndarray, "points"]
    barycentrics: Float32[ndarray, "points 3"]

    def matrix(self, model: FaceModel) -> csr_matrix:
        """(points, vertices): takes values on the model's vertices to the points."""
        return mixing_matrix(model.triangles[self.triangles], self.barycentrics, model.vertex_count)


class FaceSurface:
    """Samples of the face, its landmarks and a smoother for free-form corrections.

    Attributes:
        vertices: indices of the model's vertices that the samples need.
        mean, basis, expressions: of the model, on ``vertices``; likewise on the landmarks.
    """

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        faces = face_triangles(model)
        self.vertices, inverse = np.unique(model.triangles[faces], return_inverse=True)
        triangles = inverse.reshape(-1, 3)
        samples = sample_face(model, SAMPLES)
        count = len(self.vertices)
        chosen = np.searchsorted(faces, samples.triangles)
        self._samples = mixing_matrix(triangles[chosen], samples.barycentrics, count)
        ones = np.ones((len(triangles), 3), np.float32)
        self._first_edge = mixing_matrix(triangles, ones * np.array([-1, 1, 0], np.float32), count)
        self._second_edge = mixing_matrix(triangles, ones * np.array([-1, 0, 1], np.float32), count)
        self._around = mixing_matrix(triangles, ones, count).T.tocsr()
        self.mean = torch.from_numpy(model.template[self.vertices])
        self.basis = torch.from_numpy(model.identity_basis[:, self.vertices])
        self.expressions = torch.from_numpy(model.expression_deltas[:, self.vertices])

        corners = model.triangles[model.landmark_triangles]
        self._landmarks = mixing_matrix(corners, model.landmark_barycentrics, model.vertex_count)
        bary = model.landmark_barycentrics
        self.landmark_mean = torch.from_numpy(np.einsum("lk,lkd->ld", bary, model.template[corners]))
        self.landmark_basis = torch.from_numpy(
            np.einsum("lk,mlkd->mld", bary, model.identity_basis[:, corners])
        )
        self.landmark_expressions = torch.from_numpy(
            np.einsum("lk,elkd->eld", bary, model.expression_deltas[:, corners])
        )
        a, b, c = (model.template[corners[:, k]] for k in range(3))
        self.landmark_normals = F.normalize(torch.from_numpy(np.cross(b - a, c - a)), dim=-1)
        self._smoother = splu((identity(model.vertex_count) + _SMOOTHNESS * mesh_laplacian(model)).tocsc())
        self._seal = LipSeal(model).matrix()

    def smooth(self, rough: Float[Tensor, "vertices 3"]) -> Float[Tensor, "vertices 3"]:
        """(I + s L)^-1 of offsets on all vertices of the model; differentiable (Nicolet et al. 2021).

        The lips stay together, see ``core.deformation.lips``.
        """
        smooth = _Smooth.apply(rough, self._smoother)
        upward = _Mix.apply(smooth[:, 1:2], self._seal)
        return torch.cat([smooth[:, :1], upward, smooth[:, 2:]], dim=1)

    def normals(self, posed: Float[Tensor, "photos vertices 3"]) -> Float[Tensor, "photos vertices 3"]:
        """Unit vertex normals of the face, one set for each photo."""
        face = cross(_mix(self._first_edge, posed), _mix(self._second_edge, posed))
        return F.normalize(_mix(self._around, face), dim=-1)

    def at_samples(self, values: Float[Tensor, "photos vertices 3"]) -> Float[Tensor, "photos samples 3"]:
        """Vertex values at the samples."""
        return _mix(self._samples, values)

    def at_landmarks(self, values: Float[Tensor, "vertices 3"]) -> Float[Tensor, "478 3"]:
        """Values on all vertices of the model at the landmarks."""
        return _mix(self._landmarks, values[None])[0]


class _Mix(torch.autograd.Function):
    """Sparse matrix times dense; SciPy's product is an order of magnitude faster than gathering in torch."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, matrix: csr_matrix) -> Tensor:
        ctx.matrix = matrix
        return torch.from_numpy(matrix @ values.detach().numpy())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return torch.from_numpy(ctx.matrix.T @ gradients[0].contiguous().numpy()), None


def _mix(matrix: csr_matrix, values: Float[Tensor, "photos from 3"]) -> Float[Tensor, "photos to 3"]:
    photos, count, _ = values.shape
    columns = values.permute(1, 0, 2).reshape(count, photos * 3)
    return _Mix.apply(columns, matrix).reshape(-1, photos, 3).permute(1, 0, 2)


def mixing_matrix(
    corners: Int[ndarray, "places 3"], weights: Float32[ndarray, "places 3"], vertices: int
) -> csr_matrix:
    """(places, vertices): each row mixes three vertices."""
    rows = np.repeat(np.arange(len(corners)), 3)
    return csr_matrix((weights.ravel(), (rows, corners.ravel())), shape=(len(corners), vertices))


class _Smooth(torch.autograd.Function):
    """Solve with a prefactored symmetric matrix; its own adjoint."""

    @staticmethod
    def forward(ctx: Any, rough: Tensor, factor: Any) -> Tensor:
        ctx.factor = factor
        return torch.from_numpy(factor.solve(rough.detach().double().numpy())).float()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return torch.from_numpy(ctx.factor.solve(gradients[0].double().numpy())).float(), None


def face_triangles(model: FaceModel) -> Int[ndarray, "triangles"]:
    """The triangles that the face is made of, in rising order."""
    near = face_weight(model)[model.triangles].min(axis=1) > 0.05
    return np.flatnonzero(near & model.region_mask("skin")[model.triangles].all(axis=1))


def sample_face(model: FaceModel, count: int) -> SurfacePoints:
    """``count`` places spread evenly over the face, thinning out towards its border; always the same."""
    faces = face_triangles(model)
    corners = model.triangles[faces]
    a, b, c = (model.template[corners[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) * face_weight(model)[corners].mean(axis=1)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(faces), count, p=area / area.sum())
    return SurfacePoints(faces[chosen], rng.dirichlet(np.ones(3), count).astype(np.float32))


def smooth_modes(
    model: FaceModel, size: float, reach: float, count: int
) -> Float32[ndarray, "modes vertices 3"]:
    """Smooth offsets in and out of the face, of unit variance like an identity basis; lips stay shut.

    The leading modes of a Gaussian process over the template (Lüthi et al. 2018, Gaussian Process Morphable
    Models) with a Gaussian kernel, by Nyström's method.

    Args:
        size: standard deviation in metres.
        reach: of the kernel, metres.
    """
    if not count:
        return np.zeros((0, model.vertex_count, 3), np.float32)
    weight = face_weight(model)
    face = np.flatnonzero(weight > 0)
    at = model.template[face].astype(np.float64)
    few = at[np.random.default_rng(0).permutation(len(at))[:500]]

    def kernel(a: ndarray, b: ndarray) -> ndarray:
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=-1) / (2 * reach**2))

    variance, vectors = np.linalg.eigh(kernel(few, few))
    fields = kernel(at, few) @ vectors[:, -count:] / np.sqrt(variance[-count:])
    modes = np.zeros((count, model.vertex_count, 3), np.float32)
    held = weight * _away_from_eyes(model)
    modes[:, face] = size * held[face, None] * fields.T[:, :, None] * _outward(model, face)
    return LipSeal(model).sealed(modes)


def _outward(model: FaceModel, face: Int[ndarray, " face"]) -> Float32[ndarray, "face 3"]:
    """Out of the face at each of its vertices: the mean normal of the skin around.

    Where lips, lids and nostrils turn inward, the skin's own normals point into the face, and along them the
    skin would be moved into what lies behind it.
    """
    normals = vertex_normals(torch.from_numpy(model.template), torch.from_numpy(model.triangles)).numpy()
    at = model.template[face].astype(np.float64)
    corners = model.triangles[np.isin(model.triangles, face).all(axis=1)]
    a, b, c = (model.template[corners[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    around = np.bincount(corners.ravel(), np.repeat(area, 3), model.vertex_count)[face]
    near = np.exp(-((at[:, None] - at[None]) ** 2).sum(axis=-1) / (2 * _NORMALS_REACH**2)) * around
    mean = near @ normals[face]
    return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)


def _away_from_eyes(model: FaceModel) -> Float32[ndarray, "vertices"]:
    """1 away from the eyes, falling to ``_AT_LIDS`` on the lids.

    Lids slide, cast shadows and hide each other, so that tracks there say less of the shape than they seem
    to: eyes of real people came out of different width.
    """
    lids = model.landmarks(model.template)[[*EYE_LEFT, *EYE_RIGHT]]
    distance, _ = cKDTree(lids).query(model.template)
    return np.clip((distance - 0.003) / 0.006, _AT_LIDS, 1).astype(np.float32)


def face_weight(model: FaceModel) -> Float32[ndarray, "vertices"]:
    """1 on the skin between the landmarks, falling to 0 at 2 cm from the nearest one."""
    landmarks = model.landmarks(model.template)
    on_skin = np.delete(landmarks, [*IRIS_LEFT, *IRIS_RIGHT], axis=0)
    distance, _ = cKDTree(on_skin).query(model.template)
    weight = np.clip((0.02 - distance) / 0.01, 0, 1)
    return np.where(model.region_mask("skin"), weight, 0).astype(np.float32)
