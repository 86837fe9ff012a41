"""The part of a head that photos are compared on, prepared once for each model."""

from __future__ import annotations

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

from core.face_model.laplacian import mesh_laplacian
from core.face_model.mediapipe_topology import IRIS_LEFT, IRIS_RIGHT
from core.face_model.model import FaceModel

SAMPLES = 5000
_SMOOTHNESS = 20.0  # of the free-form correction, in squared edge lengths: waves below about 4 edges die out


class FaceSurface:
    """Samples of the face, its landmarks and a smoother for free-form corrections.

    Attributes:
        vertices: indices of the model's vertices that the samples need.
        mean, basis, expressions: of the model, on ``vertices``; likewise on the landmarks.
    """

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        weight = face_weight(model)
        skin = model.region_mask("skin")[model.triangles].all(axis=1)
        face = model.triangles[skin & (weight[model.triangles].min(axis=1) > 0.05)]
        self.vertices, inverse = np.unique(face, return_inverse=True)
        triangles = inverse.reshape(-1, 3)
        a, b, c = (model.template[face[:, k]] for k in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1) * weight[face].mean(axis=1)
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(face), SAMPLES, p=area / area.sum())
        count = len(self.vertices)
        spread = rng.dirichlet(np.ones(3), SAMPLES).astype(np.float32)
        self._samples = _places(triangles[chosen], spread, count)
        ones = np.ones((len(triangles), 3), np.float32)
        self._first_edge = _places(triangles, ones * np.array([-1, 1, 0], np.float32), count)
        self._second_edge = _places(triangles, ones * np.array([-1, 0, 1], np.float32), count)
        self._around = _places(triangles, ones, count).T.tocsr()
        self.mean = torch.from_numpy(model.template[self.vertices])
        self.basis = torch.from_numpy(model.identity_basis[:, self.vertices])
        self.expressions = torch.from_numpy(model.expression_deltas[:, self.vertices])

        corners = model.triangles[model.landmark_triangles]
        self._landmarks = _places(corners, model.landmark_barycentrics, model.vertex_count)
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

    def smooth(self, rough: Float[Tensor, "vertices 3"]) -> Float[Tensor, "vertices 3"]:
        """(I + s L)^-1 of offsets on all vertices of the model; differentiable (Nicolet et al. 2021)."""
        return _Smooth.apply(rough, self._smoother)

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


def _places(
    corners: Int[ndarray, "places 3"], weights: Float32[ndarray, "places 3"], vertices: int
) -> csr_matrix:
    """Rows that mix three vertices each."""
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


def face_weight(model: FaceModel) -> Float32[ndarray, "vertices"]:
    """1 on the skin between the landmarks, falling to 0 at 2 cm from the nearest one."""
    landmarks = model.landmarks(model.template)
    on_skin = np.delete(landmarks, [*IRIS_LEFT, *IRIS_RIGHT], axis=0)
    distance, _ = cKDTree(on_skin).query(model.template)
    weight = np.clip((0.02 - distance) / 0.01, 0, 1)
    return np.where(model.region_mask("skin"), weight, 0).astype(np.float32)
