"""Which lip and which lid a vertex belongs to: surfaces that touch but must move apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from core.geometry.closest import ClosestPoints, closest_points

# MediaPipe's numbers: points above and below each opening that lie on the same side of it in any face, and
# the two corners, whose distance is the unit of reach.
_OPENINGS: Final = (
    ((40, 39, 37, 0, 267, 269, 270), (91, 181, 84, 17, 314, 405, 321), (61, 291), 0.7),
    ((30, 29, 27, 28), (24, 23, 22, 26), (33, 133), 0.8),
    ((260, 259, 257, 258), (254, 253, 252, 256), (263, 362), 0.8),
)
_UNDECIDED: Final = 0.03  # of the opening's width: as near to both sides, as at its corners


@dataclass(frozen=True)
class Sides:
    """For each vertex 0, or ±(1 + number of the opening): above or below it."""

    label: Int[ndarray, "vertices"]

    def of_triangles(self, triangles: Int[ndarray, "triangles 3"]) -> Int[ndarray, "triangles"]:
        """The side all corners are on, 0 where they differ."""
        label = self.label[triangles]
        return np.where((label == label[:, :1]).all(axis=1), label[:, 0], 0)


def find_sides(
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    landmarks: Float[ndarray, "478 3"],
    known: Bool[ndarray, "478"] | None = None,
) -> Sides:
    """Tell the sides apart by the way along the surface, which leads round the opening's corners.

    Args:
        landmarks: on the surface.
        known: which of them can be used; an opening without any on one side is left undecided.
    """
    known = np.ones(len(landmarks), bool) if known is None else known
    used = np.unique(triangles)
    a, b = triangles.ravel(), triangles[:, [1, 2, 0]].ravel()
    length = np.linalg.norm(vertices[a] - vertices[b], axis=1)
    graph = csr_array((np.maximum(length, 1e-12), (a, b)), shape=(len(vertices),) * 2)
    tree = cKDTree(vertices[used])
    label = np.zeros(len(vertices), np.int64)
    for number, (above, below, corners, reach) in enumerate(_OPENINGS, start=1):
        groups = [[i for i in side if known[i]] for side in (above, below)]
        if not all(groups) or not all(known[i] for i in corners):
            continue
        width = float(np.linalg.norm(landmarks[corners[0]] - landmarks[corners[1]]))
        far = [
            dijkstra(graph, False, used[tree.query(landmarks[group])[1]], limit=reach * width, min_only=True)
            for group in groups
        ]
        near = np.isfinite(far[0]) | np.isfinite(far[1])
        difference = np.where(
            near, np.nan_to_num(far[1], posinf=1e9) - np.nan_to_num(far[0], posinf=1e9), 0.0
        )
        decided = (np.abs(difference) > _UNDECIDED * width) & (label == 0)
        label[decided] = (np.sign(difference[decided]) * number).astype(np.int64)
    return Sides(label)


def closest_on_side(
    points: Float[ndarray, "points 3"],
    labels: Int[ndarray, "points"],
    normals: Float[ndarray, "points 3"],
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    sides: Int[ndarray, "triangles"],
    candidates: int = 24,
) -> ClosestPoints:
    """Closest points on the surface that faces the same way, never on the other lip or lid.

    Args:
        labels: side of each point.
        sides: side of each triangle.
    """
    distance, triangle = np.zeros(len(points)), np.zeros(len(points), np.int64)
    barycentrics, position = np.zeros((len(points), 3)), np.zeros((len(points), 3))
    for label in np.unique(labels):
        mine = labels == label
        allowed = np.flatnonzero(sides != -label) if label else np.arange(len(triangles))
        found = closest_points(points[mine], vertices, triangles[allowed], candidates, normals[mine])
        distance[mine], triangle[mine] = found.distance, allowed[found.triangle]
        barycentrics[mine], position[mine] = found.barycentrics, found.position
    return ClosestPoints(distance, triangle, barycentrics, position)
