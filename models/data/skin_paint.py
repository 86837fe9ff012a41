"""Paints a skin recipe at the points of a surface: vertices for the albedo basis, texels for pictures."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.geometry.smooth import smoothstep
from core.surface.noise import value_noise
from models.data.skin_recipe import SkinRecipe
from models.data.surface import Surface

_MILLIMETRE: Final = 1e-3
_HAIRY: Final = 0.5  # share of hair in a texel from which it is no skin


def paint_skin(
    recipe: SkinRecipe,
    surface: Surface,
    photo: Float32[ndarray, "points 3"],
    *,
    fine: bool,
    scalp: float = 0.0,
    hairline: float = 0.0,
) -> tuple[Float32[ndarray, "points 3"], Float32[ndarray, "points"]]:
    """Linear albedo of the skin's points, and how far each is bare skin (1) or the scalp's hair (0).

    Args:
        photo: the photographed skin at the same points, divided by its tone.
        fine: details below two millimetres too: for texels, not for vertices.
        scalp: how densely hair covers the scalp, 0-1.
        hairline: metres that it starts behind the usual line.
    """
    at = surface.points + np.float32(_MILLIMETRE) * recipe.shift.astype(np.float32) * 40
    albedo = (1 - recipe.photo) * _plain(recipe, surface, at)
    if recipe.photo:
        albedo += recipe.photo * recipe.tone * np.maximum(photo, 0.02) ** recipe.photo_contrast
    own = 1 - 0.8 * recipe.photo  # the photographed skin brings its own features along
    _shade_folds(recipe, surface, at, albedo, fine)
    if fine:
        _spots(recipe, surface, at, albedo)
        pores = _noise(at, 0.9) + 0.7 * _noise(at, 0.45)
        albedo *= (1 + 0.045 * recipe.pores * pores)[:, None]
    _make_up(recipe, surface, albedo)
    lips = smoothstep(1.25 - surface.lips / (1.5 * _MILLIMETRE)) * recipe.lip_strength
    creases = 1 + 0.12 * _stretched(at, 0.8, 6.0) if fine else np.ones(len(at))
    _cover(albedo, lips, recipe.lip_colour * creases[:, None])
    _brows_and_beard(recipe, surface, at, albedo, own, fine)
    hair = _scalp_hair(surface, at, scalp, hairline, fine)
    streaks = 1 + 0.35 * _stretched(at, 0.8, 12.0) if fine else np.ones(len(at))
    _cover(albedo, hair, recipe.hair_colour * streaks[:, None])
    return albedo.clip(0.003, 0.95).astype(np.float32), (hair < _HAIRY).astype(np.float32)


def _plain(recipe: SkinRecipe, surface: Surface, at: ndarray) -> Float[ndarray, "points 3"]:
    """Tone with blotches of a few sizes, redder where blood is near."""
    blotches = 0.6 * _noise(at, 38) + 0.7 * _noise(at, 14) + 0.5 * _noise(at, 5)
    albedo = recipe.tone * (1 + recipe.mottle * blotches)[:, None]
    red = _bell(surface.cheek, 0.022) + 0.9 * _bell(surface.nose, 0.013) + 0.35 * _noise(at + 9, 11)
    red += 0.4 * _bell(surface.lids, 0.006)
    albedo *= np.exp(recipe.redness * red[:, None] * np.array([0.02, -0.22, -0.18]))
    return np.asarray(albedo)


def _shade_folds(recipe: SkinRecipe, surface: Surface, at: ndarray, albedo: ndarray, fine: bool) -> None:
    """Bags under the eyes, folds beside the mouth, lines of forehead and eye corners."""
    below = _bell(surface.lids - 0.006, 0.005) * (surface.above_eye < 0.001)
    albedo *= 1 - recipe.bags * below[:, None] * np.array([0.20, 0.26, 0.24])
    folds = _bell(surface.folds, 0.0013) * recipe.wrinkles
    if fine:
        y, x = surface.points[:, 1], surface.points[:, 0]
        wave = 2 * np.pi * (y + 0.0025 * _noise(at * np.array([1, 0.3, 1], np.float32), 14)) / 0.0085
        line = np.clip(np.cos(wave) - 0.86, 0, 1) / 0.14
        zone = smoothstep((surface.above_brow - 0.009) / 0.006) * smoothstep((0.052 - np.abs(x)) / 0.015)
        folds = folds + 0.7 * line * zone * (surface.hair < 0) * recipe.wrinkles**1.5
        distance, angle = surface.corner.T
        feet = np.clip(np.cos(9 * angle + 0.8 * _noise(at, 9)) - 0.8, 0, 1) / 0.2
        zone = _bell(distance - 0.010, 0.005) * (np.abs(angle) < 1.0)
        folds = folds + 0.6 * feet * zone * recipe.wrinkles**1.5
    albedo *= 1 - np.clip(folds, 0, 1)[:, None] * np.array([0.22, 0.30, 0.30])


def _spots(recipe: SkinRecipe, surface: Surface, at: ndarray, albedo: ndarray) -> None:
    """Freckles, and a few moles."""
    if recipe.freckles:
        where = _bell(surface.cheek, 0.035) + _bell(surface.nose, 0.03) + 0.25
        seed = _noise(at + 3, 1.7) + 0.5 * _noise(at + 5, 3.5)
        albedo *= 1 - smoothstep((seed - 0.75) / 0.2)[:, None] * np.minimum(where, 1)[:, None] * (
            recipe.freckles * np.array([0.30, 0.42, 0.50])
        )
    skin = np.flatnonzero(surface.skin & (surface.points[:, 2] > -0.02))
    for mole in range(recipe.moles):
        place = np.abs(recipe.shift[mole % 3] * 1e4 + 7919 * mole)
        centre = surface.points[skin[int(place) % len(skin)]]
        size = (0.5 + 0.25 * (mole % 4)) * _MILLIMETRE
        spot = _bell(np.linalg.norm(surface.points - centre, axis=1), size)
        albedo *= 1 - spot[:, None] * np.array([0.55, 0.65, 0.65])


def _make_up(recipe: SkinRecipe, surface: Surface, albedo: ndarray) -> None:
    if recipe.blush:
        pink = recipe.tone * np.array([1.0, 0.55, 0.6])
        _cover(albedo, recipe.blush * _bell(surface.cheek, 0.02), pink)
    if recipe.shadow:
        lid = _bell(surface.lids - 0.004, 0.004) * (surface.above_eye > -0.001)
        _cover(albedo, recipe.shadow * lid, recipe.shadow_colour)
    liner = smoothstep(1.3 - surface.lids / (0.9 * _MILLIMETRE)) * np.where(surface.above_eye > 0, 1.0, 0.5)
    _cover(albedo, recipe.liner * liner, recipe.tone * 0.12)


def _brows_and_beard(
    recipe: SkinRecipe, surface: Surface, at: ndarray, albedo: ndarray, own: float, fine: bool
) -> None:
    """Hairs of the brows and the beard or its stubble, lips kept free."""
    along = surface.along_brow
    width = recipe.brow_width * (1.15 - 0.65 * along)
    lifted = surface.above_brow - recipe.brow_arch * 0.003 * np.sin(np.pi * along)
    across = np.where(surface.brows < 0.02, np.hypot(lifted, 0.6 * surface.brows), surface.brows)
    brow = smoothstep((1.35 - across / width) / 0.7)
    beard = smoothstep(surface.beard / 0.008) * smoothstep((surface.lips - 0.0018) / 0.0015)
    if fine:
        side = np.abs(surface.points[:, 0])
        slant = np.stack([side - 0.9 * at[:, 1], at[:, 1] + 0.5 * side, at[:, 2]], axis=1)
        brow = brow * np.clip(0.85 + 0.6 * _stretched(slant.astype(np.float32), 0.55, 2.2), 0, 1)
        stubble = np.clip(0.5 + 0.9 * _noise(at, 0.55), 0, 1)
        whiskers = np.clip(0.8 + 0.5 * _stretched(at, 0.5, 5.0), 0, 1)
        patchy = np.clip(0.85 + 0.5 * _noise(at + 11, 9), 0, 1)
        beard = beard * patchy * (stubble if recipe.beard_length < 0.5 else whiskers)
    _cover(
        albedo, 0.97 * brow * recipe.brow_strength * own, np.minimum(recipe.hair_colour, 0.6 * recipe.tone)
    )
    if recipe.beard:
        grey = recipe.hair_colour + recipe.grizzle * (0.3 - recipe.hair_colour)
        _cover(albedo, np.clip(beard * recipe.beard * (0.4 + 0.55 * recipe.beard_length), 0, 0.95), grey)


def _scalp_hair(
    surface: Surface, at: ndarray, scalp: float, hairline: float, fine: bool
) -> Float[ndarray, "points"]:
    """How much hair covers each point of the scalp."""
    if not scalp:
        return np.zeros(len(at))
    depth = surface.hair - hairline + 0.004 * _noise(at + 1, 12)
    if fine:
        depth = depth + 0.003 * _stretched(at, 1.0, 12.0)
    return np.asarray(scalp * smoothstep(depth / 0.006))


def _cover(albedo: ndarray, weight: ndarray, colour: ndarray) -> None:
    albedo += np.clip(weight, 0, 1)[:, None] * (colour - albedo)


def _noise(at: ndarray, millimetres: float | int) -> Float32[ndarray, "points"]:
    return value_noise((at * np.float32(1 / (millimetres * _MILLIMETRE))).astype(np.float32))


def _stretched(at: ndarray, across: float, along: float) -> Float32[ndarray, "points"]:
    """Noise drawn out upwards, sizes in millimetres."""
    step = np.array([1 / across, 1 / along, 1 / across], np.float32) / np.float32(_MILLIMETRE)
    return value_noise((at * step).astype(np.float32))


def _bell(distance: ndarray, width: float) -> Float32[ndarray, "points"]:
    return np.exp(-np.square(distance / width)).astype(np.float32)
