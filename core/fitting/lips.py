"""Lips that touch in the neutral face, whatever the photos show.

Where every photo of a person smiles, or errors of the mouth's places agree, a face with parted lips explains
them as well as an expression does. A neutral face has its mouth closed: what would open it is no identity.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray
from scipy.sparse import csr_matrix, identity
from scipy.spatial import cKDTree

from core.face_model.arkit import ARKIT_INDEX
from core.face_model.embedding_data import has_landmarks
from core.face_model.model import FaceModel

# Fractions of the mouth's width
_NEAR: Final = 0.4  # of the middle of the mouth: where contacts are looked for
_APART: Final = 0.03  # lips' vertices that touch: models leave up to 1 mm between them
_REACH: Final = (0.25, 0.12, 0.12)  # standard deviation (x, y, z) of how far skin goes with a contact
_FEWEST: Final = 4  # contacts
_STIFFNESS: Final = 0.05  # contacts nearer to each other than the reach move as one
_SLIT: Final = -2e-4  # metres between the lips; below 0, since subdivision draws them back from each other
# Contacts in front and behind move as one: what is left of the wider gap closes in turns.
_CLOSINGS: Final = 3


class LipSeal:
    """Takes out of displacements what parts the lips of a model's neutral face, up and down.

    A model whose jaw does not open, or whose lips are nowhere near each other, is left as it is.
    """

    def __init__(self, model: FaceModel) -> None:
        self._upper, self._lower = lip_contacts(model)
        count = len(self._upper)
        self._follow = np.zeros((model.vertex_count, count))  # metres up per metre of a contact's gap
        if not count:
            return
        jaw = -model.expression_deltas[ARKIT_INDEX["jawOpen"]][:, 1].astype(np.float64)
        still, moved = jaw[self._upper].mean(), jaw[self._lower].mean()
        side = np.clip((jaw - still) / (moved - still), 0, 1) - 0.5  # lower lip up, upper lip down
        contacts = (model.template[self._upper] + model.template[self._lower]) / 2
        apart = (model.template[:, None] - contacts[None]) / (np.array(_REACH) * _width(model))
        away = np.linalg.norm(apart, axis=2)
        skin = model.region_mask("skin", "mouth_interior")
        near = np.where(skin[:, None] & (away < 4), np.exp(-0.5 * away**2), 0) * side[:, None]
        closed = near[self._lower] - near[self._upper]
        normal = closed.T @ closed + _STIFFNESS * np.eye(count)
        self._follow = near @ np.linalg.solve(normal, closed.T)

    def matrix(self) -> csr_matrix:
        """(vertices, vertices): takes displacements upward to those that leave the lips together."""
        whole = identity(len(self._follow), format="csr")
        gap = whole[self._upper] - whole[self._lower]
        return csr_matrix(whole + csr_matrix(self._follow) @ gap, dtype=np.float32)

    def sealed(self, moves: Float32[ndarray, "*some vertices 3"]) -> Float32[ndarray, "*some vertices 3"]:
        """Displacements of the neutral face without what parts the lips."""
        sealed = moves.copy()
        gap = moves[..., self._upper, 1] - moves[..., self._lower, 1]
        sealed[..., 1] += (gap @ self._follow.T).astype(np.float32)
        return sealed

    def closed(self, neutral: Float32[ndarray, "vertices 3"]) -> Float32[ndarray, "vertices 3"]:
        """A neutral face whose lips touch all along."""
        closed = neutral.copy()
        for _ in range(_CLOSINGS):
            gap = np.maximum(closed[self._upper, 1] - closed[self._lower, 1] - _SLIT, 0)
            closed[:, 1] += (self._follow @ gap).astype(np.float32)
        return closed


def lip_contacts(model: FaceModel) -> tuple[Int[ndarray, " contacts"], Int[ndarray, " contacts"]]:
    """Vertices of the upper and of the lower lip that touch in the model's template; none where none do."""
    none = np.zeros(0, np.int64)
    if not has_landmarks(model):
        return none, none
    template, width = model.template, _width(model)
    jaw = -model.expression_deltas[ARKIT_INDEX["jawOpen"]][:, 1]
    middle = model.landmarks(template)[[13, 14]].mean(axis=0)
    near = model.region_mask("skin", "mouth_interior")
    near &= np.linalg.norm((template - middle) * (0.5, 1, 1), axis=1) < _NEAR * width
    if not near.any() or jaw[near].max() < 1e-3:
        return none, none
    lower = np.flatnonzero(near & (jaw > 0.5 * jaw[near].max()))
    upper = np.flatnonzero(near & (jaw < 0.12 * jaw[near].max()))
    if not len(lower) or not len(upper):
        return none, none
    apart, below = cKDTree(template[lower]).query(template[upper])
    above = cKDTree(template[upper]).query(template[lower])[1]
    touching = (above[below] == np.arange(len(upper))) & (apart < _APART * width)
    return (upper[touching], lower[below[touching]]) if touching.sum() >= _FEWEST else (none, none)


def _width(model: FaceModel) -> float:
    corners: Float[ndarray, "2 3"] = model.landmarks(model.template)[[78, 308]]
    return float(np.linalg.norm(corners[0] - corners[1]))
