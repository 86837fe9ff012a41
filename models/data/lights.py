"""Random light: soft, as spherical harmonics, and hard, from one direction with the shadow it casts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int32
from numpy import ndarray

from core.scene.lighting import ambient_light, directional_light
from core.scene.rasterise_numba import rasterise_arrays

_MAP_SIDE: Final = 320
AWAY: Final = 20.0  # metres to the light: near enough to parallel
HARD_SHARE: Final = 0.45


@dataclass(frozen=True)
class Light:
    """Light in camera axes.

    Attributes:
        soft: spherical harmonics without the hard light.
        towards: unit direction to the hard light.
        hard: its colour; 0 where there is none.
        glints: unit directions to what highlights mirror, with their colours.
    """

    soft: Float[ndarray, "9 3"]
    towards: Float[ndarray, "3"]
    hard: Float[ndarray, "3"]
    glints: tuple[tuple[Float[ndarray, "3"], Float[ndarray, "3"]], ...]

    @property
    def sh(self) -> Float[ndarray, "9 3"]:
        """All light as spherical harmonics; the hard light without its shadow."""
        return self.soft + directional_light(self.towards, self.hard)


def random_scene_light(rng: np.random.Generator) -> Light:
    """From flat studio light to a lone lamp; about 1 falls on a surface that faces the camera."""
    ambient = rng.uniform(0.12, 0.6) * (1 + rng.uniform(-0.1, 0.1, 3))
    soft, glints = ambient_light(ambient), []
    for _ in range(rng.integers(1, 4)):
        towards, colour = _direction(rng), rng.uniform(0.15, 0.6) * _tint(rng, 0.15)
        soft = soft + directional_light(towards, colour)
        glints.append((towards, colour))
    towards, strength, tint = _direction(rng), rng.uniform(0.35, 1.1), _tint(rng, 0.2)
    hard = strength * tint * (rng.random() < HARD_SHARE)
    if hard.any():
        soft, glints = 0.6 * soft, [*[(t, 0.6 * c) for t, c in glints], (towards, hard)]
    return Light(soft, towards, hard, tuple(glints))


def _direction(rng: np.random.Generator) -> Float[ndarray, "3"]:
    """Mostly from above and before the face."""
    azimuth, elevation = rng.uniform(-1.5, 1.5), rng.uniform(-0.3, 1.15)
    flat = math.cos(elevation)
    return np.array([math.sin(azimuth) * flat, -math.sin(elevation), -math.cos(azimuth) * flat])


def _tint(rng: np.random.Generator, spread: float) -> Float[ndarray, "3"]:
    """Between candle and sky."""
    warmth = rng.normal(0, spread)
    return np.array([1 + warmth, 1.0, 1 - warmth]).clip(0.4, 1.6)


class ShadowMap:
    """How far every ray from the hard light gets.

    Attributes:
        axes: rows: the map's x and y and the direction away from the light, camera axes.
        middle: point of the scene (metres) that is ``AWAY`` from the light.
        focal: of the light's view, texels.
        depth: from the light, metres; infinite where nothing is.
    """

    def __init__(
        self,
        in_camera: Float32[ndarray, "vertices 3"],
        triangles: Int32[ndarray, "triangles 3"],
        towards: Float[ndarray, "3"],
    ) -> None:
        helper = np.array([1.0, 0, 0]) if abs(towards[1]) > 0.8 else np.array([0.0, 1, 0])
        across = np.cross(helper, towards)
        across /= np.linalg.norm(across)
        self.axes = np.stack([across, np.cross(towards, across), -towards]).astype(np.float32)
        self.middle = in_camera.mean(axis=0)
        seen = (in_camera - self.middle) @ self.axes.T
        seen[:, 2] += AWAY
        self.focal = 0.5 * _MAP_SIDE / (float(np.abs(seen[:, :2]).max()) * 1.02) * AWAY
        camera = (self.focal, self.focal, _MAP_SIDE / 2, _MAP_SIDE / 2)
        self.depth = rasterise_arrays(seen, triangles, camera, _MAP_SIDE, _MAP_SIDE, 0.01, False)[2]
