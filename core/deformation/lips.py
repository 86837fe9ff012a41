"""Lips that touch in the neutral face, whatever the photos show.

Where every photo of a person smiles, or errors of the mouth's places agree, a face with parted lips explains
them as well as an expression does. A neutral face has its mouth closed: what would open it is no identity.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray
from scipy.sparse import csc_matrix, csr_matrix, identity
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from core.arkit import ARKIT_INDEX
from core.deformation.contact import Yielding
from core.deformation.lip_contact import LipContact
from core.face_model.embedding_data import has_landmarks
from core.face_model.laplacian import from_neighbours, mesh_laplacian
from core.face_model.model import FaceModel

# Fractions of the mouth's width
_NEAR: Final = 0.4  # of the middle of the mouth: where contacts are looked for
_BESIDE: Final = 0.035  # of each other, level: lips' vertices that touch
_APART: Final = 0.03  # up and down: models leave up to 1 mm between lips,
_APART_AT_CORNERS: Final = 0.05  # and up to 2 mm
_AT_CORNERS: Final = 0.1  # of each corner
_REACH: Final = 0.17  # how far skin goes with a contact
_FARTHEST: Final = 0.8  # of a contact: what moves at all
_FIRMNESS: Final = 10.0  # of contacts against the skin's bending
_FEWEST: Final = 4  # contacts
_CLOSINGS: Final = 6  # turns: skin that closes one contact moves the others
_SLIT: Final = -5e-5  # metres between contacts; what lies around them keeps them from crossing
_LEVEL: Final = 0.3  # of a distance up and down counts when the vertex across is looked for
# Parts of the corners' way down with the jaw
_UPPER: Final = 0.85  # no more than this goes the upper lip
_LOWER: Final = 1.15  # no less than this the lower one
_LEAST_DROP: Final = 1e-3  # metres that the corners go with a jaw that opens
_CORNERS: Final = [78, 308]  # MediaPipe's landmarks
_MIDDLE: Final = [13, 14]  # of the upper and the lower lip
# Lips that do not cross
_OF_LIPS: Final = 0.3  # of the mask, for a triangle to count as the lips'
_SHARE: Final = 0.8  # of the gaps that are closed in a turn; skin that is drawn too far folds
_TURNS: Final = 8
_TOUCHING: Final = 6e-5  # metres that lips may be apart


class LipSeal:
    """Takes out of displacements what parts the lips of a model's neutral face, up and down.

    Skin follows the lips as it bends: each lip's own surroundings, and what lies between at the corners.
    A model whose jaw does not open, or whose lips are nowhere near each other, is left as it is.
    """

    def __init__(self, model: FaceModel) -> None:
        self._upper, self._lower = lip_contacts(model)
        self._follow = _follow(model, self._upper, self._lower)
        self._model = model

    @cached_property
    def _contact(self) -> LipContact:
        model, width = self._model, _width(self._model)
        near = cKDTree(model.template[np.concatenate([self._upper, self._lower])]).query(model.template)[0]
        mask = model.masks.get("lips", (near < _REACH * width).astype(np.float32))
        skin = model.triangles[model.region_mask("skin")[model.triangles].all(axis=1)]
        own, bending = _bending(model, self._upper, self._lower)
        lips, yielding = skin[mask[skin].min(axis=1) > _OF_LIPS], Yielding(bending, own, model.vertex_count)
        template = LipContact(model, lips, _drop(model) >= 1, yielding)
        return template.about(self._closed(model.template, template))

    def matrix(self) -> csr_matrix:
        """(vertices, vertices): takes displacements upward to those that leave the lips together."""
        count = len(self._follow)
        gap = _gap(count, self._upper, self._lower)
        return csr_matrix(identity(count, format="csr") + csr_matrix(self._follow) @ gap, dtype=np.float32)

    def sealed(self, moves: Float32[ndarray, "*some vertices 3"]) -> Float32[ndarray, "*some vertices 3"]:
        """Displacements of the neutral face without what parts the lips."""
        sealed = moves.copy()
        gap = moves[..., self._upper, 1] - moves[..., self._lower, 1]
        sealed[..., 1] += (gap @ self._follow.T).astype(np.float32)
        return sealed

    def closed(self, neutral: Float32[ndarray, "vertices 3"]) -> Float32[ndarray, "vertices 3"]:
        """A neutral face whose lips touch all along and cross nowhere."""
        return self._closed(neutral, self._contact) if len(self._upper) else neutral.copy()

    def _closed(
        self, neutral: Float32[ndarray, "vertices 3"], contact: LipContact
    ) -> Float32[ndarray, "vertices 3"]:
        head, crossing = contact.parted(neutral)
        share = _SHARE
        for _ in range(_TURNS):
            if self._gaps(head).max() < _TOUCHING:
                break
            drawn, crossings = contact.parted(self._drawn(head, share))
            if crossings > crossing:
                share /= 2
            else:
                head, crossing = drawn, crossings
        return head

    def _gaps(self, head: Float32[ndarray, "vertices 3"]) -> Float32[ndarray, " contacts"]:
        return head[self._upper, 1] - head[self._lower, 1]

    def _drawn(self, head: Float32[ndarray, "vertices 3"], share: float) -> Float32[ndarray, "vertices 3"]:
        """With the contacts drawn together by a share of their gaps."""
        drawn = head.copy()
        slit = np.maximum(self._gaps(head), 0) * (1 - share) + _SLIT
        for _ in range(_CLOSINGS):
            gap = np.maximum(self._gaps(drawn) - slit, 0)
            drawn[:, 1] += (self._follow @ gap).astype(np.float32)
        return drawn


def lip_contacts(model: FaceModel) -> tuple[Int[ndarray, " contacts"], Int[ndarray, " contacts"]]:
    """Vertices of the upper and of the lower lip that touch in the model's template; none where none do.

    From corner to corner, and as far back as lips touch. What hangs on the jaw more than the corners do is
    the lower lip.
    """
    none = np.zeros(0, np.int64)
    if not has_landmarks(model):
        return none, none
    template, width = model.template, _width(model)
    landmarks, drop = model.landmarks(template), _drop(model)
    corners, middle = landmarks[_CORNERS], landmarks[_MIDDLE].mean(axis=0)
    near = model.region_mask("skin", "mouth_interior")
    near &= np.linalg.norm((template - middle) * (0.5, 1, 1), axis=1) < _NEAR * width
    near &= (template[:, 0] > corners[:, 0].min()) & (template[:, 0] < corners[:, 0].max())
    upper, lower = np.flatnonzero(near & (drop < _UPPER)), np.flatnonzero(near & (drop > _LOWER))
    if not len(upper) or not len(lower):
        return none, none
    flat = template * (1, _LEVEL, 1)
    below = cKDTree(flat[lower]).query(flat[upper])[1]
    above = cKDTree(flat[upper]).query(flat[lower])[1]
    mutual = above[below] == np.arange(len(upper))
    upper, lower = upper[mutual], lower[below[mutual]]
    apart = template[upper] - template[lower]
    aside = np.abs(template[upper, 0, None] - corners[:, 0]).min(axis=1)
    high = np.where(aside < _AT_CORNERS * width, _APART_AT_CORNERS, _APART) * width
    touching = (np.hypot(apart[:, 0], apart[:, 2]) < _BESIDE * width) & (np.abs(apart[:, 1]) < high)
    return (upper[touching], lower[touching]) if touching.sum() >= _FEWEST else (none, none)


def _follow(
    model: FaceModel, upper: Int[ndarray, " contacts"], lower: Int[ndarray, " contacts"]
) -> Float[ndarray, "vertices contacts"]:
    """Metres up per metre of a contact's gap: what closes the gaps, moves little and bends little."""
    moves = np.zeros((model.vertex_count, len(upper)))
    if not len(upper):
        return moves
    own, bending = _bending(model, upper, lower)
    gap = _gap(model.vertex_count, upper, lower)[:, own]
    moves[own] = -_FIRMNESS * splu(bending).solve(gap.T.toarray())
    return moves


