"""Photos and a fitted head → one albedo atlas."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from core.errors import BadInput
from core.fitting.types import FittedHead
from core.images import look_up, sample_image
from core.progress import Progress
from core.scene.shading import LUMINANCE, linear_to_srgb
from core.surface.atlas import Atlas, pad_charts
from core.surface.brows import draw_brows, hair_colour
from core.surface.delight import Light
from core.surface.eyes import agree_on_irises, iris_radius, measure_iris, paint_eyes
from core.surface.fill import grain_strength, paint_skin, skin_field
from core.surface.harmonic import close_seams
from core.surface.lashes import lash_alpha
from core.surface.materials import MATERIAL_NAMES, head_materials, material_of_polygons
from core.surface.mirror import lift_shadows, mirror_map
from core.surface.parts import LASH_COLOUR, paint_parts, part_colours
from core.surface.pyramid import BandBlender
from core.surface.relief import NEUTRAL, PhotoRelief, build_relief, normal_map, photo_relief, trust_in_relief
from core.surface.seen import SeenSkin, see_skin
from core.surface.types import HeadTexture, PhotoPixels
from core.surface.view import View, sample_photo
from core.surface.weights import share_out
from core.surface.zones import Zones, face_zones

LEVELS = 6
_REDUCTION = 4  # weights and lighting live at this fraction of the atlas's size
_RELIEF_TEXELS = 1024  # 0.4 mm each: finer is no wrinkle, and Blender keeps four floats for each texel
_HAIR = 0.028  # of the atlas's side: how far hair reaches into the outline of a face
_HIGHLIGHT = 1.35  # of the skin tone: brighter than this is gloss, not albedo


def build_texture(
    head: FittedHead,
    photos: Sequence[PhotoPixels],
    size: int = 2048,
    progress: Progress | None = None,
    seed: int = 0,
) -> HeadTexture:
    """Unwrap and blend all photos, take out their light, and fill what they do not show.

    Light and dark that the skin's relief explains go into displacement maps of half the size, at most 1024.

    Args:
        photos: in the order of ``head.photos``.
        size: texels along a side; a multiple of 128.
        progress: told the fraction done, inside the caller's stage.
        seed: of what is made up, where people differ.

    Raises:
        BadInput: no photo, another number of photos than the fit has, or a size that is no multiple of 128.
        Cancelled: the user asked to stop.
    """
    _check(head, photos, size)
    report = progress.update if progress else lambda fraction: None
    model = head.model
    coarse = Atlas.of(model, size // _REDUCTION)
    zones = face_zones(coarse)
    seen = see_skin(head, coarse, zones, photos)
    report(0.2)

    middling = Atlas.of(model, min(size // 2, _RELIEF_TEXELS))
    expressions = [fit.named_expression() for fit in head.photos]
    trusts = trust_in_relief(seen.weights, expressions, _bare_skin(zones))
    reliefs = [photo_relief(middling, *shown) for shown in zip(seen.views, seen.lights, trusts, strict=True)]
    relief = build_relief(middling, head.neutral, list(zip(reliefs, expressions, strict=True)), seed)
    report(0.4)

    atlas = Atlas.of(model, size)
    composite = _blend_photos(atlas, zones, seen, reliefs)
    report(0.6)
    parts = part_colours(model, head.neutral, seen.tone)
    image, field = _paint_all_skin(atlas, coarse, zones, seen, composite, parts)
    report(0.85)

    irises = _irises(seen)
    paint_parts(atlas, image, field)
    paint_eyes(atlas, head.neutral, image, iris_radius(head, seen.views), irises)
    image[atlas.covers("lashes")] = LASH_COLOUR
    image = _without_seams(atlas, image)
    alpha = lash_alpha(atlas, head.neutral)
    report(1.0)
    return HeadTexture(
        albedo=pad_charts(_encode(image), atlas.triangle >= 0),
        alpha=np.round(alpha * 255).astype(np.uint8),
        coverage=cv2.resize(seen.coverage, (size, size), interpolation=cv2.INTER_LINEAR),
        skin_tone=seen.tone,
        iris_left=irises[0],
        iris_right=irises[1],
        materials=head_materials(_mean_colours(atlas, image)),
        material_of_polygon=material_of_polygons(model),
        relief=relief,
        normals=normal_map(middling, head.neutral, relief[NEUTRAL].heights) if NEUTRAL in relief else None,
    )


def _check(head: FittedHead, photos: Sequence[PhotoPixels], size: int) -> None:
    if not photos:
        raise BadInput("No photo was given for the texture.", "Give the photos that the head was fitted to.")
    if len(photos) != len(head.photos):
        raise BadInput(
            f"The head was fitted to {len(head.photos)} photos, but its texture got {len(photos)}.",
            "Give the same photos in the same order.",
        )
    if size <= 0 or size % 128:
        raise BadInput(f"A texture of {size} texels a side cannot be made.", "Choose a multiple of 128.")


def _paint_all_skin(
    atlas: Atlas,
    coarse: Atlas,
    zones: Zones,
    seen: SeenSkin,
    composite: Float32[ndarray, "size size 3"],
    parts: Float[ndarray, "vertices 3"],
) -> tuple[Float32[ndarray, "size size 3"], Float[ndarray, "vertices 3"]]:
    """The photos' albedo with shadows lifted, completed where they show nothing; and the skin's smooth field.

    Args:
        composite: what photos show; changed in place.
        parts: colours of what is not skin.
    """
    coverage, tone = seen.coverage, seen.tone
    quarter = (coarse.size, coarse.size)
    small = np.asarray(cv2.resize(composite, quarter, interpolation=cv2.INTER_AREA), np.float32)
    lift = lift_shadows(small, coverage * (1 - zones.features), seen.twins)
    small *= lift
    composite *= cv2.resize(lift, composite.shape[:2], interpolation=cv2.INTER_LINEAR)
    field = skin_field(coarse, zones, small, coverage, tone, parts)
    clean = coverage * zones.face * (1 - zones.features) * (1 - zones.beard)
    filled = paint_skin(atlas, field, grain_strength(small, clean))
    image = _complete(atlas, coarse, composite, coverage, filled)
    if seen.fringe:
        draw_brows(atlas, image, zones.brows, hair_colour(small, zones.brows, tone))
    return image, field


def _irises(seen: SeenSkin) -> tuple[Float[ndarray, "3"], Float[ndarray, "3"]]:
    """The colours of the left and the right iris, by all photos that show them."""
    found = (
        [iris for view, light in zip(seen.views, seen.lights, strict=True)
         if (iris := measure_iris(view, light.gain, left)) is not None]
        for left in (True, False)
    )  # fmt: skip
    return agree_on_irises(*found)


def _bare_skin(zones: Zones) -> Float32[ndarray, "size size"]:
    """Where light and dark may be relief: no brows, lips and lids, and no hair of temples and jaw."""
    radius = round(_HAIR * len(zones.face))
    inner = cv2.erode(zones.face, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2))
    rim = max(1, radius // 6)
    features = cv2.dilate(zones.features, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8))
    return cv2.GaussianBlur(inner, (0, 0), 0.5 * radius) * (1 - features)


def _blend_photos(
    atlas: Atlas, zones: Zones, seen: SeenSkin, reliefs: list[PhotoRelief | None]
) -> Float32[ndarray, "size size 3"]:
    """Albedo where photos show it, with fine detail from the best photo and the broad tone from all."""
    shown = zip(seen.views, seen.lights, reliefs, strict=True)
    pictures = (_albedo(atlas, *photo, seen.tone) for photo in shown)
    if len(seen.views) == 1:
        return next(pictures)
    weights = seen.weights
    fine = share_out(weights, 4 + 8 * zones.features)
    broad = share_out(weights, 1.5)
    blender = BandBlender(atlas.size, LEVELS)
    for k, picture in enumerate(pictures):
        known = cv2.resize(weights[k], (atlas.size, atlas.size), interpolation=cv2.INTER_LINEAR)
        shares = [fine[k]] * (LEVELS - 2) + [broad[k]] * 2
        blender.add(picture, np.minimum(known / 0.02, 1), shares)
    return np.maximum(blender.result(), 0)


def _albedo(
    atlas: Atlas, view: View, light: Light, relief: PhotoRelief | None, tone: Float[ndarray, "3"]
) -> Float32[ndarray, "s s 3"]:
    colours = sample_photo(atlas, view)
    colours *= atlas.paint_vertices(light.gain / light.shading)
    if relief is not None:
        colours /= cv2.resize(np.exp(relief.shading), colours.shape[:2], interpolation=cv2.INTER_LINEAR)[
            ..., None
        ]
    # gloss: what is far brighter than the skin is squeezed, keeping its texture
    level = colours @ (LUMINANCE / (tone @ LUMINANCE)).astype(np.float32)
    over = np.maximum(level / np.float32(_HIGHLIGHT), 1)
    colours /= (over**0.8)[..., None]
    return colours


def _complete(
    atlas: Atlas,
    coarse: Atlas,
    composite: Float32[ndarray, "size size 3"],
    coverage: Float32[ndarray, "quarter quarter"],
    filled: Float32[ndarray, "size size 3"],
) -> Float32[ndarray, "size size 3"]:
    """What photos show, else its mirror image, else the filled skin, blended in bands."""
    mirror = mirror_map(coarse)
    mirrored_coverage = look_up(coverage, mirror, outside_black=True)
    twin = (1 - coverage) * mirrored_coverage
    rest = np.clip(1 - coverage - twin, 0, 1)
    blender = BandBlender(atlas.size, LEVELS)
    full = (atlas.size, atlas.size)

    def add(picture: ndarray, known: ndarray, weight: ndarray) -> None:
        known = cv2.resize(known, full, interpolation=cv2.INTER_LINEAR)
        blender.add(picture, known, [weight] * LEVELS)

    add(composite, np.minimum(coverage * 4, 1), coverage)
    if twin.max() > 0.02:
        mirrored = look_up(composite, mirror_map(atlas), outside_black=True)
        add(mirrored, np.minimum(mirrored_coverage * 4, 1), twin)
    add(filled, (coarse.triangle >= 0).astype(np.float32), rest)
    return np.clip(blender.result(), 0, 1)


def _without_seams(atlas: Atlas, image: Float32[ndarray, "size size 3"]) -> Float32[ndarray, "size size 3"]:
    """Make the corners that share a vertex agree in colour where charts meet."""
    model = atlas.model
    covered = atlas.triangle >= 0
    skin = atlas.covers("skin", "mouth_interior", "eye_socket")
    shown = sample_image(pad_charts(image, covered), atlas.texels(model.uv))
    count = np.bincount(model.polygon_vertices, minlength=model.vertex_count)
    total = np.zeros((model.vertex_count, 3))
    np.add.at(total, model.polygon_vertices, shown)
    correction = close_seams(model, shown - (total / np.maximum(count, 1)[:, None])[model.polygon_vertices])
    image = image + atlas.paint_corners(correction) * skin[..., None]
    return np.clip(image, 0, 1)


def _mean_colours(atlas: Atlas, image: Float32[ndarray, "size size 3"]) -> dict[str, Float[ndarray, "3"]]:
    sparse = slice(None, None, 4)
    polygon_material = material_of_polygons(atlas.model)
    corner_polygon = (
        np.searchsorted(atlas.model.polygon_starts, atlas.model.triangle_corners[:, 0], side="right") - 1
    )
    of_triangle = np.append(polygon_material[corner_polygon], -1)
    which, colours = of_triangle[atlas.triangle[sparse, sparse]], image[sparse, sparse]
    return {
        name: colours[which == k].mean(axis=0) if (which == k).any() else LASH_COLOUR
        for k, name in enumerate(MATERIAL_NAMES)
    }


def _encode(image: Float32[ndarray, "size size 3"]) -> UInt8[ndarray, "size size 3"]:
    return (linear_to_srgb(torch.from_numpy(image)).numpy() * 255 + 0.5).astype(np.uint8)
