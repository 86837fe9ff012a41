"""The compiled loop over pixels: from what each sees to flow, visibility, masks and a picture.

Compiled functions take plain arrays; :mod:`core.guidance.guide` says what they are.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numpy as np
import torch
from numba import njit, prange

from core.scene.lighting import C0, C1, C2, C3
from core.scene.shading import linear_to_srgb

_INSIDE = 0.5  # of the light outside reaches teeth and tongue between open lips
_SRGB = linear_to_srgb(torch.linspace(0, 1, 2048, dtype=torch.float64) ** 2).float().numpy()


@njit(cache=True, inline="always")
@no_type_check
def _bilinear(image, x, y, out):
    """Value of an image at a pixel position, clamped at the border, into ``out``."""
    height, width, channels = image.shape
    x = min(max(x - 0.5, 0.0), width - 1.0)
    y = min(max(y - 0.5, 0.0), height - 1.0)
    column, row = min(int(x), width - 2), min(int(y), height - 2)
    a, b = x - column, y - row
    for c in range(channels):
        top = image[row, column, c] * (1 - a) + image[row, column + 1, c] * a
        bottom = image[row + 1, column, c] * (1 - a) + image[row + 1, column + 1, c] * a
        out[c] = top * (1 - b) + bottom * b


@njit(cache=True, inline="always")
@no_type_check
def _cubic(image, x, y, out):
    """As :func:`_bilinear`, by Catmull and Rom's cubic, which blurs less; kept within [0, 1]."""
    height, width, channels = image.shape
    x = min(max(x - 0.5, 0.0), width - 1.0)
    y = min(max(y - 0.5, 0.0), height - 1.0)
    column, row = int(x), int(y)
    a, b = x - column, y - row
    for c in range(channels):
        out[c] = 0.0
    for j in range(4):
        wy = _catmull_rom(j, b)
        r = min(max(row + j - 1, 0), height - 1)
        for i in range(4):
            w = wy * _catmull_rom(i, a)
            k = min(max(column + i - 1, 0), width - 1)
            for c in range(channels):
                out[c] += w * image[r, k, c]
    for c in range(channels):
        out[c] = min(max(out[c], 0.0), 1.0)


@njit(cache=True, inline="always")
@no_type_check
def _catmull_rom(tap, t):
    """Weight of the tap at -1, 0, 1 or 2 for a place t beyond the second."""
    if tap == 0:
        return 0.5 * t * (-1 + t * (2 - t))
    if tap == 1:
        return 0.5 * (2 + t * t * (-5 + 3 * t))
    if tap == 2:
        return 0.5 * t * (1 + t * (4 - 3 * t))
    return 0.5 * t * t * (t - 1)


@njit(cache=True, inline="always")
@no_type_check
def _ramp(value, low, high):
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@njit(cache=True, inline="always")
@no_type_check
def _encode(value):
    """sRGB of linear light, by a table over its square root, in which sRGB is nearly even."""
    return _SRGB[int(math.sqrt(min(max(value, 0.0), 1.0)) * (len(_SRGB) - 1) + 0.5)]


@njit(cache=True, inline="always")
@no_type_check
def _shade(normal, sh, out):
    """``sh`` at a unit normal, as :func:`core.scene.lighting.shade`, not below 0."""
    x, y, z = normal[0], normal[1], normal[2]
    for c in range(3):
        value = (
            C0 * sh[0, c] + C1 * (y * sh[1, c] + z * sh[2, c] + x * sh[3, c])
            + C2 * (x * y * sh[4, c] + y * z * sh[5, c]) + C3 * (3 * z * z - 1) * sh[6, c]
            + C2 * x * z * sh[7, c] + 0.5 * C2 * (x * x - y * y) * sh[8, c]
        )  # fmt: skip
        out[c] = max(value, 0.0)


