"""Deformation transfer between meshes of different topology (Sumner & Popović 2004, eq. 8-10).

The meshes lie on each other: every triangle of the target knows the place on the source it follows.
Deformation gradients are averaged onto the source's vertices and interpolated, so that a finer target does
not show the source's facets. The system depends on the target alone: it is factored once for all shapes.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import splu

from core.deformation.transfer import damped_inverse, edge_equations, edge_frames, edge_vectors

_GROUND = 1e-6  # weight of the displacement kept near, for parts that nothing else holds


class GradientTransfer:
    """Carries displacements of a source to a target that lies on it.

    Args:
        source, source_triangles: at rest.
        target, target_triangles: at rest, in the same space.
        followed: the source triangle that each target triangle follows, -1 for one that keeps its shape.
        barycentrics: where on it.
        trust: weight of the displacement that a vertex is told to be near, beside its edges' (about 1 to 4).
        held: target vertices that never move.
    """

    def __init__(
        self,
        *,
        source: Float[ndarray, "source_vertices 3"],
        source_triangles: Int[ndarray, "source_triangles 3"],
        target: Float[ndarray, "target_vertices 3"],
        target_triangles: Int[ndarray, "target_triangles 3"],
        followed: Int[ndarray, "target_triangles"],
        barycentrics: Float[ndarray, "target_triangles 3"],
        trust: Float[ndarray, "target_vertices"],
        held: Bool[ndarray, "target_vertices"],
    ) -> None:
        self._source_triangles = source_triangles
        self._edges = edge_vectors(source, source_triangles)
        area = np.linalg.norm(np.cross(self._edges[:, 0], self._edges[:, 1]), axis=1)
        self._heights = np.sqrt(np.maximum(area, 1e-16))
        self._frames = edge_frames(self._edges, self._heights)
        self._inverse = damped_inverse(self._frames)
        corners = source_triangles.ravel()
        areas = csr_array(
            (np.repeat(area, 3), (corners, np.repeat(np.arange(len(area)), 3))),
            shape=(len(source), len(area)),
        )
        total = np.maximum(areas.sum(axis=1), 1e-30)
        self._to_vertices = csr_array(diags_array(1 / total) @ areas)
        self._moving = np.flatnonzero((followed >= 0) & ~held[target_triangles].all(axis=1))
        follows = source_triangles[followed[self._moving]]
        self._follows, self._weights = follows, barycentrics[self._moving]
        self._own = edge_vectors(target, target_triangles)[self._moving]
        self._free, self._count = np.flatnonzero(~held), len(target_triangles)
        divergence, laplacian = edge_equations(target, target_triangles)
        self._trust = (trust + _GROUND)[self._free, None]
        self._divergence = divergence[self._free]
        system = laplacian[self._free][:, self._free] + diags_array(self._trust[:, 0])
        self._solver = splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})

    def transfer(
        self, displacement: Float[ndarray, "source_vertices 3"], near: Float[ndarray, "target_vertices 3"]
    ) -> Float[ndarray, "target_vertices 3"]:
        """The target's displacement for one of the source.

        Args:
            near: what the target's vertices are told to be near.
        """
        change = edge_vectors(displacement, self._source_triangles)
        frames = edge_frames(self._edges + change, self._heights)
        gradient = (frames - self._frames) @ self._inverse  # of the displacement
        at_vertices = (self._to_vertices @ gradient.reshape(-1, 9)).reshape(-1, 3, 3)
        followed = np.einsum("tk,tkij->tij", self._weights, at_vertices[self._follows])
        edges = np.zeros((self._count, 3, 3))
        edges[self._moving] = np.einsum("tij,tej->tei", followed, self._own)
        wanted = self._divergence @ edges.reshape(-1, 3) + self._trust * near[self._free]
        result = np.zeros_like(near, dtype=np.float64)
        result[self._free] = self._solver.solve(wanted)
        return result
