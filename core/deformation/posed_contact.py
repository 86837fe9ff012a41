"""A person's inside that stays inside, at rest and with the expressions that are known of them.

Each of the 52 moves the skin over eyes and teeth as it should, but several at once add up. What an expression
needs besides, its shapes take up: of all changes of shapes that add up to a displacement e of a vertex, each
shape k that moves it by δ_k takes the part

    Δ_k = c_k |δ_k|² / Σ_j c_j² |δ_j|² · e,    so that   Σ_k c_k Δ_k = e

and one that does not move it stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from numpy import ndarray
from scipy.sparse import csc_matrix, csr_matrix
from scipy.sparse.linalg import splu

from core.deformation.interior import inside_mouth
from core.deformation.lid_contact import LidContact
from core.face_model.laplacian import from_neighbours, mesh_laplacian
from core.face_model.model import FaceModel
from core.geometry.crossings import crossing_pairs

_ROUNDS: Final = 4  # what one photo asks for may reach the others
_RETREAT: Final = 2.5e-4  # metres by which teeth are moved back at a time
_FARTHEST: Final = 5e-3
_RINGS: Final = 6  # around what crosses


def keep_inside(
    model: FaceModel,
    neutral: Float32[ndarray, "vertices 3"],
    deltas: Float32[ndarray, "52 vertices 3"],
    expressions: Sequence[Float[ndarray, "52"]],
) -> tuple[Float32[ndarray, "vertices 3"], Float32[ndarray, "52 vertices 3"]]:
    """The head and its shapes with nothing coming through the skin, at rest and in the expressions given.

    Teeth and tongue move back together, the lining of the mouth gives way, and lids are pushed off the eyes.
    """
    inside = _Inside(model)
    template = model.template.astype(np.float64)
    neutral, deltas = neutral.astype(np.float64), deltas.astype(np.float64)
    known = [e.astype(np.float64) for e in expressions if e.any()]
    for _ in range(_ROUNDS):
        start = neutral
        neutral = inside.lining_behind(neutral, template)
        for e in known:
            posed = neutral + np.tensordot(e, deltas, axes=1)
            # the lining is nowhere seen: it goes where it is in nobody's way, at rest as well
            neutral = neutral + inside.lining_behind(posed, neutral) - posed
        if start is neutral or np.array_equal(start, neutral):
            break
    for _ in range(_ROUNDS):
        asked = [inside.lids.pushed(neutral + np.tensordot(e, deltas, axes=1)) for e in known]
        if not any(one.any() for one in asked):
            break
        for off, e in zip(asked, known, strict=True):
            deltas += _shared(off, e, deltas)
    heads = [neutral + np.tensordot(e, deltas, axes=1) for e in known]
    neutral[inside.mouth, 2] -= inside.retreat([neutral, *heads])
    return neutral.astype(np.float32), deltas.astype(np.float32)


def _shared(
    off: Float[ndarray, "vertices 3"], e: Float[ndarray, "52"], deltas: Float[ndarray, "52 vertices 3"]
) -> Float[ndarray, "52 vertices 3"]:
    """Changes of the shapes that add up to a displacement."""
    change = np.zeros_like(deltas)
    at, used = np.flatnonzero(off.any(axis=1)), np.flatnonzero(e)
    squares = (deltas[np.ix_(used, at)] ** 2).sum(axis=2)
    total = (e[used] ** 2) @ squares
    part = e[used, None] * squares / np.where(total > 0, total, np.inf)
    change[np.ix_(used, at)] = part[:, :, None] * off[at]
    return change


class _Inside:
    """What lies inside the heads of a model, and the skin that it must not come through."""

    def __init__(self, model: FaceModel) -> None:
        self.lids = LidContact(model)
        self.mouth = inside_mouth(model)
        self._skin = _triangles(model, model.region_mask("skin"))
        self._teeth = _triangles(model, model.region_mask("teeth_upper", "teeth_lower", "tongue"))
        self._gives = model.region_mask("mouth_interior")
        self._lining = _triangles(model, self._gives)
        self._differences = from_neighbours(mesh_laplacian(model))

    def retreat(self, heads: Sequence[Float[ndarray, "vertices 3"]]) -> float:
        """Metres that teeth and tongue go back by so that none of the heads' skins is crossed."""
        back = 0.0
        counts = []
        while back <= _FARTHEST:
            moved = [head - np.where(self.mouth, back, 0)[:, None] * (0, 0, 1) for head in heads]
            counts.append(sum(len(_crossing(head, self._teeth, self._skin)) for head in moved))
            if counts[-1] == 0:
                return back
            back += _RETREAT
        return float(np.argmin(counts)) * _RETREAT

    def lining_behind(
        self, points: Float[ndarray, "vertices 3"], sound: Float[ndarray, "vertices 3"]
    ) -> Float[ndarray, "vertices 3"]:
        """A head whose lining, where it comes through the skin, has another head's form there.

        Displacements between the two are harmonic over what crosses and some rings around.
        """
        for rings in range(_RINGS):
            pairs = _crossing(points, self._lining, self._skin)
            if not len(pairs):
                break
            patch = np.zeros(len(points), bool)
            patch[self._lining[pairs[:, 0]]] = True
            for _ in range(rings):
                patch |= self._differences @ patch != 0
            points = _harmonic(points, sound, patch & self._gives, self._differences)
        return points


def _harmonic(
    points: ndarray, sound: ndarray, patch: Bool[ndarray, "vertices"], differences: csr_matrix
) -> ndarray:
    inside = np.flatnonzero(patch)
    moved = points - sound
    moved[inside] = 0
    # Δ d = 0 inside, d as it is around
    rows = differences[inside]
    moved[inside] = splu(csc_matrix(rows[:, inside])).solve(-(rows @ moved))
    return np.where(patch[:, None], sound + moved, points)


def _triangles(model: FaceModel, mask: Bool[ndarray, "vertices"]) -> Int[ndarray, "triangles 3"]:
    return model.triangles[mask[model.triangles].all(axis=1)]


def _crossing(points: ndarray, part: ndarray, skin: ndarray) -> Int[ndarray, "pairs 2"]:
    return crossing_pairs(points.astype(np.float32).astype(np.float64), part, skin)
