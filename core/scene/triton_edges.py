"""What the Triton rasteriser's kernels share: a mesh's corners, exact edge functions, depth keys.

A mesh is: vertices (B, V, 3), their snapped pixel positions (B, V, 2), cameras (B, 4), faces (T, 3) or
(B, T, 3), the number of triangles from one picture's faces to the next's (0 where all share them), V and T.
Pixel positions are integers in units of 1/65536 pixel.
"""

from __future__ import annotations

from typing import no_type_check

import triton
import triton.language as tl

SUBPIXELS = tl.constexpr(65536)
HALF = tl.constexpr(32768)
# Positions within ±2³⁰ units keep differences in 32 bits and edge functions in 64.
REACH = tl.constexpr(1 << 30)
UNPROJECTED = tl.constexpr(-(1 << 31))
NOTHING = tl.constexpr((1 << 63) - 1)


@triton.jit
@no_type_check
def load_corners(faces, stride, vertex_count, image, index, real):
    """Indices of triangles' corners in their picture's vertices, and whether they are three vertices."""
    face = faces + 3 * (image * stride + index)
    a = tl.load(face, mask=real, other=0)
    b = tl.load(face + 1, mask=real, other=0)
    c = tl.load(face + 2, mask=real, other=0)
    real &= (a != b) & (b != c) & (c != a)
    real &= (a >= 0) & (b >= 0) & (c >= 0) & (a < vertex_count) & (b < vertex_count) & (c < vertex_count)
    return a, b, c, real


@triton.jit
@no_type_check
def load_pixel(pixels, vertex, real):
    x = tl.load(pixels + 2 * vertex, mask=real, other=0)
    y = tl.load(pixels + 2 * vertex + 1, mask=real, other=0)
    return x, y


@triton.jit
@no_type_check
def load_depth(vertices, vertex, real):
    return tl.load(vertices + 3 * vertex + 2, mask=real, other=1.0).to(tl.float32)


@triton.jit
@no_type_check
def load_point(vertices, vertex, real):
    x = tl.load(vertices + 3 * vertex, mask=real, other=0.0).to(tl.float64)
    y = tl.load(vertices + 3 * vertex + 1, mask=real, other=0.0).to(tl.float64)
    z = tl.load(vertices + 3 * vertex + 2, mask=real, other=1.0).to(tl.float64)
    return x, y, z


@triton.jit
@no_type_check
def edge(px, py, qx, qy, x, y):
    """Twice the area of the triangle p, q, (x, y): exact."""
    across = (qx - px).to(tl.int64) * (y - py).to(tl.int64)
    return across - (qy - py).to(tl.int64) * (x - px).to(tl.int64)


@triton.jit
@no_type_check
def least_inside(sign, px, py, qx, qy):
    """Least oriented edge function inside: 0 where the triangle owns the edge, else 1.

    On an edge, a pixel belongs to the triangle that a step right (or else down) would enter.
    """
    dx, dy = sign * (qx - px), sign * (qy - py)
    return tl.where((dy < 0) | ((dy == 0) & (dx > 0)), 0, 1)


@triton.jit
@no_type_check
def pixel_bounds(p, q, r, size):
    """First and last pixel whose centre lies between the least and the greatest of three positions."""
    low = tl.minimum(tl.minimum(p, q), r)
    high = tl.maximum(tl.maximum(p, q), r)
    return tl.maximum((low + HALF - 1) >> 16, 0), tl.minimum((high - HALF) >> 16, size - 1)


@triton.jit
@no_type_check
def pack_key(depth, index):
    """Keys order by depth, then by index: positive floats order as their bits do."""
    return (depth.to(tl.int32, bitcast=True).to(tl.int64) << 32) | index.to(tl.int64)


@triton.jit
@no_type_check
def edge_plane(px, py, pz, qx, qy, qz, camera):
    """Edge function of the plane through the camera and two points: its steps right and down, its start."""
    fx, fy = tl.load(camera), tl.load(camera + 1)
    cx, cy = tl.load(camera + 2), tl.load(camera + 3)
    across = (py * qz - pz * qy) / fx
    down = (pz * qx - px * qz) / fy
    return across, down, px * qy - py * qx - cx * across - cy * down
