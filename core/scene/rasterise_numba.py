"""Z-buffer rasteriser on the CPU.

Vertices are projected and snapped to 1/65536 pixel. On that grid the edge functions of triangles up to
1,024 pixels wide are exact in double precision, so with the top-left rule a pixel centre on a shared edge
belongs to exactly one of its two triangles, and one on a vertex to exactly one triangle of the fan.
Rows are dealt to threads in bands; no two threads write the same pixel. Compiled functions take scalars, not
tuples of them, which Numba's parallel pass does not follow through inlined calls.
"""

from __future__ import annotations

import math
import threading
from typing import no_type_check

import numba
import numpy as np
from numba import njit, prange

SUBPIXELS = 65536.0
# A head covers the middle rows most, so there are more bands than threads to even out the work.
BANDS_PER_THREAD = 4
# Numba's fallback thread pool must not be entered by two threads at once; one call uses all cores anyway.
_ONE_AT_A_TIME = threading.Lock()


# no_type_check keeps run-time type checkers (used in the tests) from wrapping what Numba compiles.
@njit(cache=True)
@no_type_check
def _clip_near(corners, near, polygon):
    """Clip one triangle at z = near. Fills ``polygon`` rows (x, y, z, b0, b1, b2); returns their count.

    Cut points are computed from the corner in front towards the one behind, so that two triangles
    sharing an edge get the same point.
    """
    count = 0
    for i in range(3):
        j = (i + 1) % 3
        if corners[i, 2] >= near:
            polygon[count] = 0.0
            polygon[count, :3] = corners[i]
            polygon[count, 3 + i] = 1.0
            count += 1
        if (corners[i, 2] >= near) != (corners[j, 2] >= near):
            front, back = (i, j) if corners[i, 2] >= near else (j, i)
            along = (corners[front, 2] - near) / (corners[front, 2] - corners[back, 2])
            polygon[count] = 0.0
            for k in range(2):
                polygon[count, k] = corners[front, k] + along * (corners[back, k] - corners[front, k])
            polygon[count, 2] = near
            polygon[count, 3 + front] = 1.0 - along
            polygon[count, 3 + back] = along
            count += 1
    return count


@njit(cache=True, inline="always")
@no_type_check
def _snap(value):
    return math.floor(value * SUBPIXELS + 0.5) / SUBPIXELS


@njit(cache=True, inline="always")
@no_type_check
def _fill(x0, y0, z0, x1, y1, z1, x2, y2, z2, weights, clipped, index, cull,
          row_start, row_stop, triangle, barycentrics, nearness):  # fmt: skip
    """Draw one triangle of snapped pixel positions into rows [row_start, row_stop).

    ``weights`` holds the corners' barycentrics in the original triangle, used where ``clipped``.
    """
    area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
    # With y down, a triangle that is counter-clockwise seen from outside has negative area in front.
    if area == 0.0 or (cull and area > 0.0):
        return
    sign = 1.0 if area > 0.0 else -1.0
    width = triangle.shape[1]
    top = max(row_start, math.ceil(min(y0, y1, y2) - 0.5))
    bottom = min(row_stop - 1, math.floor(max(y0, y1, y2) - 0.5))
    left = max(0, math.ceil(min(x0, x1, x2) - 0.5))
    right = min(width - 1, math.floor(max(x0, x1, x2) - 0.5))
    if top > bottom or left > right:
        return
    # Edge k runs opposite corner k; oriented so that the inside is positive.
    dx0, dy0 = sign * (x2 - x1), sign * (y2 - y1)
    dx1, dy1 = sign * (x0 - x2), sign * (y0 - y2)
    dx2, dy2 = sign * (x1 - x0), sign * (y1 - y0)
    # On an edge, a pixel belongs to the triangle that a step right (or else down) would enter.
    own0 = dy0 < 0.0 or (dy0 == 0.0 and dx0 > 0.0)
    own1 = dy1 < 0.0 or (dy1 == 0.0 and dx1 > 0.0)
    own2 = dy2 < 0.0 or (dy2 == 0.0 and dx2 > 0.0)
    scale0, scale1, scale2 = sign / area / z0, sign / area / z1, sign / area / z2
    for row in range(top, bottom + 1):
        y = row + 0.5
        row0, row1, row2 = dx0 * (y - y1), dx1 * (y - y2), dx2 * (y - y0)
        for column in range(left, right + 1):
            x = column + 0.5
            e0 = row0 - dy0 * (x - x1)
            e1 = row1 - dy1 * (x - x2)
            e2 = row2 - dy2 * (x - x0)
            if e0 < 0.0 or e1 < 0.0 or e2 < 0.0:
                continue
            if (e0 == 0.0 and not own0) or (e1 == 0.0 and not own1) or (e2 == 0.0 and not own2):
                continue
            b0, b1, b2 = e0 * scale0, e1 * scale1, e2 * scale2
            inverse_depth = b0 + b1 + b2
            if inverse_depth <= nearness[row, column]:
                continue
            nearness[row, column] = inverse_depth
            triangle[row, column] = index
            b0, b1, b2 = b0 / inverse_depth, b1 / inverse_depth, b2 / inverse_depth
            if clipped:
                for k in range(3):
                    barycentrics[row, column, k] = (
                        b0 * weights[0, k] + b1 * weights[1, k] + b2 * weights[2, k]
                    )
            else:
                barycentrics[row, column, 0] = b0
                barycentrics[row, column, 1] = b1
                barycentrics[row, column, 2] = b2


