"""The Triton rasteriser's kernels before, for and after small triangles; meshes as in :mod:`triton_edges`."""

from __future__ import annotations

from typing import no_type_check

import triton
import triton.language as tl

from core.scene.triton_edges import (
    HALF,
    NOTHING,
    REACH,
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

# More pixels than this in its bounding box make a triangle a large one.
SMALL = tl.constexpr(256)


@triton.jit(do_not_specialize=["total", "vertex_count", "near"])
@no_type_check
def project(vertices, cameras, pixels, total, vertex_count, near, BLOCK: tl.constexpr):
    """Snapped pixel positions of vertices; UNPROJECTED for those behind the near plane or far outside."""
    number = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    real = number < total
    camera = cameras + 4 * (number // vertex_count)
    x = tl.load(vertices + 3 * number, mask=real, other=0.0).to(tl.float64)
    y = tl.load(vertices + 3 * number + 1, mask=real, other=0.0).to(tl.float64)
    z = tl.load(vertices + 3 * number + 2, mask=real, other=0.0).to(tl.float64)
    in_front = z >= near
    depth = tl.where(in_front, z, 1.0)
    column = tl.load(camera, mask=real, other=1.0) * x / depth + tl.load(camera + 2, mask=real, other=0.0)
    row = tl.load(camera + 1, mask=real, other=1.0) * y / depth + tl.load(camera + 3, mask=real, other=0.0)
    column = tl.floor(column * SUBPIXELS + 0.5)
    row = tl.floor(row * SUBPIXELS + 0.5)
    usable = in_front & (z < float("inf")) & (tl.abs(column) < REACH) & (tl.abs(row) < REACH)
    column = tl.where(usable, column, UNPROJECTED).to(tl.int32)
    row = tl.where(usable, row, UNPROJECTED).to(tl.int32)
    tl.store(pixels + 2 * number, column, mask=real)
    tl.store(pixels + 2 * number + 1, row, mask=real)


@triton.jit(do_not_specialize=["stride", "vertex_count", "triangle_count", "height", "width", "blocks"])
@no_type_check
def draw_small(
    vertices, pixels, cameras, faces, stride, vertex_count, triangle_count, keys, height, width,
    queue, waiting, blocks, CULL: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Draw triangles of few pixels, one a lane; put the others in the queue."""
    program = tl.program_id(0)
    image = (program // blocks).to(tl.int64)
    index = (program % blocks) * BLOCK + tl.arange(0, BLOCK)
    a, b, c, drawn = load_corners(faces, stride, vertex_count, image, index, index < triangle_count)
    first = image * vertex_count
    ax, ay = load_pixel(pixels, first + a, drawn)
    bx, by = load_pixel(pixels, first + b, drawn)
    cx, cy = load_pixel(pixels, first + c, drawn)
    projected = (ax != UNPROJECTED) & (bx != UNPROJECTED) & (cx != UNPROJECTED)
    ax, ay = tl.where(projected, ax, 0), tl.where(projected, ay, 0)
    bx, by = tl.where(projected, bx, 0), tl.where(projected, by, 0)
    cx, cy = tl.where(projected, cx, 0), tl.where(projected, cy, 0)
    area = edge(ax, ay, bx, by, cx, cy)
    left, right = pixel_bounds(ax, bx, cx, width)
    top, bottom = pixel_bounds(ay, by, cy, height)
    # With y down, a triangle that is counter-clockwise seen from outside has negative area in front.
    seen = (area < 0) if CULL else (area != 0)
    seen = drawn & projected & seen & (left <= right) & (top <= bottom)
    span = right - left + 1
    count = tl.where(seen, span * (bottom - top + 1), 0)
    large = (drawn & ~projected) | (count > SMALL)
    queued = tl.sum(large.to(tl.int32), 0)
    if queued > 0:
        place = tl.atomic_add(waiting, queued) + tl.cumsum(large.to(tl.int32), 0) - 1
        tl.store(queue + place, image * triangle_count + index, mask=large)
    count = tl.where(large, 0, count)
    steps = tl.max(count, 0)
    if steps > 0:
        sign = tl.where(area > 0, 1, -1)
        size = tl.maximum(tl.abs(area), 1).to(tl.float32)
        scale_a = 1.0 / (size * load_depth(vertices, first + a, drawn))
        scale_b = 1.0 / (size * load_depth(vertices, first + b, drawn))
        scale_c = 1.0 / (size * load_depth(vertices, first + c, drawn))
        x, y = left * SUBPIXELS + HALF, top * SUBPIXELS + HALF
        # Edge functions of the edges opposite each corner, oriented so that the inside is positive.
        edge_a = sign * edge(bx, by, cx, cy, x, y)
        edge_b = sign * edge(cx, cy, ax, ay, x, y)
        edge_c = sign * edge(ax, ay, bx, by, x, y)
        least_a = least_inside(sign, bx, by, cx, cy)
        least_b = least_inside(sign, cx, cy, ax, ay)
        least_c = least_inside(sign, ax, ay, bx, by)
        # What a step right adds, and what a step to the start of the next row does.
        right_a = (sign * (by - cy)).to(tl.int64) * SUBPIXELS
        right_b = (sign * (cy - ay)).to(tl.int64) * SUBPIXELS
        right_c = (sign * (ay - by)).to(tl.int64) * SUBPIXELS
        back = (span - 1).to(tl.int64)
        turn_a = (sign * (cx - bx)).to(tl.int64) * SUBPIXELS - right_a * back
        turn_b = (sign * (ax - cx)).to(tl.int64) * SUBPIXELS - right_b * back
        turn_c = (sign * (bx - ax)).to(tl.int64) * SUBPIXELS - right_c * back
        column = left
        place = (image * height + top) * width + left
        for step in range(steps):
            inside = (step < count) & (edge_a >= least_a) & (edge_b >= least_b) & (edge_c >= least_c)
            nearness = edge_a.to(tl.float32) * scale_a
            nearness += edge_b.to(tl.float32) * scale_b
            nearness += edge_c.to(tl.float32) * scale_c
            depth = 1.0 / tl.where(inside, nearness, 1.0)
            tl.atomic_min(keys + place, pack_key(depth, index), mask=inside, sem="relaxed")
            ends = column == right
            edge_a += tl.where(ends, turn_a, right_a)
            edge_b += tl.where(ends, turn_b, right_b)
            edge_c += tl.where(ends, turn_c, right_c)
            place += tl.where(ends, width - span + 1, 1)
            column = tl.where(ends, left, column + 1)


@triton.jit(do_not_specialize=["stride", "vertex_count", "triangle_count", "height", "width", "blocks"])
@no_type_check
def resolve(
    vertices, pixels, cameras, faces, stride, vertex_count, triangle_count, keys, height, width,
    triangle, barycentrics, depth, blocks, BLOCK: tl.constexpr,
):  # fmt: skip
    """From each pixel's key to its triangle, perspective-correct barycentrics and depth."""
    program = tl.program_id(0)
    image = (program // blocks).to(tl.int64)
    within = (program % blocks) * BLOCK + tl.arange(0, BLOCK)
    real = within < height * width
    place = image * height * width + within
    key = tl.load(keys + place, mask=real, other=NOTHING)
    covered = key != NOTHING
    index = key.to(tl.int32)
    a, b, c, covered = load_corners(faces, stride, vertex_count, image, index, covered)
    first = image * vertex_count
    ax, ay = load_pixel(pixels, first + a, covered)
    bx, by = load_pixel(pixels, first + b, covered)
    cx, cy = load_pixel(pixels, first + c, covered)
    row, column = within // width, within % width
    x, y = column * SUBPIXELS + HALF, row * SUBPIXELS + HALF
    # The orientation cancels where weights are divided by their sum.
    weight_a = edge(bx, by, cx, cy, x, y).to(tl.float32) / load_depth(vertices, first + a, covered)
    weight_b = edge(cx, cy, ax, ay, x, y).to(tl.float32) / load_depth(vertices, first + b, covered)
    weight_c = edge(ax, ay, bx, by, x, y).to(tl.float32) / load_depth(vertices, first + c, covered)
    total = weight_a + weight_b + weight_c
    unprojected = covered & ((ax == UNPROJECTED) | (bx == UNPROJECTED) | (cx == UNPROJECTED))
    if tl.max(unprojected.to(tl.int32), 0) > 0:
        camera = cameras + 4 * image
        px, py, pz = load_point(vertices, first + a, covered)
        qx, qy, qz = load_point(vertices, first + b, covered)
        rx, ry, rz = load_point(vertices, first + c, covered)
        across_a, down_a, start_a = edge_plane(qx, qy, qz, rx, ry, rz, camera)
        across_b, down_b, start_b = edge_plane(rx, ry, rz, px, py, pz, camera)
        across_c, down_c, start_c = edge_plane(px, py, pz, qx, qy, qz, camera)
        edge_a = across_a * (column + 0.5) + down_a * (row + 0.5) + start_a
        edge_b = across_b * (column + 0.5) + down_b * (row + 0.5) + start_b
        edge_c = across_c * (column + 0.5) + down_c * (row + 0.5) + start_c
        whole = edge_a + edge_b + edge_c
        whole = tl.where(unprojected, whole, 1.0)
        weight_a = tl.where(unprojected, (edge_a / whole).to(tl.float32), weight_a)
        weight_b = tl.where(unprojected, (edge_b / whole).to(tl.float32), weight_b)
        weight_c = tl.where(unprojected, (edge_c / whole).to(tl.float32), weight_c)
        total = tl.where(unprojected, 1.0, total)
    total = tl.where(covered, total, 1.0)
    tl.store(triangle + place, tl.where(covered, index, -1), mask=real)
    tl.store(barycentrics + 3 * place, tl.where(covered, weight_a / total, 0.0), mask=real)
    tl.store(barycentrics + 3 * place + 1, tl.where(covered, weight_b / total, 0.0), mask=real)
    tl.store(barycentrics + 3 * place + 2, tl.where(covered, weight_c / total, 0.0), mask=real)
    found = (key >> 32).to(tl.int32).to(tl.float32, bitcast=True)
    tl.store(depth + place, tl.where(covered, found, float("inf")), mask=real)
