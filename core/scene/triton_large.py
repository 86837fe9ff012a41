"""The Triton rasteriser's kernel for large triangles and for those that cannot be projected."""

from __future__ import annotations

from typing import no_type_check

import triton
import triton.language as tl

from core.scene.triton_edges import (
    HALF,
    SUBPIXELS,
    UNPROJECTED,
    edge,
    edge_plane,
    least_inside,
    load_corners,
    load_depth,
    load_pixel,
    load_point,
    pack_key,
    pixel_bounds,
)


@triton.jit
@no_type_check
def _reach(p, pz, q, qz, near, focal, centre):
    """Least and greatest pixel position of the part of an edge in front of the near plane."""
    front_p, front_q = pz >= near, qz >= near
    apart = tl.where(front_p != front_q, pz - qz, 1.0)
    cut = (p + (pz - near) / apart * (q - p)) / near
    one = focal * tl.where(front_p, p / tl.where(front_p, pz, 1.0), cut) + centre
    other = focal * tl.where(front_q, q / tl.where(front_q, qz, 1.0), cut) + centre
    seen = front_p | front_q
    low = tl.where(seen, tl.minimum(one, other), float("inf"))
    return low, tl.where(seen, tl.maximum(one, other), float("-inf"))


@triton.jit
@no_type_check
def _span(p, pz, q, qz, r, rz, near, focal, centre, size):
    """First and last pixel that a triangle can cover in front of the near plane; none if last < first."""
    low_a, high_a = _reach(p, pz, q, qz, near, focal, centre)
    low_b, high_b = _reach(q, qz, r, rz, near, focal, centre)
    low_c, high_c = _reach(r, rz, p, pz, near, focal, centre)
    low = tl.minimum(tl.minimum(low_a, low_b), low_c)
    high = tl.maximum(tl.maximum(high_a, high_b), high_c)
    low = tl.minimum(tl.maximum(tl.floor(low) - 1, 0.0), size + 0.0)
    high = tl.maximum(tl.minimum(tl.floor(high) + 1, size - 1.0), -1.0)
    return low.to(tl.int32), high.to(tl.int32)


@triton.jit
@no_type_check
def _draw_projected(
    start, height, width, index, ax, ay, depth_a, bx, by, depth_b, cx, cy, depth_c, BLOCK: tl.constexpr
):  # fmt: skip
    """Draw one triangle whose corners are projected, all lanes at once."""
    area = edge(ax, ay, bx, by, cx, cy)
    sign = tl.where(area > 0, 1, -1)
    size = tl.abs(area).to(tl.float32)
    scale_a = 1.0 / (size * depth_a)
    scale_b = 1.0 / (size * depth_b)
    scale_c = 1.0 / (size * depth_c)
    least_a = least_inside(sign, bx, by, cx, cy)
    least_b = least_inside(sign, cx, cy, ax, ay)
    least_c = least_inside(sign, ax, ay, bx, by)
    left, right = pixel_bounds(ax, bx, cx, width)
    top, bottom = pixel_bounds(ay, by, cy, height)
    span = right - left + 1
    count = span * (bottom - top + 1)
    for begin in range(0, count, BLOCK):
        within = begin + tl.arange(0, BLOCK)
        row, column = top + within // span, left + within % span
        x, y = column * SUBPIXELS + HALF, row * SUBPIXELS + HALF
        edge_a = sign * edge(bx, by, cx, cy, x, y)
        edge_b = sign * edge(cx, cy, ax, ay, x, y)
        edge_c = sign * edge(ax, ay, bx, by, x, y)
        inside = (within < count) & (edge_a >= least_a) & (edge_b >= least_b) & (edge_c >= least_c)
        nearness = edge_a.to(tl.float32) * scale_a
        nearness += edge_b.to(tl.float32) * scale_b
        nearness += edge_c.to(tl.float32) * scale_c
        depth = 1.0 / tl.where(inside, nearness, 1.0)
        tl.atomic_min(start + row * width + column, pack_key(depth, index), mask=inside, sem="relaxed")