@njit(cache=True, inline="always")
@no_type_check
def _deepest(depth, column, row):
    """The greatest depth of a head in 3 × 3 pixels: within a pixel of an edge nothing counts as hidden."""
    deepest = 0.0
    for r in range(max(row - 1, 0), min(row + 2, depth.shape[0])):
        for c in range(max(column - 1, 0), min(column + 2, depth.shape[1])):
            if depth[r, c] > deepest and depth[r, c] < np.inf:
                deepest = depth[r, c]
    return deepest


@njit(cache=True, parallel=True)
@no_type_check
def vertex_normals_into(vertices, triangles, fans, starts, normals):
    """Unit normals of vertices: the mean of their triangles' weighted by area."""
    for v in prange(len(vertices)):
        x = y = z = 0.0
        for k in range(starts[v], starts[v + 1]):
            t = triangles[fans[k]]
            a, b, c = vertices[t[0]], vertices[t[1]], vertices[t[2]]
            ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
            wx, wy, wz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
            x += uy * wz - uz * wy
            y += uz * wx - ux * wz
            z += ux * wy - uy * wx
        length = max(math.sqrt(x * x + y * y + z * z), 1e-20)
        normals[v, 0], normals[v, 1], normals[v, 2] = x / length, y / length, z / length


@njit(cache=True, parallel=True)
@no_type_check
def head_pixels(
    index, barycentrics, depth, triangles, uv, colours, inside, texture, normals, source_vertices,
    source_normals, source_depth, intrinsics, sh, darkest, lightest, tolerance, grazing,
    flow, visible, colour, normal_map, light_map,
):  # fmt: skip
    """Pixels of the head: eq. 3 and 4, and its texture under the source's light, where a triangle is seen."""
    height, width = index.shape
    fx, fy, cx, cy = intrinsics[0], intrinsics[1], intrinsics[2], intrinsics[3]
    high, wide = source_depth.shape
    for row in prange(height):
        texel = np.empty(3, np.float64)
        normal = np.empty(3, np.float64)
        light = np.empty(3, np.float64)
        for column in range(width):
            t = index[row, column]
            if t < 0:
                continue
            x = y = z = 0.0
            nx = ny = nz = 0.0
            mx = my = mz = 0.0
            u = v = 0.0
            for k in range(3):
                b, corner = barycentrics[row, column, k], triangles[t, k]
                x += b * source_vertices[corner, 0]
                y += b * source_vertices[corner, 1]
                z += b * source_vertices[corner, 2]
                nx += b * normals[corner, 0]
                ny += b * normals[corner, 1]
                nz += b * normals[corner, 2]
                mx += b * source_normals[corner, 0]
                my += b * source_normals[corner, 1]
                mz += b * source_normals[corner, 2]
                u += b * uv[t, k, 0]
                v += b * uv[t, k, 1]
            # F_c = P(V_s) at the pixel, less the pixel
            px, py = fx * x / z + cx, fy * y / z + cy
            flow[row, column, 0], flow[row, column, 1] = px - (column + 0.5), py - (row + 0.5)
            # O_c by depth: the source's camera meets this very point first, and not at a grazing angle
            seen = 0.0
            if 0 <= px < wide and 0 <= py < high:
                deepest = _deepest(source_depth, int(px), int(py))
                length = math.sqrt((x * x + y * y + z * z) * (mx * mx + my * my + mz * mz))
                cosine = -(x * mx + y * my + z * mz) / max(length, 1e-12)
                seen = (1 - _ramp(z - deepest, tolerance, 2 * tolerance)) * _ramp(cosine, -grazing, 0.0)
            visible[row, column] = seen
            length = max(math.sqrt(nx * nx + ny * ny + nz * nz), 1e-12)
            normal[0], normal[1], normal[2] = nx / length, ny / length, nz / length
            _shade(normal, sh, light)
            if colours[t, 0] < 0:
                _bilinear(texture, u * texture.shape[1], (1 - v) * texture.shape[0], texel)
            else:
                texel[0], texel[1], texel[2] = colours[t, 0], colours[t, 1], colours[t, 2]
            dim = _INSIDE if inside[t] else 1.0
            for c in range(3):
                light[c] = min(max(light[c], darkest[c]), lightest[c])
                colour[row, column, c] = _encode(texel[c] * light[c] * dim)
                normal_map[row, column, c] = normal[c]
                light_map[row, column, c] = light[c]


