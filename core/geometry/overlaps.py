"""How far one sheet of triangles lies over another, wherever the two lie over each other.

Seen along an axis, or from a point, two sheets lie over each other in a polygon for each pair of triangles,
and the height of one over the other is least or largest at a corner of that polygon: at a vertex of one
triangle in the other, or where two edges cross. With heights there above 0, no two triangles cross.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

_PARALLEL = 1e-12  # of the square of lengths: edges that hardly cross


@dataclass(frozen=True)
class Overlaps:
    """Corners of the polygons in which an upper sheet lies over a lower one.

    Attributes:
        vertices: those a corner depends on, of both sheets.
        weights: of them, positive in the upper sheet and negative in the lower one: each side sums to 1.
        up: unit directions from the lower sheet to the upper one.
        height: metres of the upper sheet over the lower one, negative where it lies beneath.
    """

    vertices: Int[ndarray, "corners 4"]
    weights: Float[ndarray, "corners 4"]
    up: Float[ndarray, "corners 3"]
    height: Float[ndarray, "corners"]

    def raised(self, moves: Float[ndarray, "vertices 3"]) -> Float[ndarray, "corners"]:
        """Heights after displacements of the vertices: h + n · Σ w δ."""
        moved = np.einsum("ck,ckd->cd", self.weights, moves[self.vertices])
        return self.height + (moved * self.up).sum(axis=1)

    def where(self, chosen: ndarray) -> Overlaps:
        """Those of a mask or of numbers."""
        return Overlaps(self.vertices[chosen], self.weights[chosen], self.up[chosen], self.height[chosen])


def overlaps_along(
    points: Float[ndarray, "vertices 3"],
    upper: Int[ndarray, "upper 3"],
    lower: Int[ndarray, "lower 3"],
    axis: int,
) -> Overlaps:
    """Of sheets that lie over each other along an axis of space."""
    across = [k for k in range(3) if k != axis]
    flat = points[:, across].astype(np.float64)
    vertices, weights = _corners(flat, upper, lower)
    return _along(points, vertices, weights, axis)


def _along(points: ndarray, vertices: ndarray, weights: ndarray, axis: int) -> Overlaps:
    up = np.zeros((len(vertices), 3))
    up[:, axis] = 1
    return Overlaps(vertices, weights, up, (weights * points[vertices, axis]).sum(axis=1))


def overlaps_from(
    points: Float[ndarray, "vertices 3"],
    upper: Int[ndarray, "upper 3"],
    lower: Int[ndarray, "lower 3"],
    centre: Float[ndarray, "3"],
) -> Overlaps:
    """Of sheets that lie over each other as seen from a point behind both, up being away from it.

    Only what lies before the point, along +Z, is looked at.
    """
    away = points.astype(np.float64) - centre
    deep = away[:, 2]
    upper, lower = (sheet[(deep[sheet] > 0).all(axis=1)] for sheet in (upper, lower))
    # lines stay lines in the picture (x / z, y / z), while places along them move: w ∝ picture's w / z
    vertices, weights = _corners(away[:, :2] / np.where(deep > 0, deep, 1)[:, None], upper, lower)
    weights = weights / deep[vertices]
    above = weights > 0
    over = np.where(above, weights, 0)
    under = np.where(above, 0, weights)
    over, under = (side / np.abs(side.sum(axis=1, keepdims=True)) for side in (over, under))
    outer = np.einsum("ck,ckd->cd", over, away[vertices])
    inner = np.einsum("ck,ckd->cd", -under, away[vertices])
    distance = np.linalg.norm(outer, axis=1)
    height = distance - np.linalg.norm(inner, axis=1)
    return Overlaps(vertices, over + under, outer / distance[:, None], height)


def _corners(flat: Float[ndarray, "vertices 2"], upper: ndarray, lower: ndarray) -> tuple[ndarray, ndarray]:
    """Vertices and weights of all corners, in the plane."""
    over, under = _vertices_in(flat, upper, lower), _vertices_in(flat, lower, upper)
    crossing = _crossings(flat, upper, lower)
    return np.concatenate([over[0], under[0], crossing[0]]), np.concatenate([over[1], -under[1], crossing[1]])


def _vertices_in(flat: ndarray, sheet: ndarray, other: ndarray) -> tuple[ndarray, ndarray]:
    """Vertices of a sheet in triangles of the other that they are not of."""
    own = np.unique(sheet)
    p, corners = flat[own][:, None], flat[other]
    i, t = np.nonzero(((p >= corners.min(axis=1)) & (p <= corners.max(axis=1))).all(axis=2))
    vertices = np.concatenate([own[i][:, None], other[t]], axis=1)
    vertices = vertices[(vertices[:, :1] != vertices[:, 1:]).all(axis=1)]
    weights = _of_vertex(flat[vertices])
    within = (weights[:, 1:] <= 0).all(axis=1)
    return vertices[within], weights[within]


def _crossings(flat: ndarray, sheet: ndarray, other: ndarray) -> tuple[ndarray, ndarray]:
    """Edges of the sheets that cross."""
    first, second = _edges(sheet), _edges(other)
    a, b = flat[first], flat[second]
    apart = (a.max(axis=1)[:, None] < b.min(axis=1)) | (a.min(axis=1)[:, None] > b.max(axis=1))
    i, j = np.nonzero(~apart.any(axis=2))
    vertices = np.concatenate([first[i], second[j]], axis=1)
    vertices = vertices[(vertices[:, :2, None] != vertices[:, None, 2:]).all(axis=(1, 2))]
    weights = _of_crossing(flat[vertices])
    within = (weights[:, :2] > 0).all(axis=1) & (weights[:, 2:] < 0).all(axis=1)
    return vertices[within], weights[within]


def _of_vertex(flat: Float[ndarray, "corners 4 2"]) -> Float[ndarray, "corners 4"]:
    """1 for a point, and minus its barycentrics in a triangle; NaN where the triangle is a line."""
    p, a, b, c = np.moveaxis(flat, 1, 0)
    area = _solid(_cross(b - a, c - a), ((b - a) ** 2).sum(axis=1))
    u, v = _cross(p - a, c - a) / area, _cross(b - a, p - a) / area
    return np.stack([np.ones_like(u), u + v - 1, -u, -v], axis=1)


def _of_crossing(flat: Float[ndarray, "corners 4 2"]) -> Float[ndarray, "corners 4"]:
    """Of the ends of two edges, where their lines cross; NaN where they are parallel."""
    p, p_end, q, q_end = np.moveaxis(flat, 1, 0)
    r, s = p_end - p, q_end - q
    area = _solid(_cross(r, s), (r**2).sum(axis=1) + (s**2).sum(axis=1))
    t, u = _cross(q - p, s) / area, _cross(q - p, r) / area
    return np.stack([1 - t, t, u - 1, -u], axis=1)


def _solid(area: ndarray, size: ndarray) -> ndarray:
    return np.where(np.abs(area) > _PARALLEL * size, area, np.nan)


def _edges(triangles: ndarray) -> Int[ndarray, "edges 2"]:
    return np.unique(np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)


def _cross(a: ndarray, b: ndarray) -> ndarray:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