@triton.jit
@no_type_check
def _least(across, down):
    """Least edge function inside: 0 where the triangle owns the edge, else all but 0."""
    return tl.where((across > 0) | ((across == 0) & (down > 0)), 0.0, 1e-300)


@triton.jit
@no_type_check
def _draw_unprojected(
    start, height, width, index, px, py, pz, qx, qy, qz, rx, ry, rz, camera, near,
    CULL: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Draw one triangle in camera axes, all lanes at once."""
    across_a, down_a, start_a = edge_plane(qx, qy, qz, rx, ry, rz, camera)
    across_b, down_b, start_b = edge_plane(rx, ry, rz, px, py, pz, camera)
    across_c, down_c, start_c = edge_plane(px, py, pz, qx, qy, qz, camera)
    # Six times the tetrahedron's volume; its sign is that of the projected area. Not a number, or
    # infinite, where a corner is.
    volume = px * (qy * rz - qz * ry) + py * (qz * rx - qx * rz) + pz * (qx * ry - qy * rx)
    left, right = _span(px, pz, qx, qz, rx, rz, near, tl.load(camera), tl.load(camera + 2), width)
    top, bottom = _span(py, pz, qy, qz, ry, rz, near, tl.load(camera + 1), tl.load(camera + 3), height)
    span = right - left + 1
    count = tl.where((left <= right) & (top <= bottom), span * (bottom - top + 1), 0)
    usable = (volume < 0) if CULL else (volume != 0)
    count = tl.where(usable & (tl.abs(volume) < float("inf")), count, 0)
    least_a = _least(across_a * volume, down_a * volume)
    least_b = _least(across_b * volume, down_b * volume)
    least_c = _least(across_c * volume, down_c * volume)
    for begin in range(0, count, BLOCK):
        within = begin + tl.arange(0, BLOCK)
        row, column = top + within // span, left + within % span
        x, y = column + 0.5, row + 0.5
        edge_a = (across_a * x + down_a * y + start_a) / volume
        edge_b = (across_b * x + down_b * y + start_b) / volume
        edge_c = (across_c * x + down_c * y + start_c) / volume
        inside = (within < count) & (edge_a >= least_a) & (edge_b >= least_b) & (edge_c >= least_c)
        nearness = edge_a + edge_b + edge_c
        depth = 1.0 / tl.where(inside & (nearness > 0), nearness, 1.0)
        inside &= (nearness > 0) & (depth >= near)
        key = pack_key(depth.to(tl.float32), index)
        tl.atomic_min(start + row * width + column, key, mask=inside, sem="relaxed")


@triton.jit(do_not_specialize=["stride", "vertex_count", "triangle_count", "height", "width", "near"])
@no_type_check
def draw_large(
    vertices, pixels, cameras, faces, stride, vertex_count, triangle_count, keys, height, width,
    queue, waiting, near, CULL: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Draw the triangles in the queue, each by one program."""
    for item in range(tl.program_id(0), tl.load(waiting), tl.num_programs(0)):
        number = tl.load(queue + item)
        image, index = number // triangle_count, number % triangle_count
        a, b, c, _ = load_corners(faces, stride, vertex_count, image, index, True)
        first = image * vertex_count
        ax, ay = load_pixel(pixels, first + a, True)
        bx, by = load_pixel(pixels, first + b, True)
        cx, cy = load_pixel(pixels, first + c, True)
        start = keys + image * height * width
        if (ax != UNPROJECTED) & (bx != UNPROJECTED) & (cx != UNPROJECTED):
            depth_a = load_depth(vertices, first + a, True)
            depth_b = load_depth(vertices, first + b, True)
            depth_c = load_depth(vertices, first + c, True)
            _draw_projected(
                start, height, width, index, ax, ay, depth_a, bx, by, depth_b, cx, cy, depth_c, BLOCK
            )
        else:
            px, py, pz = load_point(vertices, first + a, True)
            qx, qy, qz = load_point(vertices, first + b, True)
            rx, ry, rz = load_point(vertices, first + c, True)
            _draw_unprojected(
                start, height, width, index, px, py, pz, qx, qy, qz, rx, ry, rz,
                cameras + 4 * image, near, CULL, BLOCK,
            )  # fmt: skip
