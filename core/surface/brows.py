"""Eyebrows under a fringe: no photo shows them, so they are drawn."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.scene.shading import LUMINANCE
from core.surface.atlas import Atlas
from core.surface.noise import value_noise

# Share of plain skin just above a brow below which hair hangs over it. A fringe that ends above the brows
# leaves a few per cent free on one side at least, and a drawn brow over a real one is the worse mistake.
_FREE = 0.01
_DENSITY = 0.9
_HAIR_LEVELS = (0.18, 0.32)  # of the tone's luminance: darker looks painted, lighter does not show
_USUAL_HAIR = np.array([0.30, 0.24, 0.20])  # of the tone, where the photos show no hair either
_HAIR = np.array([1 / 0.35e-3, 1 / 1.6e-3, 1 / 0.8e-3], np.float32)  # hairs are fine across, long upwards


def brows_are_hidden(
    like: Float32[ndarray, "size size"], above: tuple[Float32[ndarray, "size size"], ...]
) -> bool:
    """Whether a photo shows hair instead of the brows: no plain skin right above either.

    Args:
        like: how much each texel looks like plain skin.
        above: a band over each brow.
    """
    return all(float((like * band).sum() / max(float(band.sum()), 1e-6)) < _FREE for band in above)


def hair_colour(
    composite: Float32[ndarray, "size size 3"],
    brows: Float32[ndarray, "size size"],
    tone: Float[ndarray, "3"],
) -> Float[ndarray, "3"]:
    """Linear colour for drawn brows: of the dark that hangs over them, but as dark as brows are."""
    colours = composite[brows > 0.5]
    dark = colours[colours @ LUMINANCE < 0.8 * float(tone @ LUMINANCE)]
    if len(dark) < 20:
        return tone * _USUAL_HAIR
    colour = np.median(dark, axis=0)
    level = float(colour @ LUMINANCE) / float(tone @ LUMINANCE)
    return colour * float(np.clip(level, *_HAIR_LEVELS)) / max(level, 1e-3)


def draw_brows(
    atlas: Atlas,
    image: Float32[ndarray, "size size 3"],
    brows: Float32[ndarray, "coarse coarse"],
    colour: Float[ndarray, "3"],
) -> None:
    """Hairs of one colour into ``image`` (linear) where ``brows`` is above 0."""
    size = (atlas.size, atlas.size)
    mask = cv2.resize(brows, size, interpolation=cv2.INTER_LINEAR)
    rows, columns = np.nonzero(mask > 0.01)
    if not len(rows):
        return
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    points = atlas.part(box).paint_vertices(atlas.model.template)
    side = np.abs(points[..., 0])
    leaning = np.stack([side - 0.5 * points[..., 1], points[..., 1] + 0.5 * side, points[..., 2]], axis=-1)
    hairs = value_noise((leaning * _HAIR).reshape(-1, 3)).reshape(mask[box].shape)
    cover = (mask[box] ** 2 * np.clip(_DENSITY + 0.45 * hairs, 0, 1))[..., None]  # thin at the rim
    image[box] += (cover * (colour - image[box])).astype(np.float32)
