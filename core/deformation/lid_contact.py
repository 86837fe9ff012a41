"""Lids that lie on their eyeball: no skin outside the margins is entered by it.

Within the margins, where the lids turn inward, the model's own skin runs through the eyeball, unseen.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.sparse import csc_matrix, csr_matrix, identity

from core.deformation.contact import Yielding
from core.deformation.eyelids import Eyelids, find_eyelids
from core.face_model.laplacian import from_neighbours, mesh_laplacian
from core.face_model.model import FaceModel
from core.geometry.alignment import fit_sphere
from core.geometry.overlaps import overlaps_from

_REACH: Final = 1.5  # radii of the eyeball from its centre: skin that may lie on it
_YIELDS: Final = 2.0  # ... and that moves along
_STILL: Final = 0.02  # against bending: skin goes along over a few of its edges
_CLEARANCE: Final = 2e-5  # metres
_DEEPEST: Final = 4e-3  # metres within the eyeball that are taken for a fault of the lids
_TURNS: Final = 4  # directions from the centre change as skin moves


class LidContact:
    """Pushes the skin outside of the lids' margins out of the eyeballs of a model's heads."""

    def __init__(self, model: FaceModel) -> None:
        bends = from_neighbours(mesh_laplacian(model))
        self._eyes = [_Eye(model, lids, bends) for lids in find_eyelids(model)]

    def outer_skin(self) -> Int[ndarray, "triangles 3"]:
        """Triangles that may lie on an eyeball and must not be entered by it."""
        return np.concatenate([eye.outer for eye in self._eyes] or [np.zeros((0, 3), np.int32)])

    def pushed(self, head: Float[ndarray, "vertices 3"]) -> Float[ndarray, "vertices 3"]:
        """Displacements of skin that take a head's lids, at rest or not, out of its eyeballs."""
        moves = np.zeros(head.shape)
        for eye in self._eyes:
            moves += eye.pushed(head.astype(np.float64))
        return moves


class _Eye:
    def __init__(self, model: FaceModel, lids: Eyelids, bends: csr_matrix) -> None:
        template = model.template.astype(np.float64)
        centre, radius = fit_sphere(template[lids.eyeball])
        away = template - centre
        distance = np.linalg.norm(away, axis=1)
        inside = np.zeros(len(template), bool)
        inside[lids.inside] = True
        skin = model.region_mask("skin")
        near = skin & ~inside & (distance < _REACH * radius) & (away[:, 2] > 0)
        self.outer = model.triangles[near[model.triangles].all(axis=1)]
        self._ball = model.triangles[np.isin(model.triangles, lids.eyeball).all(axis=1)]
        self._lids = lids
        own = np.flatnonzero(skin & (distance < _YIELDS * radius))
        inner = bends[own][:, own]
        self._skin = Yielding(csc_matrix(inner.T @ inner + _STILL * identity(len(own))), own, len(template))

    def pushed(self, head: Float[ndarray, "vertices 3"]) -> Float[ndarray, "vertices 3"]:
        centre = fit_sphere(head[self._lids.eyeball])[0]
        moves = np.zeros(head.shape)
        for _ in range(_TURNS):
            over = overlaps_from(head + moves, self.outer, self._ball, centre)
            over = over.where(np.abs(over.height) < _DEEPEST)
            step = self._skin.pushed(over, _CLEARANCE)
            if not step.any():
                break
            moves += step
        return moves
