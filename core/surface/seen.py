"""What photos show of a head's skin: each photo's view, its light, and the trust in it at each texel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.fitting.types import FittedHead
from core.geometry.smooth import smoothstep
from core.surface.atlas import Atlas, solid_triangles
from core.surface.delight import Light, agree_on_tone, estimate_light
from core.surface.mirror import mirror_map
from core.surface.types import PhotoPixels
from core.surface.view import View, make_view
from core.surface.weights import folded_lids, likely_skin, photo_weight, prefer_lit_side, sharpness
from core.surface.zones import Zones

_ENOUGH = 0.25  # weight at which a photo is trusted in full


@dataclass(frozen=True)
class SeenSkin:
    """What the photos show of the skin, on the coarse atlas.

    Attributes:
        weights: trust in each photo at each texel.
        tone: of the skin, linear.
        twins: place of each texel's mirror image.
        fringe: in all photos hair hides the brows.
    """

    views: list[View]
    lights: list[Light]
    weights: list[Float32[ndarray, "coarse coarse"]]
    tone: Float[ndarray, "3"]
    twins: Float32[ndarray, "coarse coarse 2"]
    fringe: bool

    @cached_property
    def coverage(self) -> Float[ndarray, "coarse coarse"]:
        """Trust in the photos together, 0-1."""
        return smoothstep(np.maximum.reduce(self.weights) / _ENOUGH)


def see_skin(head: FittedHead, coarse: Atlas, zones: Zones, photos: Sequence[PhotoPixels]) -> SeenSkin:
    """Views, lights and weights of photos: sharp, unfolded, lit skin of the person counts.

    Args:
        coarse: the atlas that weights and light live on, with its ``zones``.
        photos: in the order of ``head.photos``.
    """
    views = [make_view(head, fit, photo) for fit, photo in zip(head.photos, photos, strict=True)]
    unfolded = 1 - coarse.paint_vertices(folded_lids(head)[:, None])[..., 0]
    weights = [weight * unfolded for weight in _photo_weights(coarse, zones, views)]
    lights, tone = _lights(head, coarse, zones, views, weights)
    twins = mirror_map(coarse)
    looks = [likely_skin(coarse, zones, view, light, tone) for view, light in zip(views, lights, strict=True)]
    weights = [
        prefer_lit_side(coarse, weight * like, light, twins)
        for weight, (like, _), light in zip(weights, looks, lights, strict=True)
    ]
    return SeenSkin(views, lights, weights, tone, twins, all(fringe for _, fringe in looks))


def _photo_weights(coarse: Atlas, zones: Zones, views: list[View]) -> list[Float32[ndarray, "size size"]]:
    """Trust in each photo at each texel, sharper ones above blurred ones."""
    weights = [photo_weight(coarse, zones, view) for view in views]
    if len(views) == 1:
        return weights
    sharp = np.array(
        [sharpness(coarse, view, weight) for view, weight in zip(views, weights, strict=True)]
    ) * np.array([min(view.pixels_per_metre, 8000.0) for view in views])
    relative = sharp / max(float(sharp.max()), 1e-9)
    return [weight * np.float32(max(r, 0.05)) for weight, r in zip(weights, relative, strict=True)]


def _lights(
    head: FittedHead,
    coarse: Atlas,
    zones: Zones,
    views: list[View],
    weights: list[Float32[ndarray, "size size"]],
) -> tuple[list[Light], Float[ndarray, "3"]]:
    plain = zones.face * (1 - zones.features) * (1 - 0.7 * zones.beard)
    at_vertices = zones.at_vertices(coarse, plain.astype(np.float32))
    at_vertices[~head.model.region_mask("skin")] = 0
    forehead = zones.at_vertices(coarse, zones.upper)
    solid = solid_triangles(head.model)
    lights = [
        estimate_light(view, solid, at_vertices, forehead, fit.sh)
        for view, fit in zip(views, head.photos, strict=True)
    ]
    return agree_on_tone(lights, np.array([float(weight.sum()) for weight in weights]))
