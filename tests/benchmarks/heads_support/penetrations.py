"""What lies inside a head and comes through its skin, and lips that cross: pairs of triangles that cross.

Skin counts wherever it lies outside of the lids' margins, which are the rings of edges around the socket that
lie outside the eyeball on the template (``core.deformation.eyelids``). What a lid continues into within its
margin runs through the eyeball on the template itself, faces it, and is hidden by it. What breaks through a
lid, from behind, crosses the lid's skin outside the margin. Teeth, tongue and lining count with all skin.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.deformation.eyelids import find_eyelids
from core.face_model.model import FaceModel
from core.geometry.crossings import crossing_pairs
from tests.benchmarks.heads_support.case import face_model

_PARTS = {
    "teeth": ("teeth_upper", "teeth_lower"),
    "tongue": ("tongue",),
    "lining": ("mouth_interior",),
    "eyeballs": ("eye_left", "eye_right"),
}
_OF_LIPS = 0.3  # of the mask, for a triangle to count as the lips'


def penetrations(vertices: Float[ndarray, "vertices 3"], model: FaceModel) -> dict[str, int]:
    """Crossing pairs of triangles: each part with the skin, and the lips' skin with itself.

    Args:
        vertices: of the head at rest or posed.
    """
    skin, outer, lips, inside = _triangles(model.name)
    through = {name: outer if name == "eyeballs" else skin for name in inside}
    found = {name: len(crossing_pairs(vertices, part, through[name])) for name, part in inside.items()}
    return found | {"lips": len(crossing_pairs(vertices, lips))}


@lru_cache
def _triangles(name: str) -> tuple[ndarray, ndarray, ndarray, dict[str, ndarray]]:
    model = face_model()
    assert name == model.name
    triangles = model.triangles

    def of(*regions: str) -> ndarray:
        return triangles[model.region_mask(*regions)[triangles].all(axis=1)]

    # a triangle that joins two regions is the inner one's rim: it belongs to neither
    skin = of("skin")
    lips = skin[model.masks["lips"][skin].min(axis=1) > _OF_LIPS]
    within = np.zeros(model.vertex_count, bool)
    for lids in find_eyelids(model):
        within[lids.inside] = True
    outer = skin[~within[skin].any(axis=1)]
    return skin, outer, lips, {name: of(*regions) for name, regions in _PARTS.items()}


def worst(counts: list[dict[str, int]]) -> dict[str, int]:
    """The largest count of each kind."""
    return {name: int(np.max([count[name] for count in counts])) for name in counts[0]}
