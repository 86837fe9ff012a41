"""Random skins of one face model: a texture for pictures, the same at the vertices for labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.face_model.model import JOINTS, REGIONS, FaceModel
from core.fitting.face_surface import face_weight
from core.surface.atlas import Atlas, pad_charts
from core.surface.eyes import IRIS_RADIUS, paint_eyes
from core.surface.lashes import lash_alpha
from core.surface.parts import LASH_COLOUR, paint_parts, part_colours
from models.data.skin_paint import paint_skin
from models.data.skin_recipe import SkinRecipe
from models.data.skins import Portrait, fit_portrait, public_portrait
from models.data.surface import Surface, texel_surface, vertex_surface

TEXTURE_SIDE: Final = 384
_SCLERA: Final = np.array([0.62, 0.585, 0.555])
_PUPIL: Final = 0.36  # of the iris


@dataclass(frozen=True)
class HeadTexture:
    """What a head's surface shows.

    Attributes:
        image: linear RGB, and 1 where a texel is bare skin; row 0 is v = 1.
    """

    image: Float32[ndarray, "side side 4"]


class TexturePainter:
    """Textures and vertex albedos of one model."""

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        self.atlas = Atlas.of(model, TEXTURE_SIDE)
        self._covered = self.atlas.triangle >= 0
        self._vertices, self._texels = vertex_surface(model), texel_surface(self.atlas)
        self._vertex_photo, self._texel_photo = _unwrapped_portrait(self.atlas, self._vertices, self._texels)
        self.lash_alpha = lash_alpha(self.atlas, model.template)
        self._from_iris = _from_iris(model)

    def texture(self, recipe: SkinRecipe, scalp: float = 0.0, hairline: float = 0.0) -> HeadTexture:
        """The texture of a skin; ``scalp`` and ``hairline`` as in :func:`paint_skin`."""
        model, atlas = self.model, self.atlas
        skin, bare = paint_skin(
            recipe, self._texels, self._texel_photo, fine=True, scalp=scalp, hairline=hairline
        )
        image = np.zeros((TEXTURE_SIDE, TEXTURE_SIDE, 3), np.float32)
        image[self._covered] = skin
        paint_parts(atlas, image, self._part_colours(recipe))
        paint_eyes(atlas, model.template, image, IRIS_RADIUS, (recipe.iris, recipe.iris))
        eyes = atlas.covers("eye_left", "eye_right")
        image[eyes] *= np.where(image[eyes].min(axis=1, keepdims=True) > 0.3, recipe.white, 1.0)
        image[atlas.covers("lashes")] = LASH_COLOUR
        layers = np.zeros((TEXTURE_SIDE, TEXTURE_SIDE, 4), np.float32)
        layers[..., :3] = image
        layers[self._covered, 3] = bare * self._texels.skin
        return HeadTexture(pad_charts(layers, self._covered))

    def vertex_albedo(self, recipe: SkinRecipe) -> Float32[ndarray, "vertices 3"]:
        """Linear albedo at the vertices: the skin without details that vertices cannot show, without hair."""
        albedo, _ = paint_skin(recipe, self._vertices, self._vertex_photo, fine=False)
        parts = self._part_colours(recipe)
        other = ~self._vertices.skin
        albedo[other] = parts[other]
        eyes = self.model.region_mask("eye_left", "eye_right")
        angle = self._from_iris[eyes, None]
        white = _SCLERA * recipe.white
        albedo[eyes] = np.where(angle < _PUPIL, 0.02, np.where(angle < 1, recipe.iris, white))
        albedo[self.model.region_mask("lashes")] = LASH_COLOUR
        return albedo.astype(np.float32)

    def _part_colours(self, recipe: SkinRecipe) -> Float32[ndarray, "vertices 3"]:
        colours = part_colours(self.model, self.model.template, recipe.tone)
        teeth = self.model.region_mask("teeth_upper", "teeth_lower")
        colours[teeth] *= recipe.teeth
        colours[self.model.region_mask("tongue", "mouth_interior")] *= recipe.flesh
        return colours.astype(np.float32)


def _unwrapped_portrait(
    atlas: Atlas, vertices: Surface, texels: Surface
) -> tuple[Float32[ndarray, "vertices 3"], Float32[ndarray, "texels 3"]]:
    """NASA's portrait of Eileen Collins (public domain) at vertices and at covered texels, over its tone.

    What the photo does not show is its mirror twin, then the plain tone; so are hair, ears and teeth.
    """
    portrait = fit_portrait(atlas.model, public_portrait(), face_weight(atlas.model))
    twins = atlas.model.mirror
    values = np.column_stack(
        [
            portrait.in_camera, portrait.normals, portrait.trust,
            portrait.in_camera[twins], portrait.normals[twins], 0.2 * portrait.trust[twins],
        ]
    ).astype(np.float32)  # fmt: skip
    painted = atlas.paint_vertices(values)[atlas.triangle >= 0]
    return _over_tone(portrait, values, vertices), _over_tone(portrait, painted, texels)


def _over_tone(
    portrait: Portrait, values: Float32[ndarray, "points 14"], surface: Surface
) -> Float32[ndarray, "points 3"]:
    believed = np.clip((-surface.hair - 0.032) / 0.015, 0, 1) * np.clip((surface.lips - 0.003) / 0.004, 0, 1)
    weights = np.full(len(values), 0.02, np.float32)
    colours = np.tile(0.02 * portrait.tone, (len(values), 1))
    for part in (values[:, :7], values[:, 7:]):
        point, normal = (np.ascontiguousarray(part[:, k : k + 3]) for k in (0, 3))
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
        trust = part[:, 6] * believed
        colours += trust[:, None] * portrait.albedo(point, normal)
        weights += trust
    return (colours / weights[:, None] / portrait.tone).astype(np.float32)


def _from_iris(model: FaceModel) -> Float32[ndarray, "vertices"]:
    """Distance of eye vertices from the axis of their gaze, over the iris's radius; 9 elsewhere."""
    joints = model.joints(model.template)
    distance = np.full(model.vertex_count, 9, np.float32)
    for name in ("eye_left", "eye_right"):
        own = model.region == REGIONS.index(name)
        off = model.template[own] - joints[JOINTS.index(name)]
        axis = np.hypot(off[:, 0], off[:, 1]) / IRIS_RADIUS
        distance[own] = np.where(off[:, 2] > 0, axis, 9)
    return distance
