"""The rig's skin brought onto the mesh: landmarks first, then closest points, from coarse to fine.

Non-rigid ICP in the manner of Amberg et al. 2007 ("Optimal Step Nonrigid ICP Algorithms for Surface
Registration"), with the bending of the displacement as its stiffness: it starts from a thin-plate warp
through the landmarks, and the length over which the displacement must be smooth shrinks from stage to stage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.interpolate import RBFInterpolator
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from core.deformation.interior import settle_neutral
from core.face_model.model import LANDMARK_COUNT, FaceModel
from core.landmark_topology import (
    EYE_LEFT,
    EYE_RIGHT,
    FACE_OVAL,
    IRIS_LEFT,
    IRIS_RIGHT,
    LIPS_INNER,
    LIPS_OUTER,
)
from core.retarget.keyless.mesh import border_vertices
from core.retarget.keyless.sides import Sides, closest_on_side, find_sides
from core.scene.shading import vertex_normals

# (length of smoothness in metres, weight of a landmark, farthest closest point in metres), three rounds each
_STAGES: Final = (
    (0.040, 10.0, 0.030), (0.025, 6.0, 0.020), (0.016, 4.0, 0.014), (0.010, 2.0, 0.010), (0.007, 1.0, 0.007),
    (0.005, 0.5, 0.005), (0.004, 0.3, 0.004),
)  # fmt: skip
_ROUNDS: Final = 4
_SLIDE: Final = 0.15  # of the weight across the surface, along it
_FACING: Final = (0.3, 0.6)  # cosine of the normals: nothing below, all above
_WARP_SMOOTHING: Final = 1e-3  # metres; landmarks are a millimetre or two off
_KEPT: Final = {"outline": 0.1, "middle": 0.5, "opening": 1.0}  # weight of the landmarks


@dataclass(frozen=True)
class TargetSkin:
    """The skin of the mesh, in the rig's space.

    Attributes:
        vertices: of the whole mesh.
        triangles: of its skin.
        landmarks, known: MediaPipe's 478 on it, and which of them are.
        sides: lips and lids told apart.
    """

    vertices: Float[ndarray, "vertices 3"]
    triangles: Int[ndarray, "triangles 3"]
    landmarks: Float[ndarray, "478 3"]
    known: Bool[ndarray, "478"]
    sides: Sides


def register(
    model: FaceModel, target: TargetSkin, report: Callable[[float], None] = lambda fraction: None
) -> Float[ndarray, "vertices 3"]:
    """The model's template with its skin on the target's, and everything else settled into it.

    Args:
        model: its template is the source; +Y up, metres.
        report: told the fraction done.

    Returns:
        positions of all vertices of the model.
    """
    template = model.template.astype(np.float64)
    source = model.landmarks(model.template).astype(np.float64)
    sides = find_sides(template, model.triangles, source)
    warped = _warp(template, source, target)
    skin = model.region_mask("skin")
    fit = _Fit(model, skin, warped, sides, target)
    total = len(_STAGES) * _ROUNDS
    for stage, (length, weight, reach) in enumerate(_STAGES):
        for round_ in range(_ROUNDS):
            report((stage * _ROUNDS + round_) / total)
            fit.step(length, weight, reach)
    moved = template.copy()
    moved[skin] = fit.position[skin]
    return settle_neutral(model, moved.astype(np.float32), model.template).astype(np.float64)


def _warp(points: ndarray, source: ndarray, target: TargetSkin) -> ndarray:
    """Thin-plate warp through the landmarks (biharmonic in space, affine far away)."""
    used = target.known.copy()
    used[[*IRIS_LEFT, *IRIS_RIGHT]] = False
    used = np.flatnonzero(used)
    _, first = np.unique(np.round(source[used] / 1e-5), axis=0, return_index=True)
    used = used[first]
    shift = target.landmarks[used] - source[used]
    smoothing = _WARP_SMOOTHING * np.where(np.isin(used, FACE_OVAL), 10.0, 1.0)
    return points + RBFInterpolator(source[used], shift, kernel="linear", degree=1, smoothing=smoothing)(
        points
    )


class _Fit:
    """One registration on its way."""

    def __init__(
        self,
        model: FaceModel,
        skin: Bool[ndarray, "vertices"],
        warped: ndarray,
        sides: Sides,
        target: TargetSkin,
    ) -> None:
        self._model, self._target, self._start = model, target, warped
        self.position = warped.copy()
        self._triangles = model.triangles[skin[model.triangles].all(axis=1)].astype(np.int64)
        self._own = np.unique(self._triangles)
        self._labels = sides.label[self._own]
        self._renumber = np.full(model.vertex_count, -1)
        self._renumber[self._own] = np.arange(len(self._own))
        self._bending, self._edge = self._stiffness(warped)
        border = border_vertices(self._triangles, model.vertex_count)[self._own]
        self._trust = np.where(border & (self._labels == 0), 0.0, 1.0)
        self._target_sides = target.sides.of_triangles(target.triangles)
        self._target_normals = _normals(target.vertices, target.triangles)
        self._target_border = border_vertices(target.triangles, len(target.vertices))
        self._landmark_rows, self._landmark_weight, self._landmark_aim = self._landmarks()

    def _stiffness(self, base: ndarray) -> tuple[csr_array, float]:
        """Squared graph Laplacian of the skin, and the mean length of its edges."""
        local = self._renumber[self._triangles]
        a, b = local.ravel(), local[:, [1, 2, 0]].ravel()
        count = len(self._own)
        adjacency = csr_array((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), shape=(count, count))
        adjacency.data[:] = 1.0
        degree = adjacency.sum(axis=1)
        laplacian = csr_array(
            diags_array(np.ones(count)) - diags_array(1 / np.maximum(degree, 1)) @ adjacency
        )
        length = np.linalg.norm(base[self._own[a]] - base[self._own[b]], axis=1)
        return csr_array(laplacian.T @ laplacian), float(np.median(length))

    def _landmarks(self) -> tuple[csr_array, ndarray, ndarray]:
        model, target = self._model, self._target
        corners = self._renumber[model.triangles[model.landmark_triangles]]
        used = target.known & (corners >= 0).all(axis=1)
        used[[*IRIS_LEFT, *IRIS_RIGHT]] = False
        chosen = np.flatnonzero(used)
        rows = np.repeat(np.arange(len(chosen)), 3)
        matrix = csr_array(
            coo_array(
                (
                    model.landmark_barycentrics[chosen].ravel().astype(np.float64),
                    (rows, corners[chosen].ravel()),
                ),
                shape=(len(chosen), len(self._own)),
            )
        )
        weight = np.full(LANDMARK_COUNT, _KEPT["middle"])
        weight[list(FACE_OVAL)] = _KEPT["outline"]
        weight[[*EYE_LEFT, *EYE_RIGHT, *LIPS_INNER, *LIPS_OUTER]] = _KEPT["opening"]
        return matrix, weight[chosen], target.landmarks[chosen]

    def step(self, length: float, landmark_weight: float, reach: float) -> None:
        """Closest points, then one linear solve.

        Args:
            length: over which the displacement is smooth, metres.
            reach: closest points farther away than this count for nothing, metres.
        """
        target, here = self._target, self.position[self._own]
        normals = _normals(self.position, self._triangles)[self._own]
        found = closest_on_side(
            here, self._labels, normals, target.vertices, target.triangles, self._target_sides
        )
        corners = target.triangles[found.triangle]
        towards = np.einsum("pk,pkd->pd", found.barycentrics, self._target_normals[corners])
        towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-12)
        low, high = _FACING
        weight = np.clip(((normals * towards).sum(axis=1) - low) / (high - low), 0, 1) * self._trust
        weight *= np.clip(2 - 2 * found.distance / reach, 0, 1)
        weight[(self._target_border[corners] & (found.barycentrics > 1e-6)).all(axis=1)] = 0.0
        on_edge = ((found.barycentrics > 1e-6) <= self._target_border[corners]).all(axis=1)
        weight[on_edge & (self._labels == 0)] = 0.0
        # to the tangent plane, and only a little along it
        gap = found.position - here
        across = (gap * towards).sum(axis=1, keepdims=True) * towards
        aim = here + across + _SLIDE * (gap - across)

        stiffness = (length / self._edge) ** 4
        rows, own, places = self._landmark_rows, self._landmark_weight * landmark_weight, self._landmark_aim
        weighted = csr_array(rows.T @ diags_array(own))
        system = stiffness * 0.05 * self._bending + diags_array(weight + 1e-6) + weighted @ rows
        start = self._start[self._own]
        wanted = weight[:, None] * (aim - start) + weighted @ (places - rows @ start)
        solved = splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(
            wanted
        )
        self.position[self._own] = start + solved


def _normals(vertices: ndarray, triangles: ndarray) -> ndarray:
    found = vertex_normals(torch.from_numpy(vertices), torch.from_numpy(triangles.astype(np.int64)))
    return found.numpy()
