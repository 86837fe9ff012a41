"""The nearest point of a mesh, exactly.

Where only the triangles with the nearest centres are looked at, slivers such as those of lashes and lids take
the places of the larger triangles that are nearer.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from numpy import ndarray
from scipy.spatial import cKDTree


def nearest_points(
    points: Float[ndarray, "points 3"],
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    near: Int[ndarray, "points"] | None = None,
) -> tuple[Float[ndarray, "points"], Float[ndarray, "points 3"], Int[ndarray, "points"]]:
    """Distance, place and triangle of the nearest point of a surface.

    Args:
        near: a triangle near each point, such as the one of a similar call, to start from.
    """
    corners = np.ascontiguousarray(vertices[triangles], np.float64)
    if near is None:
        _, near = cKDTree(corners.mean(axis=1)).query(points)
    low, high = corners.min(axis=1), corners.max(axis=1)
    order = np.argsort(low[:, 0], kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    queries = np.ascontiguousarray(points, np.float64)
    squared, place, found = _search(queries, corners[order], low[order], high[order], back[near])
    return np.sqrt(squared), place, order[found]


@njit(cache=True)
@no_type_check
def _search(points, corners, low, high, near):
    """Triangles are sorted by the lower x of their boxes: those that begin too far aside end the search."""
    longest = (high[:, 0] - low[:, 0]).max()
    starts = low[:, 0].copy()
    count = len(points)
    squared, place, found = np.empty(count), np.empty((count, 3)), near.copy()
    at = np.empty(3)
    for p in range(count):
        point = points[p]
        best = _closest(point, corners[near[p]], at)
        place[p] = at
        reach = np.sqrt(best)
        for t in range(np.searchsorted(starts, point[0] - reach - longest), len(starts)):
            if starts[t] > point[0] + reach:
                break
            apart = 0.0
            for k in range(3):
                aside = max(low[t, k] - point[k], point[k] - high[t, k], 0.0)
                apart += aside * aside
            if apart >= best:
                continue
            distance = _closest(point, corners[t], at)
            if distance < best:
                best, reach = distance, np.sqrt(distance)
                place[p], found[p] = at, t
        squared[p] = best
    return squared, place, found


@njit(cache=True)
@no_type_check
def _closest(p, corners, at):
    """Squared distance of a point to a triangle; fills in the nearest place (Ericson 2005, section 5.1.5)."""
    a, b, c = corners[0], corners[1], corners[2]
    d1 = d2 = d3 = d4 = d5 = d6 = 0.0
    for k in range(3):
        ab, ac = b[k] - a[k], c[k] - a[k]
        d1, d2 = d1 + ab * (p[k] - a[k]), d2 + ac * (p[k] - a[k])
        d3, d4 = d3 + ab * (p[k] - b[k]), d4 + ac * (p[k] - b[k])
        d5, d6 = d5 + ab * (p[k] - c[k]), d6 + ac * (p[k] - c[k])
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    v = w = 0.0
    if d1 <= 0 and d2 <= 0:
        pass  # the corner a
    elif d3 >= 0 and d4 <= d3:
        v = 1.0
    elif d6 >= 0 and d5 <= d6:
        w = 1.0
    elif vc <= 0 and d1 >= 0 and d3 <= 0:
        v = d1 / (d1 - d3)
    elif vb <= 0 and d2 >= 0 and d6 <= 0:
        w = d2 / (d2 - d6)
    elif va <= 0 and d4 >= d3 and d5 >= d6:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        v = 1 - w
    else:
        v, w = vb / (va + vb + vc), vc / (va + vb + vc)
    distance = 0.0
    for k in range(3):
        at[k] = a[k] + v * (b[k] - a[k]) + w * (c[k] - a[k])
        distance += (p[k] - at[k]) ** 2
    return distance