@njit(cache=True, parallel=True)
@no_type_check
def lash_pixels(index, barycentrics, depth, head_depth, uv, texture, light, slack, colour):
    """Lashes over the head, where they are not behind it."""
    height, width = index.shape
    for row in prange(height):
        texel = np.empty(4, np.float64)
        for column in range(width):
            t = index[row, column]
            if t < 0 or depth[row, column] > head_depth[row, column] + slack:
                continue
            u = v = 0.0
            for k in range(3):
                u += barycentrics[row, column, k] * uv[t, k, 0]
                v += barycentrics[row, column, k] * uv[t, k, 1]
            _bilinear(texture, u * texture.shape[1], (1 - v) * texture.shape[0], texel)
            for c in range(3):
                over = _encode(texel[c] * light[c])
                colour[row, column, c] += texel[3] * (over - colour[row, column, c])


@njit(cache=True, parallel=True)
@no_type_check
def join_layers(
    index, barycentrics, triangles, scalp, stand_ins,
    sheet_index, sheet_barycentrics, sheet_triangles, sheet_pixels, sheet_follows,
    person, picture, behind, behind_seen, flow, visible, colour, masks, warped,
):  # fmt: skip
    """Put head, sheet and background in order of depth, in place.

    On return flow and visibility are of the whole picture; ``warped`` is the source brought here by the flow,
    and ``colour`` the head over what the flow brings.
    """
    height, width = index.shape
    for row in prange(height):
        value = np.empty(1, np.float64)
        sample = np.empty(3, np.float64)
        for column in range(width):
            t, s = index[row, column], sheet_index[row, column]
            x = y = follows = alpha = 0.0
            if s >= 0:
                for k in range(3):
                    b, node = sheet_barycentrics[row, column, k], sheet_triangles[s, k]
                    x += b * sheet_pixels[node, 0]
                    y += b * sheet_pixels[node, 1]
                    follows += b * sheet_follows[node]
                _bilinear(person, x, y, value)
                alpha = value[0]
            seen = 1.0
            if t >= 0 and scalp[t] and visible[row, column] < 0.5:
                if alpha < 0.5:  # hair that the source hides, on the skull alone
                    x = y = 0.0
                    for k in range(3):
                        x += barycentrics[row, column, k] * stand_ins[triangles[t, k], 0]
                        y += barycentrics[row, column, k] * stand_ins[triangles[t, k], 1]
                    alpha = follows = 1.0
                    seen = 0.0
                t = -1
            elif t >= 0 and visible[row, column] > 0.5:
                # where the mesh is wider than the person, it would carry the background along
                there = column + 0.5 + flow[row, column, 0], row + 0.5 + flow[row, column, 1]
                _bilinear(person, there[0], there[1], value)
                if value[0] < 0.5:
                    t = -1
            if t >= 0:
                masks[row, column, 0] = 1.0
                _cubic(picture, column + 0.5 + flow[row, column, 0], row + 0.5 + flow[row, column, 1], sample)
                for c in range(3):
                    warped[row, column, c] = sample[c]
                continue
            hair = alpha * _ramp(follows, 0.35, 0.65)
            masks[row, column, 1], masks[row, column, 2], masks[row, column, 3] = (
                hair,
                alpha - hair,
                1 - alpha,
            )
            if alpha > 0.5:
                flow[row, column, 0], flow[row, column, 1] = x - (column + 0.5), y - (row + 0.5)
                visible[row, column] = seen
            else:
                flow[row, column, 0] = flow[row, column, 1] = 0.0
                visible[row, column] = behind_seen[row, column]
            if alpha > 0.0:
                _cubic(picture, x, y, sample)
            for c in range(3):
                over = alpha * sample[c] if alpha > 0.0 else 0.0
                warped[row, column, c] = over + (1 - alpha) * behind[row, column, c]
                colour[row, column, c] = warped[row, column, c]
