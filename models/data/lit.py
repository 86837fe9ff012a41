"""Light on the pixels of a picture: matt, hard with its shadow, and highlights; one compiled loop."""

from __future__ import annotations

from typing import Final, no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Int
from numba import njit
from numpy import ndarray

from core.scene.lighting import C0, C1, C2, C3
from models.data.lights import AWAY, Light, ShadowMap

SKIN, EYE, WET, DULL = range(4)
SHARPNESS: Final = np.array([14.0, 260.0, 60.0, 25.0], np.float32)
MATT: Final = np.array([1.0, 0.62, 0.9, 1.0], np.float32)  # lids keep light from the eyes
DARKEST: Final = 0.02
BIAS: Final = 2.5e-3  # metres, against a surface's shadow on itself
_NO_SHADOW: Final = np.zeros((1, 1), np.float32)


def light_pixels(
    albedo: Float32[ndarray, "rows columns 3"],
    normals: Float32[ndarray, "rows columns 3"],
    depth: Float32[ndarray, "rows columns"],
    seen: Bool[ndarray, "rows columns"],
    camera: tuple[float, ...],
    light: Light,
    shadow: ShadowMap | None,
    kind: Int[ndarray, "rows columns"],
    gloss: Float32[ndarray, "rows columns"],
) -> Float32[ndarray, "rows columns 3"]:
    """Linear colours where ``seen``, else 0.

    Args:
        normals: camera axes, of any length; turned to the viewer where they face away.
        camera: fx, fy, cx, cy in pixels.
        kind: SKIN, EYE, WET or DULL: how sharp highlights are.
        gloss: strength of the highlights.
    """
    glints = np.array(
        [[*towards, *colour, float(towards is light.towards)] for towards, colour in light.glints], np.float32
    )
    placing = np.zeros((5, 3), np.float32)
    if shadow is not None:
        placing[:3], placing[3], placing[4, 0] = shadow.axes, shadow.middle, shadow.focal
    return _light(
        albedo, normals, depth, seen, np.array(camera, np.float32), light.soft.astype(np.float32),
        light.towards.astype(np.float32), light.hard.astype(np.float32), glints,
        _NO_SHADOW if shadow is None else shadow.depth, placing, kind.astype(np.int32), gloss,
    )  # fmt: skip


@njit(cache=True, fastmath=True)
@no_type_check
def _light(albedo, normals, depth, seen, camera, soft, towards, hard, glints, shadow, placing, kind, gloss):
    rows, columns = depth.shape
    image = np.zeros((rows, columns, 3), np.float32)
    basis = np.empty(9, np.float32)
    side = shadow.shape[0]
    for row in range(rows):
        for column in range(columns):
            if not seen[row, column]:
                continue
            far = depth[row, column]
            px = (column + 0.5 - camera[2]) / camera[0] * far
            py = (row + 0.5 - camera[3]) / camera[1] * far
            length = np.sqrt(px * px + py * py + far * far)
            vx, vy, vz = -px / length, -py / length, -far / length
            x, y, z = normals[row, column, 0], normals[row, column, 1], normals[row, column, 2]
            length = max(np.sqrt(x * x + y * y + z * z), np.float32(1e-6))
            x, y, z = x / length, y / length, z / length
            facing = x * vx + y * vy + z * vz
            if facing < 0:
                x, y, z = x - 2 * facing * vx, y - 2 * facing * vy, z - 2 * facing * vz
                facing = -facing
            basis[0], basis[1], basis[2], basis[3] = C0, C1 * y, C1 * z, C1 * x
            basis[4], basis[5], basis[6] = C2 * x * y, C2 * y * z, C3 * (3 * z * z - 1)
            basis[7], basis[8] = C2 * x * z, 0.5 * C2 * (x * x - y * y)
            reach = 1.0
            if side > 1:
                reach = _reach(
                    px + 0.0015 * x, py + 0.0015 * y, far + 0.0015 * z, shadow, placing
                )  # fmt: skip
            lambert = max(0.0, x * towards[0] + y * towards[1] + z * towards[2]) * reach
            k = kind[row, column]
            fresnel = gloss[row, column] * (0.04 + 0.3 * (1 - min(facing, 1.0)) ** 5)
            for channel in range(3):
                matt = np.float32(0)
                for function in range(9):
                    matt += basis[function] * soft[function, channel]
                matt = max(matt, DARKEST) + lambert * hard[channel]
                image[row, column, channel] = albedo[row, column, channel] * matt * MATT[k]
            for g in range(len(glints)):
                hx, hy, hz = vx + glints[g, 0], vy + glints[g, 1], vz + glints[g, 2]
                length = max(np.sqrt(hx * hx + hy * hy + hz * hz), 1e-6)
                cosine = (x * hx + y * hy + z * hz) / length
                if cosine <= 0.1:
                    continue
                shine = cosine ** SHARPNESS[k] * (SHARPNESS[k] + 8) / 25 * fresnel
                if glints[g, 6] > 0:
                    shine *= reach
                for channel in range(3):
                    image[row, column, channel] += shine * glints[g, 3 + channel]
    return image


@njit(cache=True, fastmath=True)
@no_type_check
def _reach(px, py, pz, shadow, placing):
    """How much of the hard light reaches a point: four looks at the shadow map, a texel or so apart."""
    side = shadow.shape[0]
    ox, oy, oz = px - placing[3, 0], py - placing[3, 1], pz - placing[3, 2]
    sx = placing[0, 0] * ox + placing[0, 1] * oy + placing[0, 2] * oz
    sy = placing[1, 0] * ox + placing[1, 1] * oy + placing[1, 2] * oz
    sz = placing[2, 0] * ox + placing[2, 1] * oy + placing[2, 2] * oz + AWAY
    column = sx / sz * placing[4, 0] + side / 2 - 0.5
    row = sy / sz * placing[4, 0] + side / 2 - 0.5
    lit = 0.0
    for look in range(4):
        dc = (-0.6, 0.3, 0.6, -0.3)[look]
        dr = (-0.3, -0.6, 0.3, 0.6)[look]
        c = min(max(int(np.rint(column + dc)), 0), side - 1)
        r = min(max(int(np.rint(row + dr)), 0), side - 1)
        if sz < shadow[r, c] + BIAS:
            lit += 0.25
    return lit