def _bending(
    model: FaceModel, upper: Int[ndarray, " contacts"], lower: Int[ndarray, " contacts"]
) -> tuple[Int[ndarray, " own"], csc_matrix]:
    """Vertices around the mouth, and what their heights cost: bending, moving, and parting of contacts."""
    contacts, width = np.concatenate([upper, lower]), _width(model)
    near = cKDTree(model.template[contacts]).query(model.template)[0] < _FARTHEST * width
    own = np.flatnonzero(near & model.region_mask("skin", "mouth_interior"))
    bends = from_neighbours(mesh_laplacian(model))[own][:, own]
    gap = _gap(model.vertex_count, upper, lower)[:, own]
    # with neighbours at a distance h, the operator's bending is h^2 / 4 of the surface's
    still = (_edge_length(model, contacts) / (_REACH * width)) ** 4 / 16
    return own, csc_matrix(bends.T @ bends + still * identity(len(own)) + _FIRMNESS * gap.T @ gap)


def _gap(count: int, upper: Int[ndarray, " contacts"], lower: Int[ndarray, " contacts"]) -> csr_matrix:
    """(contacts, vertices): takes heights to those of the upper over the lower lip."""
    whole = identity(count, format="csr")
    return csr_matrix(whole[upper] - whole[lower])


def _edge_length(model: FaceModel, vertices: Int[ndarray, " some"]) -> float:
    """Median length of the edges at vertices, metres."""
    t = model.triangles[np.isin(model.triangles, vertices).any(axis=1)]
    sides = model.template[t] - model.template[np.roll(t, 1, axis=1)]
    return float(np.median(np.linalg.norm(sides, axis=2)))


def _drop(model: FaceModel) -> Float[ndarray, "vertices"]:
    """How far each vertex goes down with the jaw, as parts of the way that the corners of the mouth go."""
    down = -model.expression_deltas[ARKIT_INDEX["jawOpen"]][:, 1].astype(np.float64)
    on_corners = model.landmarks(np.stack([down] * 3, axis=1).astype(np.float32))[_CORNERS, 0].mean()
    return down / max(float(on_corners), _LEAST_DROP)


def _width(model: FaceModel) -> float:
    corners: Float[ndarray, "2 3"] = model.landmarks(model.template)[_CORNERS]
    return float(np.linalg.norm(corners[0] - corners[1]))
