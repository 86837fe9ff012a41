"""A head before a camera, in a picture with something behind it."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from core.guidance.source import Source
from core.guidance.states import HeadStates
from core.scene.lighting import ambient_light
from core.scene.rasterise_numba import rasterise_arrays
from tests.rigs import make_rig

SIDE = 96
FOCAL = 260.0
BACK = np.array([0.1, 0.5, 0.3], np.float32)


def state(yaw: float = 0.0, move: tuple[float, float, float] = (0, 0, 0), **units: float) -> HeadStates:
    """One frame: a head one metre away, turned about its own upright axis."""
    from core.arkit import ARKIT_INDEX

    coefficients = np.zeros((1, 52), np.float32)
    for name, value in units.items():
        coefficients[0, ARKIT_INDEX[name]] = value
    c, s = np.cos(yaw), np.sin(yaw)
    rotation = np.diag([1.0, -1.0, -1.0]) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    translation = np.array([[0, 0, 0.9]]) + move
    return HeadStates(coefficients, rotation[None].astype(np.float32), translation.astype(np.float32))


def pictured_head(still: HeadStates | None = None) -> Source:
    """The test rig in stripes before a plain ground; its mask is exact."""
    rig, still = make_rig(), still or state()
    intrinsics = (FOCAL, FOCAL, SIDE / 2, SIDE / 2)
    empty = np.zeros((SIDE, SIDE, 3), np.float32)
    source = Source(
        rig, empty, np.ones((SIDE, SIDE), np.float32), intrinsics, still, ambient_light(np.ones(3))
    )
    index, _, _ = rasterise_arrays(
        source.head.source, source.surface.triangles, intrinsics, SIDE, SIDE, 0.01, False
    )
    person = (index >= 0).astype(np.float32)
    column, row = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    stripes = 0.5 + 0.4 * np.stack(
        [np.sin(column / 7), np.cos(row / 9), np.sin((row + column) / 11)], axis=-1
    )
    picture: ndarray = np.where(person[..., None] > 0, stripes, BACK).astype(np.float32)
    return Source(rig, picture, person, intrinsics, still, ambient_light(np.ones(3)))
