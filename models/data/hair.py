"""Simple hair: a shell over the scalp with a ragged edge and perhaps a fringe, and long hair behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.face_model.model import FaceModel
from core.surface.noise import value_noise
from models.data.meshes import Sheet, grid_triangles
from models.data.surface import Surface

_REACH = 0.012  # metres before the hairline that the shell's triangles begin


@dataclass(frozen=True)
class HairStyle:
    """How a person wears their hair; lengths in metres.

    Attributes:
        scalp: density of the hair painted on the scalp, 0-1; 0 is a bald head.
        hairline: how far it starts behind the usual line.
        volume: thickness of the shell; 0 for a shaved head.
        fringe: how far below the hairline it hangs over the forehead; 0 for none.
        length: how far below the ears it hangs; 0 for short hair.
        opening: angle from the middle of the back to where long hair ends, radians.
    """

    scalp: float
    hairline: float
    volume: float
    fringe: float
    length: float
    opening: float
    curl: float
    ragged: float
    phase: Float[ndarray, "3"]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> HairStyle:
        """Bald, shaved, short or long; always draws the same number of numbers."""
        kind, fringed, numbers = rng.random(), rng.random(), rng.random(7)
        bald, shaved, long_ = kind < 0.08, kind < 0.22, kind > 0.62
        return cls(
            scalp=0.0 if bald else float(0.6 + 0.4 * numbers[0]),
            hairline=float(0.016 * numbers[1] ** 1.5),
            volume=0.0 if shaved else float(0.006 + 0.024 * numbers[2]),
            fringe=float(0.012 + 0.034 * numbers[3]) if fringed < 0.35 and not shaved else 0.0,
            length=float(0.03 + 0.17 * numbers[4]) if long_ else 0.0,
            opening=float(1.75 + 0.55 * numbers[5]),
            curl=float(numbers[6] ** 2),
            ragged=float(rng.uniform(0.003, 0.009)),
            phase=rng.uniform(-50, 50, 3),
        )


class Barber:
    """Puts hair on heads of one model."""

    def __init__(self, model: FaceModel, surface: Surface) -> None:
        self._surface = surface
        skin = model.region_mask("skin")[model.triangles].all(axis=1)
        self._skin_triangles = model.triangles[skin]
        self._marks = model.landmarks(model.template)

    def sheets(
        self,
        style: HairStyle,
        colour: Float[ndarray, "3"],
        neutral: Float32[ndarray, "vertices 3"],
        normals: Float32[ndarray, "vertices 3"],
    ) -> list[Sheet]:
        """Hair of a head with these vertices and unit normals, head space."""
        made = []
        if style.scalp and style.volume:
            made.append(self._shell(style, colour, neutral, normals))
        if style.length:
            made.append(self._curtain(style, colour, neutral))
        return made

    def _shell(self, style: HairStyle, colour: ndarray, neutral: ndarray, normals: ndarray) -> Sheet:
        points, depth = self._surface.points, self._surface.hair - style.hairline
        if style.fringe:
            wave = 0.004 * np.sin(points[:, 0] * 70 + style.phase[0])
            front = np.abs(points[:, 0]) - 0.070
            hanging = points[:, 1] - (self._marks[10, 1] + 0.010 - style.fringe) + wave
            fringe = np.where(points[:, 2] > self._marks[234, 2] + 0.02, np.minimum(hanging, -front), -1.0)
            depth = np.maximum(depth, np.minimum(fringe, 0.02))
        depth = depth.astype(np.float32)
        used = (depth[self._skin_triangles] > -_REACH).any(axis=1)
        triangles = self._skin_triangles[used]
        lumps = 1 + 0.25 * value_noise((points * 45 + style.phase).astype(np.float32))
        rise = np.clip((depth + 0.002) / 0.03, 0, 1)
        thickness = 0.0015 + (style.volume * rise * lumps + (0.004 if style.fringe else 0.0) * (rise > 0))
        crown = self._marks[10] * (0, 1, 0) + (0, 0.03, -0.06)
        flat = points - crown
        round_ = flat / np.maximum(np.hypot(flat[:, 0], flat[:, 2])[:, None], 1e-3)
        bent = 3 * style.curl * value_noise((points * 120 + style.phase).astype(np.float32))
        grain = np.stack([round_[:, 0] * 55 + bent, points[:, 1] * 45, round_[:, 2] * 55 + bent], axis=1)
        return Sheet(
            (neutral + thickness[:, None] * normals).astype(np.float32),
            triangles.astype(np.int32),
            depth,
            (grain + style.phase).astype(np.float32),
            colour.astype(np.float32),
            style.ragged,
            0.55,
            0.35,
        )

    def _curtain(self, style: HairStyle, colour: ndarray, neutral: ndarray) -> Sheet:
        """A sheet round the back and sides of the head, from the crown down."""
        rows, columns = 26, 48
        scalp = neutral[self._surface.hair > 0]
        top = float(np.quantile(scalp[:, 1], 0.7))
        ear = float(self._marks[234, 1])
        bottom = ear - 0.06 - style.length
        wide = float(
            np.abs(neutral[self._surface.skin, 0])[neutral[self._surface.skin, 1] > ear - 0.03].max()
        )
        back, front = float(scalp[:, 2].min()), float(self._marks[234, 2]) + 0.012
        y = np.linspace(top, bottom, rows)[:, None]
        turn = np.linspace(-style.opening, style.opening, columns)[None]
        crown = np.clip((top - y) / (top - ear), 0, 1)
        size = 0.62 + 0.38 * np.sqrt(1 - (1 - crown) ** 2)
        size = size + 0.10 * np.clip((ear - y) / 0.2, 0, 1)
        waves = 0.004 * np.sin(70 * y + 9 * turn + style.phase[0]) * (0.3 + style.curl)
        middle = (back + front) / 2 - 0.005
        half = (front - back) / 2 + style.volume
        x = (wide + 0.3 * style.volume) * size * np.sin(turn) + waves * np.sin(turn)
        z = middle - half * size * np.cos(turn) + waves * np.cos(turn) + 0 * y
        vertices = np.stack([x, y + 0 * turn, z], axis=-1).reshape(-1, 3)
        edge = (style.opening - np.abs(turn)) * wide
        inside = np.minimum(edge + 0 * y, y - bottom + 0 * turn).reshape(-1)
        bent = 2.5 * style.curl * np.sin(60 * y + 3 * turn)
        grain = np.stack([turn * 60 + bent, y * 18 + 0 * turn, 0 * y + 0 * turn], axis=-1).reshape(-1, 3)
        return Sheet(
            vertices.astype(np.float32),
            grid_triangles(rows, columns),
            inside.astype(np.float32),
            (grain + style.phase).astype(np.float32),
            colour.astype(np.float32),
            2 * style.ragged,
            0.55,
            0.3,
        )
