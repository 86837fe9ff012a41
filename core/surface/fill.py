"""Skin that no photo shows: a smooth continuation of the person's tone, with the grain of their skin."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.face_model.laplacian import mesh_laplacian
from core.images import sample_image
from core.scene.shading import LUMINANCE
from core.surface.atlas import Atlas
from core.surface.harmonic import harmonic_fill
from core.surface.noise import value_noise
from core.surface.zones import Zones

_LIKE_TONE = 0.30  # log distance from the tone beyond which a texel is no guide to unseen skin
_PULL = 4e-3  # towards the tone, per vertex: colours carry about 15 edges
_GRAIN = ((0.45e-3, 0.6), (1.1e-3, 0.7), (4.0e-3, 0.45), (14e-3, 0.5))  # size in metres, share
_BLUSH = np.array([0.3, 1.0, 1.0], np.float32)  # blood shows in green and blue more than in red
_GRAIN_RANGE = (0.012, 0.030)


def skin_field(
    atlas: Atlas,
    zones: Zones,
    composite: Float32[ndarray, "size size 3"],
    trust: Float32[ndarray, "size size"],
    tone: Float[ndarray, "3"],
    parts: Float[ndarray, "vertices 3"],
) -> Float[ndarray, "vertices 3"]:
    """Smooth linear colours at all vertices: seen clean skin and lips carry outwards, the far gets the tone.

    Args:
        parts: colours of teeth, mouth and the like, which hold where they are.
    """
    model = atlas.model
    weight = cv2.GaussianBlur(trust, (0, 0), 1.5)
    blurred = cv2.GaussianBlur(composite * trust[..., None], (0, 0), 1.5)
    at = atlas.texels(model.uv)
    sampled = sample_image(np.dstack([blurred, weight, zones.lips]), at)
    values = np.tile(tone, (model.vertex_count, 1))
    known, lips = np.zeros(model.vertex_count), np.zeros(model.vertex_count)
    for corner_values, out in ((sampled[:, 3], known), (sampled[:, 4], lips)):
        np.maximum.at(out, model.polygon_vertices, corner_values)
    best = sampled[:, 3] >= known[model.polygon_vertices] - 1e-6
    values[model.polygon_vertices[best]] = sampled[best, :3] / np.maximum(sampled[best, 3:4], 1e-4)
    away = np.abs(np.log(np.maximum(values, 1e-3) / tone)).max(axis=1)
    like = np.exp(-((away / _LIKE_TONE) ** 2))
    nails = 8.0 * known * np.maximum(like, lips > 0.5)
    skin = model.region_mask("skin")
    guides = nails * (skin & (lips < 0.5))
    if guides.sum() > 1:  # cheeks and chin differ: the unseen gets the mean of what is seen of plain skin
        tone = np.exp((guides[:, None] * np.log(np.maximum(values, 1e-3))).sum(axis=0) / guides.sum())
    inner = ~skin
    values[inner], nails[inner] = parts[inner], 100.0
    return np.clip(harmonic_fill(mesh_laplacian(model), values, nails, tone, _PULL), 0.0, 1.0)


def grain_strength(composite: Float32[ndarray, "size size 3"], clean: Float32[ndarray, "size size"]) -> float:
    """Relative contrast of fine detail on clean skin (robust: moles, wrinkles and stubble count little)."""
    grey = composite @ LUMINANCE.astype(np.float32)
    smooth = cv2.GaussianBlur(np.asarray(grey, np.float32), (0, 0), 4.0)
    detail = grey / np.maximum(smooth, 0.01) - 1
    inside = clean > 0.8
    if inside.sum() < 200:
        return _GRAIN_RANGE[0]
    return float(np.clip(1.2 * np.median(np.abs(detail[inside])), *_GRAIN_RANGE))


def paint_skin(
    atlas: Atlas, field: Float[ndarray, "vertices 3"], strength: float
) -> Float32[ndarray, "size size 3"]:
    """The field at every texel, with grain. It is a function of the place on the template: no seams."""
    painted = atlas.paint_vertices(np.column_stack([field, atlas.model.template]))
    inside = atlas.triangle >= 0
    points = painted[inside, 3:]
    grain = np.zeros(len(points), np.float32)
    for size, share in _GRAIN:
        grain += np.float32(share) * value_noise(points * np.float32(1 / size))
    blotch = value_noise(points * np.float32(1 / 9e-3) + np.float32(50))
    image = painted[..., :3].copy()
    factor = 1 + np.float32(strength) * (2.0 * grain[:, None] + blotch[:, None] * _BLUSH)
    image[inside] *= factor.astype(np.float32)
    return image
