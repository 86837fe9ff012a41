"""Soft masks of the ICT head, from upstream's vertex ranges, its 68 landmarks and the head's shape.

Lengths are metres in the model's space (origin between the eyes).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from numpy import ndarray
from scipy.sparse import csr_array

from core.face_model import building
from core.geometry.smooth import smoothstep

_NARROW_FACE_LAST: Final = 6_705  # upstream: "Narrow face area"
_FULL_FACE_LAST: Final = 9_408  # upstream: "Full face area", with ears and the front of the neck


def neck_share(template: Float[ndarray, "vertices 3"]) -> Float[ndarray, "vertices"]:
    """How much a vertex follows the head rather than the neck.

    The border leans: it runs from under the chin to the nape, 1 above, 0 at the shoulders.
    """
    height = template[:, 1] + 0.35 * template[:, 2]
    return smoothstep(height, -0.205, -0.135)


def ict_masks(
    template: Float[ndarray, "vertices 3"],
    upstream_index: Int[ndarray, "vertices"],
    landmarks: Int[ndarray, "68"],
    skin: Bool[ndarray, "vertices"],
    neighbours: csr_array,
) -> dict[str, Float32[ndarray, "vertices"]]:
    """Masks ``face``, ``lips``, ``brows``, ``ears``, ``neck`` and ``scalp``.

    Args:
        template: positions.
        upstream_index: index of each vertex in upstream's files.
        landmarks: upstream's 68 landmark vertices; all of them are among the kept, whose indices start alike.
        skin: outer skin.
        neighbours: row-normalised adjacency.
    """
    x, y, z = template.T
    narrow = skin & (upstream_index <= _NARROW_FACE_LAST)
    points = template[landmarks]
    front = narrow & (z > 0.0)
    lips = front & building.inside_polygon(template[:, :2], points[48:60, :2])
    brow_distance = np.minimum(
        building.distance_to_line(template, points[17:22]), building.distance_to_line(template, points[22:27])
    )
    beyond = skin & ~narrow
    ears = (
        beyond
        & (upstream_index <= _FULL_FACE_LAST)
        & (np.abs(x) > 0.066)
        & (z < -0.076)
        & (y > -0.066)
        & (y < -0.003)
    )
    neck = beyond & ~ears & (y < np.interp(z, [-0.17, -0.10, -0.06, 0.0], [-0.085, -0.085, -0.095, -0.125]))
    hairline = np.interp(z, [-0.17, -0.11, -0.08, -0.04, -0.01], [-0.060, -0.04, 0.0, 0.02, 0.06])
    scalp = beyond & ~ears & (y > hairline)
    hard = {"face": (narrow, 3), "lips": (lips, 2), "ears": (ears, 2), "neck": (neck, 6), "scalp": (scalp, 6)}
    masks = {
        name: np.where(skin, building.soften(mask.astype(np.float64), neighbours, rounds), 0.0)
        for name, (mask, rounds) in hard.items()
    }
    masks["brows"] = np.where(front, 1.0 - smoothstep(brow_distance, 0.004, 0.009), 0.0)
    return {name: np.clip(mask, 0.0, 1.0).astype(np.float32) for name, mask in masks.items()}
