"""The clay look of picture sheets: grey, three lights, darker in folds."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

# Direction towards the light in camera axes (y down, -z towards the viewer), and colour in linear light.
_CLAY_LIGHTS = (
    ((-0.75, -0.80, -0.62), (1.00, 0.95, 0.88)),  # key: above left, warm
    ((0.95, -0.05, -0.45), (0.13, 0.16, 0.21)),  # fill: right, cool
    ((0.55, -0.50, 0.75), (0.55, 0.58, 0.64)),  # rim: behind right
)
_CLAY_AMBIENT = (0.11, 0.12, 0.135)
_CLAY_ALBEDO = (0.50, 0.485, 0.47)


def clay_colour(
    normals: Float[Tensor, "*batch 3"], points: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 3"]:
    """Grey clay under three lights, for looking at shape; linear light.

    Args:
        normals: unit, camera axes.
        points: surface positions in camera axes, metres (the highlight depends on the view).
    """
    view = -F.normalize(points, dim=-1)
    # Sheets without thickness (lids, lashes) are seen from both sides: turn normals to the viewer.
    facing = (normals * view).sum(-1, keepdim=True)
    normals = normals - 2 * facing.clamp_max(0) * view
    albedo = normals.new_tensor(_CLAY_ALBEDO)
    from_above = 0.5 - 0.5 * normals[..., 1:2]
    colour = albedo * normals.new_tensor(_CLAY_AMBIENT) * (0.5 + from_above)
    for towards, light in _CLAY_LIGHTS:
        direction = F.normalize(normals.new_tensor(towards), dim=-1)
        half = F.normalize(view + direction, dim=-1)
        # A little wrap keeps the shadow side readable, as light scattered in clay does.
        wrapped = ((normals @ direction + 0.1) / 1.1).clamp_min(0).unsqueeze(-1)
        highlight = (normals * half).sum(-1, keepdim=True).clamp_min(0) ** 24
        colour = colour + normals.new_tensor(light) * (albedo * wrapped + 0.06 * highlight * wrapped)
    return colour


# Pairs of opposite neighbours, as (column, row) fractions of the radius.
_CAVITY_PAIRS = ((1.0, 0.0), (0.0, 1.0), (0.71, 0.71), (0.71, -0.71), (0.35, 0.2), (-0.2, 0.35))
_CAVITY_RADII = (0.003, 0.009)


def cavity(depth: Float[Tensor, "height width"], focal: float) -> Float[Tensor, "height width"]:
    """How open the surface is at every pixel: 1 where flat or convex, towards 0 in folds and holes.

    Compares each pixel's depth with the mean of opposite neighbours 3 and 9 mm around, so that slopes
    cancel out; a cheap stand-in for the shadows that clay has in nostrils and between lips.

    Args:
        depth: metres, infinite in the background.
        focal: pixels.
    """
    found = depth.isfinite()
    if not bool(found.any()):
        return torch.ones_like(depth)
    pixels_a_metre = focal / float(depth[found].median())
    return openness(depth, tuple(radius * pixels_a_metre for radius in _CAVITY_RADII))


def openness(
    depth: Float[Tensor, "*batch height width"], reaches: tuple[float, ...]
) -> Float[Tensor, "*batch height width"]:
    """:func:`cavity` of pictures in which 3 and 9 mm are this many pixels."""
    reaches = tuple(max(1.0, reach) for reach in reaches)
    margin = math.ceil(max(reaches))
    found = depth.isfinite()
    covered = F.pad(found, (margin,) * 4)
    filled = F.pad(depth.where(found, torch.zeros_like(depth)), (margin,) * 4)
    closed = torch.zeros_like(filled)
    for radius, reach in zip(_CAVITY_RADII, reaches, strict=True):
        for across, down in _CAVITY_PAIRS:
            rise, known = torch.zeros_like(filled), covered
            for sign in (1, -1):
                offset = (sign * round(down * reach), sign * round(across * reach))
                # A neighbour far in front or behind belongs to something else.
                rise = rise + (filled - filled.roll(offset, (-2, -1))).clamp(-radius, radius)
                known = known & covered.roll(offset, (-2, -1))
            # The small bias hides the facets of steep slopes.
            closed = closed + (rise / radius - 0.08).clamp_min(0).where(known, torch.zeros_like(rise))
    open_ = torch.exp(-1.5 * closed / (len(_CAVITY_RADII) * len(_CAVITY_PAIRS)))
    height, width = depth.shape[-2:]
    return open_[..., margin : margin + height, margin : margin + width]
