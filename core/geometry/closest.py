"""Closest points on a triangle mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class ClosestPoints:
    """For each query point: where the surface is nearest.

    Attributes:
        distance: metres.
        triangle: index of the triangle.
        barycentrics: position in it.
        position: the point itself.
    """

    distance: Float[ndarray, "points"]
    triangle: Int[ndarray, "points"]
    barycentrics: Float[ndarray, "points 3"]
    position: Float[ndarray, "points 3"]


def closest_points(
    points: Float[ndarray, "points 3"],
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    candidates: int = 16,
    normals: Float[ndarray, "points 3"] | None = None,
) -> ClosestPoints:
    """Closest points on the surface, exact among the ``candidates`` triangles with the nearest centroids.

    Enough for meshes of evenly sized triangles such as heads; long slivers need more candidates.

    Args:
        normals: of the query points; triangles that face the other way are taken only where no other is
            among the candidates.
    """
    corners = vertices[triangles].astype(np.float64)
    candidates = min(candidates, len(triangles))
    _, near = cKDTree(corners.mean(axis=1)).query(points, k=candidates)
    near = near.reshape(len(points), candidates)
    a, b, c = np.moveaxis(corners[near], 2, 0)
    barycentrics = _closest_barycentrics(points[:, None].astype(np.float64), a, b, c)
    position = np.einsum("pck,pckd->pcd", barycentrics, corners[near])
    distance = np.linalg.norm(position - points[:, None], axis=-1)
    preferred = distance
    if normals is not None:
        facing = np.einsum("pcd,pd->pc", np.cross(b - a, c - a), normals)
        preferred = np.where(facing > 0, distance, distance + distance.max() + 1.0)
    best = preferred.argmin(axis=1)
    rows = np.arange(len(points))
    return ClosestPoints(
        distance[rows, best], near[rows, best], barycentrics[rows, best], position[rows, best]
    )


def _closest_barycentrics(p: ndarray, a: ndarray, b: ndarray, c: ndarray) -> ndarray:
    """Inside: the foot of the perpendicular. Outside: the nearest of the three edges' closest points."""
    ab, ac, ap = b - a, c - a, p - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    determinant = np.maximum(d00 * d11 - d01 * d01, 1e-30)
    v, w = (d11 * d20 - d01 * d21) / determinant, (d00 * d21 - d01 * d20) / determinant
    inside = np.stack([1 - v - w, v, w], axis=-1)

    best, nearest = inside, np.where((inside >= 0).all(-1), 0.0, np.inf)
    for k, (start, end) in enumerate(((a, b), (b, c), (c, a))):
        edge = end - start
        t = ((p - start) * edge).sum(-1) / np.maximum((edge * edge).sum(-1), 1e-30)
        t = np.clip(t, 0, 1)
        distance = np.linalg.norm(p - start - t[..., None] * edge, axis=-1)
        on_edge = np.zeros_like(inside)
        on_edge[..., k], on_edge[..., (k + 1) % 3] = 1 - t, t
        closer = distance < nearest
        best = np.where(closer[..., None], on_edge, best)
        nearest = np.where(closer, distance, nearest)
    return best