@njit(cache=True, parallel=True, error_model="numpy")
@no_type_check
def _rasterise(vertices, triangles, fx, fy, cx, cy, height, width, near, cull, bands):
    count = len(vertices)
    pixels = np.empty((count, 2))
    for v in prange(count):
        if vertices[v, 2] >= near:
            pixels[v, 0] = _snap(fx * vertices[v, 0] / vertices[v, 2] + cx)
            pixels[v, 1] = _snap(fy * vertices[v, 1] / vertices[v, 2] + cy)
        else:
            pixels[v, 0] = np.nan
            pixels[v, 1] = np.nan
    triangle = np.full((height, width), -1, np.int32)
    barycentrics = np.zeros((height, width, 3), np.float32)
    nearness = np.zeros((height, width))
    for band in prange(bands):
        row_start, row_stop = band * height // bands, (band + 1) * height // bands
        corners = np.empty((3, 3))
        polygon = np.empty((4, 6))
        weights = np.empty((3, 3))
        for t in range(len(triangles)):
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            ya, yb, yc = pixels[a, 1], pixels[b, 1], pixels[c, 1]
            if not math.isnan(ya + yb + yc):
                if max(ya, yb, yc) >= row_start and min(ya, yb, yc) <= row_stop:
                    _fill(
                        pixels[a, 0], ya, vertices[a, 2], pixels[b, 0], yb, vertices[b, 2],
                        pixels[c, 0], yc, vertices[c, 2], weights, False, t, cull,
                        row_start, row_stop, triangle, barycentrics, nearness,
                    )  # fmt: skip
                continue
            if not (vertices[a, 2] >= near or vertices[b, 2] >= near or vertices[c, 2] >= near):
                continue
            corners[0], corners[1], corners[2] = vertices[a], vertices[b], vertices[c]
            if not np.all(np.isfinite(corners)):
                continue
            cut = _clip_near(corners, near, polygon)
            for p in range(cut):
                polygon[p, 0] = _snap(fx * polygon[p, 0] / polygon[p, 2] + cx)
                polygon[p, 1] = _snap(fy * polygon[p, 1] / polygon[p, 2] + cy)
            for p in range(1, cut - 1):
                weights[0], weights[1], weights[2] = polygon[0, 3:], polygon[p, 3:], polygon[p + 1, 3:]
                _fill(
                    polygon[0, 0], polygon[0, 1], polygon[0, 2], polygon[p, 0], polygon[p, 1],
                    polygon[p, 2], polygon[p + 1, 0], polygon[p + 1, 1], polygon[p + 1, 2],
                    weights, True, t, cull, row_start, row_stop, triangle, barycentrics, nearness,
                )  # fmt: skip
    depth = np.empty((height, width), np.float32)
    for row in prange(height):
        for column in range(width):
            # Background has nearness 0, hence infinite depth.
            depth[row, column] = 1.0 / nearness[row, column]
    return triangle, barycentrics, depth


def rasterise_arrays(
    vertices: np.ndarray,
    triangles: np.ndarray,
    intrinsics: tuple[float, float, float, float],
    height: int,
    width: int,
    near: float,
    cull_back_faces: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest triangle, perspective-correct barycentrics and depth at every pixel centre.

    Args:
        vertices: (V, 3) in camera axes.
        triangles: (T, 3) vertex indices; of triangles at the same depth the first is kept.
        intrinsics: fx, fy, cx, cy in pixels.

    Returns:
        triangle (H, W) int32, -1 for background; barycentrics (H, W, 3) float32; depth (H, W) float32,
        infinite for background.
    """
    fx, fy, cx, cy = intrinsics
    bands = min(height, BANDS_PER_THREAD * numba.get_num_threads())
    with _ONE_AT_A_TIME:
        return _rasterise(
            np.ascontiguousarray(vertices, np.float64),
            np.ascontiguousarray(triangles, np.int32),
            fx, fy, cx, cy, height, width, near, cull_back_faces, bands,
        )  # fmt: skip
