"""Lips that lie on each other without crossing."""

from __future__ import annotations

import copy
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from numpy import ndarray
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from core.deformation.contact import Yielding
from core.face_model.laplacian import from_neighbours, mesh_laplacian
from core.face_model.model import FaceModel
from core.geometry.crossings import crossing_pairs
from core.geometry.overlaps import Overlaps, overlaps_along

_UP: Final = 1  # axis
_CLEARANCE: Final = 2e-5  # metres
_DEEPEST: Final = 3e-3  # metres beneath each other that are taken for a crossing of lips
_AROUND: Final = 3  # rings of vertices around the lips that are smoothed with them
_SMOOTHINGS: Final = 8  # of what crosses nevertheless, over one more ring of vertices each time


class LipContact:
    """Takes lips off each other.

    Where skin that makes room folds through itself, at the corners, it takes the form that it has on a head
    whose lips are sound: the template's, which cross a little behind their line and are parted first.

    Args:
        lips: triangles of their skin.
        on_jaw: vertices of the lower lip.
        skin: what yields.
    """

    def __init__(
        self,
        model: FaceModel,
        lips: Int[ndarray, "triangles 3"],
        on_jaw: Bool[ndarray, "vertices"],
        skin: Yielding,
    ) -> None:
        self._lips, self._skin = lips, skin
        self._over, self._under = lips[~on_jaw[lips].any(axis=1)], lips[on_jaw[lips].all(axis=1)]
        self._differences = from_neighbours(mesh_laplacian(model))
        self._own = np.isin(np.arange(model.vertex_count), lips)
        for _ in range(_AROUND):
            self._own |= self._differences @ self._own != 0
        self._sound = self._pushed(model.template.astype(np.float64))

    def about(self, sound: Float32[ndarray, "vertices 3"]) -> LipContact:
        """The same, with another head's lips as the sound ones."""
        other = copy.copy(self)
        other._sound = sound.astype(np.float64)
        return other

    def parted(self, head: Float32[ndarray, "vertices 3"]) -> tuple[Float32[ndarray, "vertices 3"], int]:
        """The head with its lips off each other, and how many pairs of their triangles cross still."""
        points = self._pushed(head.astype(np.float64))
        crossing = self._crossing(points)
        for rings in range(1, _SMOOTHINGS + 1):
            if not len(crossing):
                break
            points = self._pushed(self._smoothed(points, self._lips[crossing], rings))
            crossing = self._crossing(points)
        return points.astype(np.float32), len(crossing)

    def _crossing(self, points: Float[ndarray, "vertices 3"]) -> Int[ndarray, "pairs 2"]:
        return crossing_pairs(points.astype(np.float32).astype(np.float64), self._lips)

    def _pushed(self, points: Float[ndarray, "vertices 3"]) -> Float[ndarray, "vertices 3"]:
        """With the upper lip above the lower one wherever they lie over each other."""
        over: Overlaps = overlaps_along(points, self._over, self._under, _UP)
        return points + self._skin.pushed(over.where(np.abs(over.height) < _DEEPEST), _CLEARANCE)

    def _smoothed(
        self, points: Float[ndarray, "vertices 3"], crossing: Int[ndarray, "pairs 2 3"], rings: int
    ) -> Float[ndarray, "vertices 3"]:
        """What crosses, and so many rings around, as the sound lips are but for a harmonic displacement."""
        patch = np.zeros(len(points), bool)
        patch[crossing] = True
        for _ in range(rings):
            patch |= self._differences @ patch != 0
        inside = np.flatnonzero(patch & self._own)
        moved = points - self._sound
        moved[inside] = 0
        # Δ d = 0 inside, d as it is around
        rows = self._differences[inside]
        moved[inside] = splu(csc_matrix(rows[:, inside])).solve(-(rows @ moved))
        return self._sound + moved
