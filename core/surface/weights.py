"""How much each photo counts at each texel."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.surface.atlas import Atlas, sample_image
from core.surface.view import View, visibility
from core.surface.zones import Zones

_GRAZING, _FACING = 0.15, 0.6  # cosines between which a photo gains trust


def photo_weight(atlas: Atlas, zones: Zones, view: View) -> Float32[ndarray, "size size"]:
    """Trust in one photo by what it sees: visibility × angle × skin, before its sharpness counts.

    In the beard zone and at brows, eyes, lips and nostrils a pixel need not look like skin; inside open
    eyes and mouths nothing counts, as the skin there is folded away.
    """
    seen, cosine = visibility(atlas, view)
    angle = np.clip((cosine - _GRAZING) / (_FACING - _GRAZING), 0, 1)
    angle = angle * angle * (3 - 2 * angle) * np.clip(cosine, 0, 1)
    where = atlas.paint_vertices(view.pixels).reshape(-1, 2)
    masks = sample_image(np.dstack([view.skin, view.person, view.opening]), where)
    skin, person, opening = np.moveaxis(masks.reshape(*seen.shape, 3), -1, 0)
    accepted = np.maximum.reduce([skin, zones.features, zones.beard]) * np.clip(2 * person - 0.5, 0, 1)
    # what lies next to something hidden or foreign is in doubt too
    sure = cv2.erode(seen * accepted, np.ones((3, 3), np.uint8))
    sure = cv2.GaussianBlur(sure, (0, 0), 0.004 * atlas.size) * (seen * accepted)
    weight = sure * angle * zones.face * (1 - opening)
    weight[atlas.triangle < 0] = 0
    return weight.astype(np.float32)


def sharpness(atlas: Atlas, view: View, weight: Float32[ndarray, "size size"]) -> float:
    """Contrast of the finest details that the atlas could hold, where the photo counts; relative to its light."""
    where = atlas.paint_vertices(view.pixels).reshape(-1, 2)
    grey = sample_image(cv2.cvtColor(view.image, cv2.COLOR_RGB2GRAY), where).reshape(weight.shape)
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.002 * atlas.size)
    detail = np.abs(grey - smooth) / np.maximum(smooth, 0.02)
    return float((detail * weight).sum() / max(float(weight.sum()), 1e-6))


def share_out(
    weights: list[Float32[ndarray, "size size"]], power: Float32[ndarray, "size size"] | float
) -> list[Float32[ndarray, "size size"]]:
    """Weights raised to a power and scaled to sum to 1 wherever any photo counts: high powers let the best win."""
    top = np.maximum(np.maximum.reduce(weights), 1e-6)
    raised = [np.power(weight / top, power) for weight in weights]
    total = np.add.reduce(raised)
    known = np.minimum(top / 1e-3, 1)
    return [(part / total * known).astype(np.float32) for part in raised]
