"""Smooth random values in space, the same on both sides of a seam."""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit, prange
from numpy import ndarray


def value_noise(points: Float32[ndarray, "points 3"]) -> Float32[ndarray, "points"]:
    """Noise between -1 and 1 with features about one unit wide, the same for the same point."""
    return _value_noise(np.ascontiguousarray(points, np.float32))


@njit(cache=True, inline="always")
@no_type_check
def _hash(x, y, z):
    h = np.uint32(x) * np.uint32(0x8DA6B343) ^ np.uint32(y) * np.uint32(0xD8163841)
    h ^= np.uint32(z) * np.uint32(0xCB1AB31F)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    h = (h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
    h ^= h >> np.uint32(15)
    return np.float32(np.float32(h & np.uint32(0xFFFFFF)) * np.float32(2.0 / 16777215.0) - np.float32(1.0))


@njit(cache=True, parallel=True)
@no_type_check
def _value_noise(points):
    result = np.empty(len(points), np.float32)
    for i in prange(len(points)):
        fx, fy, fz = np.floor(points[i, 0]), np.floor(points[i, 1]), np.floor(points[i, 2])
        x, y, z = np.int64(fx), np.int64(fy), np.int64(fz)
        u, v, w = points[i, 0] - fx, points[i, 1] - fy, points[i, 2] - fz
        u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
        total = np.float32(0)
        for k in range(8):
            dx, dy, dz = k & 1, (k >> 1) & 1, k >> 2
            share = (u if dx else 1 - u) * (v if dy else 1 - v) * (w if dz else 1 - w)
            total += share * _hash(x + dx, y + dy, z + dz)
        result[i] = total
    return result
