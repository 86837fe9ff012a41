"""Which triangles of a mesh run through each other.

Two triangles cross where an edge of one passes through the inside of the other. What only touches (a common
point, a common plane, an edge that meets another's edge) does not count. Signs of determinants are believed
only beyond the rounding error of float64 (Shewchuk 1997, "Adaptive Precision Floating-Point Arithmetic and
Fast Robust Geometric Predicates", the first of his error bounds): a pair that is named does cross, and a pair
that crosses by less than rounding, about 1e-16 of the mesh's size, is taken to touch.
"""

from __future__ import annotations

from typing import Final, no_type_check

import numpy as np
from jaxtyping import Float, Int, Int64
from numba import njit
from numpy import ndarray

_EPSILON: Final = 2.0**-53
_ERROR: Final = (7 + 56 * _EPSILON) * _EPSILON  # of a 3 × 3 determinant of differences, over its permanent


def crossing_pairs(
    vertices: Float[ndarray, "vertices 3"],
    first: Int[ndarray, "first 3"],
    second: Int[ndarray, "second 3"] | None = None,
) -> Int64[ndarray, "pairs 2"]:
    """Pairs of triangles that cross, leaving out those that share a vertex.

    Args:
        first, second: vertex indices; without ``second``, the triangles of ``first`` among themselves.

    Returns:
        Index into ``first`` and index into ``second`` of each pair, sorted; within one set every pair once,
        the smaller index first.
    """
    within = second is None
    other = first if second is None else second
    if len(first) == 0 or len(other) == 0:
        return np.zeros((0, 2), np.int64)
    points = np.ascontiguousarray(vertices, np.float64)
    axis = int(np.ptp(points[np.concatenate([first, other])].reshape(-1, 3), axis=0).argmax())
    a, b = (np.ascontiguousarray(triangles, np.int64) for triangles in (first, other))
    order = np.argsort(points[b].min(axis=1)[:, axis], kind="stable")
    pairs = _sweep(points, a, b, order, axis, within)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


@njit(cache=True)
@no_type_check
def _sweep(points, first, second, order, axis, within):
    """Test each triangle of ``first`` with those of ``second`` whose boxes overlap its own.

    ``order`` sorts ``second`` by the lower ends of their boxes along ``axis``, so that those that begin after
    a box ends need not be looked at, nor those that begin before it by more than the longest is long.
    """
    low_a, high_a = _boxes(points, first)
    low_b, high_b = _boxes(points, second)
    starts = low_b[order, axis].copy()
    longest = (high_b[:, axis] - low_b[:, axis]).max()
    found, count = np.empty((64, 2), np.int64), 0
    for i in range(len(first)):
        begin = np.searchsorted(starts, low_a[i, axis] - longest)
        for place in range(begin, len(order)):
            if starts[place] > high_a[i, axis]:
                break
            j = order[place]
            if within and j <= i:
                continue
            apart = False
            for k in range(3):
                apart = apart or low_a[i, k] > high_b[j, k] or high_a[i, k] < low_b[j, k]
            if apart or _share(first[i], second[j]) or not _cross(points, first[i], second[j]):
                continue
            if count == len(found):
                grown = np.empty((2 * count, 2), np.int64)
                grown[:count] = found
                found = grown
            found[count, 0], found[count, 1] = i, j
            count += 1
    return found[:count]


@njit(cache=True)
@no_type_check
def _boxes(points, triangles):
    low, high = np.empty((len(triangles), 3)), np.empty((len(triangles), 3))
    for t in range(len(triangles)):
        for k in range(3):
            x, y, z = points[triangles[t, 0], k], points[triangles[t, 1], k], points[triangles[t, 2], k]
            low[t, k], high[t, k] = min(x, y, z), max(x, y, z)
    return low, high


@njit(cache=True)
@no_type_check
def _share(s, t):
    for i in range(3):
        for j in range(3):
            if s[i] == t[j]:
                return True
    return False


@njit(cache=True)
@no_type_check
def _cross(points, s, t):
    for k in range(3):
        if _pierces(points[s[k]], points[s[(k + 1) % 3]], points[t[0]], points[t[1]], points[t[2]]):
            return True
        if _pierces(points[t[k]], points[t[(k + 1) % 3]], points[s[0]], points[s[1]], points[s[2]]):
            return True
    return False


@njit(cache=True)
@no_type_check
def _pierces(p, q, a, b, c):
    """Whether the open segment pq passes through the inside of the triangle abc."""
    above = _side(a, b, c, p)
    if above == 0 or _side(a, b, c, q) != -above:
        return False
    # the segment passes all three edges on the same side
    turn = _side(p, q, a, b)
    return turn != 0 and _side(p, q, b, c) == turn and _side(p, q, c, a) == turn


@njit(cache=True)
@no_type_check
def _side(a, b, c, d):
    """Sign of det(a - d, b - d, c - d): on which side of the plane abc the point d lies; 0 where unsure."""
    ax, ay, az = a[0] - d[0], a[1] - d[1], a[2] - d[2]
    bx, by, bz = b[0] - d[0], b[1] - d[1], b[2] - d[2]
    cx, cy, cz = c[0] - d[0], c[1] - d[1], c[2] - d[2]
    bc, cb, ca, ac, ab, ba = bx * cy, cx * by, cx * ay, ax * cy, ax * by, bx * ay
    determinant = az * (bc - cb) + bz * (ca - ac) + cz * (ab - ba)
    permanent = (abs(bc) + abs(cb)) * abs(az) + (abs(ca) + abs(ac)) * abs(bz) + (abs(ab) + abs(ba)) * abs(cz)
    if abs(determinant) <= _ERROR * permanent:
        return 0
    return 1 if determinant > 0 else -1
