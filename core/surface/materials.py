"""Which material each polygon has, and how it takes light."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int32
from numpy import ndarray

from core.face_model.model import REGIONS, FaceModel
from core.surface.atlas import polygon_regions
from core.surface.types import Material

_MATERIAL_OF_REGION = {
    "skin": "skin",
    "eye_left": "eyes",
    "eye_right": "eyes",
    "teeth_upper": "teeth",
    "teeth_lower": "teeth",
    "tongue": "tongue",
    "lashes": "lashes",
    "mouth_interior": "mouth",
    "eye_socket": "mouth",
}
# roughness, subsurface
_LOOKS = {
    "skin": (0.50, 0.12),
    "eyes": (0.08, 0.02),
    "teeth": (0.22, 0.08),
    "tongue": (0.35, 0.12),
    "mouth": (0.35, 0.10),
    "lashes": (0.60, 0.0),
}
MATERIAL_NAMES = tuple(_LOOKS)


def material_of_polygons(model: FaceModel) -> Int32[ndarray, "polygons"]:
    """Index into ``MATERIAL_NAMES`` of every polygon."""
    of_region = np.array([MATERIAL_NAMES.index(_MATERIAL_OF_REGION[name]) for name in REGIONS], np.int32)
    return of_region[polygon_regions(model)]


def head_materials(colours: dict[str, Float[ndarray, "3"]]) -> tuple[Material, ...]:
    """The materials in the order of ``MATERIAL_NAMES``; ``colours`` are their mean linear albedos."""
    return tuple(
        Material(
            name=name,
            base_color=(float(colours[name][0]), float(colours[name][1]), float(colours[name][2])),
            roughness=roughness,
            subsurface=subsurface,
            alpha=name == "lashes",
        )
        for name, (roughness, subsurface) in _LOOKS.items()
    )
