"""Deformation transfer: how one mesh deforms, carried over to another (Sumner & Popović 2004).

Each source triangle's deformation gradient (eq. 1-3: with a fourth point off the triangle along its normal)
is applied to the edges of the target triangle that corresponds to it, and the target's vertices are the
least-squares fit to the edges wanted: eq. 8, as a Poisson problem over edges after Botsch et al. 2006
("Deformation Transfer for Detail-Preserving Surface Editing").
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import splu

_FLATTEST = 0.03  # of its longest edge: directions in which a triangle is thinner say nothing reliable
_GROUND = 1e-6  # weight of the scaled source displacement, for parts that nothing else holds
_COTANGENT_RANGE = (0.05, 4.0)  # slivers would otherwise dominate, and obtuse triangles push apart


class DeformationTransfer:
    """Transfers displacements from a source mesh to a target mesh in the same pose and orientation.

    Exact where the target is the source moved and scaled as a whole: displacements come back scaled.

    Args:
        source: rest positions of the source, metres.
        source_triangles: its triangles; a vertex may be in overlapping ones (both halvings of a quad).
        target: rest positions of the target.
        target_triangles: its triangles; as ``source_triangles`` where not given.
        correspondence: for each target triangle the source triangle it follows, corner by corner, or -1 for
            one that keeps its shape; triangle by triangle where not given.
    """

    def __init__(
        self,
        source: Float[ndarray, "source_vertices 3"],
        source_triangles: Int[ndarray, "source_triangles 3"],
        target: Float[ndarray, "target_vertices 3"],
        target_triangles: Int[ndarray, "target_triangles 3"] | None = None,
        correspondence: Int[ndarray, "target_triangles"] | None = None,
    ) -> None:
        triangles = source_triangles if target_triangles is None else target_triangles
        follows = np.arange(len(triangles)) if correspondence is None else correspondence
        self._triangles = triangles
        self._followed = follows >= 0
        self._source_triangles = source_triangles[np.maximum(follows, 0)]
        target = target.astype(np.float64)
        own, other = (
            edge_vectors(target, triangles),
            edge_vectors(source.astype(np.float64), self._source_triangles),
        )
        used = np.unique(triangles)
        size = np.linalg.norm(own[self._followed], axis=2).sum()
        self.scale = float(size / max(np.linalg.norm(other[self._followed], axis=2).sum(), 1e-12))
        self._source = source.astype(np.float64) * self.scale
        self._edges = other * self.scale
        self._heights = np.sqrt(np.maximum(_double_area(self._edges), 1e-16))
        # The target's edges are the source's plus a difference; only the difference passes through the
        # gradient, so thin triangles cannot spoil what the two meshes have in common.
        self._coordinates = np.einsum(
            "tij,tej->tei", damped_inverse(self._frames(self._edges)), own - self._edges
        )
        self._divergence, laplacian = edge_equations(target, triangles)
        self._ground = np.full(len(target), _GROUND)
        self._ground[np.setdiff1d(np.arange(len(target)), used)] = 1.0
        self._laplacian = csr_array(laplacian + diags_array(self._ground))

    def transfer(
        self,
        displacement: Float[ndarray, "source_vertices 3"],
        held: Bool[ndarray, "target_vertices"],
        values: Float[ndarray, "target_vertices 3"] | None = None,
        near: Float[ndarray, "target_vertices 3"] | None = None,
    ) -> Float[ndarray, "target_vertices 3"]:
        """The target's displacement for one deformation of the source.

        Args:
            displacement: of the source's vertices from rest.
            held: target vertices whose displacement is given (the anchors).
            values: their displacements; 0 where not given.
            near: displacement that parts of the target without any held vertex keep to on the whole; the
                source's own, scaled, where not given (only possible where the meshes share their vertices).

        Returns:
            displacements of the target, those held exactly as given.
        """
        result = np.zeros((len(held), 3)) if values is None else np.where(held[:, None], values, 0.0)
        free = np.flatnonzero(~held)
        if len(free) == 0:
            return result
        moved = displacement.astype(np.float64) * self.scale
        if near is None:
            near = moved
        # only the triangles around free vertices matter
        touched = (~held)[self._triangles].any(axis=1)
        edges = np.zeros((len(self._triangles), 3, 3))
        chosen = np.flatnonzero(touched & self._followed)
        change = edge_vectors(moved, self._source_triangles[chosen])
        frame_change = self._frames(self._edges[chosen] + change, chosen) - self._frames(
            self._edges[chosen], chosen
        )
        edges[chosen] = change + np.einsum("tji,tei->tej", frame_change, self._coordinates[chosen])
        rows = self._laplacian[free]
        wanted = self._divergence[free] @ edges.reshape(-1, 3) + self._ground[free, None] * near[free]
        wanted -= rows @ result
        solver = splu(rows[:, free].tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        result[free] = solver.solve(wanted)
        return result

    def _frames(self, edges: ndarray, chosen: ndarray | slice = slice(None)) -> ndarray:
        return edge_frames(edges, self._heights[chosen])


def edge_frames(
    edges: Float[ndarray, "triangles 3 3"], heights: Float[ndarray, "triangles"]
) -> Float[ndarray, "triangles 3 3"]:
    """Two edges and the normal, of a given length, of each triangle, as columns."""
    normal = np.cross(edges[:, 0], edges[:, 1])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    return np.stack([edges[:, 0], edges[:, 1], normal * heights[:, None]], axis=2)


def edge_equations(
    points: Float[ndarray, "vertices 3"], triangles: Int[ndarray, "triangles 3"]
) -> tuple[csr_array, csr_array]:
    """Least squares for positions whose edges are wanted: ``laplacian @ x = divergence @ edges``.

    Returns:
        divergence: (vertices, 3 x triangles), weights the edges of :func:`edge_vectors` by their cotangents.
        laplacian: (vertices, vertices), singular by one shift for each connected part.
    """
    rows = np.arange(3 * len(triangles))
    start, end = triangles.ravel(), triangles[:, [1, 2, 0]].ravel()
    difference = csr_array(
        coo_array(
            (np.r_[np.ones(len(rows)), -np.ones(len(rows))], (np.r_[rows, rows], np.r_[end, start])),
            shape=(len(rows), len(points)),
        )
    )
    weights = _cotangents(edge_vectors(points, triangles)).ravel()
    divergence = csr_array(difference.T @ diags_array(weights))
    return divergence, csr_array(divergence @ difference)


def edge_vectors(points: ndarray, triangles: ndarray) -> ndarray:
    """(triangles, 3 edges, 3): from each corner to the next."""
    corners = points[triangles]
    return corners[:, [1, 2, 0]] - corners


def _double_area(edges: ndarray) -> ndarray:
    return np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)


def damped_inverse(frames: ndarray) -> ndarray:
    """Inverses of 3x3 frames, in which directions much shorter than the longest count for nothing."""
    u, s, vt = np.linalg.svd(frames)
    floor = _FLATTEST * np.maximum(s[:, :1], 1e-12)
    inverse = np.where(s > floor, 1 / np.maximum(s, floor), 0.0)
    return np.einsum("tji,tj,tkj->tik", vt, inverse, u)


def _cotangents(edges: ndarray) -> ndarray:
    """(triangles, 3): cotangent of the angle opposite each edge, kept within sensible bounds."""
    before, after = edges[:, [2, 0, 1]], edges[:, [1, 2, 0]]  # the two other edges of each
    dot = -(before * after).sum(axis=2)
    area = np.maximum(_double_area(edges), 1e-16)[:, None]
    return np.clip(dot / area, *_COTANGENT_RANGE)
