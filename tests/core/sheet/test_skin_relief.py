"""Displacement maps in pictures of a rig."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from core.rig import Displacement, Rig
from core.sheet.skin_relief import SkinRelief
from core.sheet.views import Framing, Views
from tests.rigs import make_rig

FRONT = Framing((0.0, -0.02, 0.0), 0.3)
SIZE = (120, 120)
SMILE: Mapping[str, float] = {"mouthSmileLeft": 1.0}


def ridged(rig: Rig, weights: Mapping[str, float]) -> Rig:
    """With one ridge around the head, below its middle, 8 mm wide and 1 mm high."""
    v = 1 - (np.arange(512, dtype=np.float32) + 0.5) / 512
    ridge = 1e-3 * np.exp(-(((v - 0.4) / 0.015) ** 2)).astype(np.float32)
    heights = np.repeat(ridge[:, None], 512, axis=1)
    return replace(rig, displacement=(Displacement.of("ridge", heights, weights),))


@pytest.mark.parametrize("look", ["clay", "textured"])
def test_relief_is_seen_with_its_expression_alone(look: str) -> None:
    rig = make_rig(displacement=())
    plain, raised = (getattr(Views(each), look) for each in (rig, ridged(rig, SMILE)))
    np.testing.assert_array_equal(raised(FRONT, SIZE), plain(FRONT, SIZE))
    np.testing.assert_array_equal(raised(FRONT, SIZE, {"jawOpen": 1.0}), plain(FRONT, SIZE, {"jawOpen": 1.0}))
    half, full = (
        np.abs(raised(FRONT, SIZE, {name: much}).astype(int) - plain(FRONT, SIZE, {name: much})).sum()
        for name in SMILE
        for much in (0.5, 1.0)
    )
    assert full > 1.5 * half > 1000


@pytest.mark.parametrize("look", ["clay", "textured"])
def test_light_from_above_makes_the_upper_side_of_a_ridge_bright(look: str) -> None:
    rig = make_rig(displacement=())
    plain, raised = (getattr(Views(each), look)(FRONT, (300, 300)) for each in (rig, ridged(rig, {})))
    change = (raised.astype(int) - plain)[:, 100:200].mean((1, 2))
    assert change.max() > 2 and change.min() < -2
    assert change.argmax() < change.argmin(), "row 0 is the top"


def test_only_the_skin_has_relief() -> None:
    rig = make_rig()
    renamed = tuple(replace(each, name=f"not {each.name}") for each in rig.materials)
    bare = replace(rig, displacement=())
    for look in ("clay", "textured"):
        plain, other, raised = (
            getattr(Views(each), look)(FRONT, SIZE) for each in (bare, replace(rig, materials=renamed), rig)
        )
        np.testing.assert_array_equal(other, plain)
        assert np.abs(raised.astype(int) - plain).max() > 3


def test_relief_is_seen_in_a_photos_pictures(portrait_rig: Rig) -> None:
    grooves = 1e-3 * np.sin(np.arange(512, dtype=np.float32) / 2)
    carved = Displacement.of("neutral", np.tile(grooves, (512, 1)))
    plain, raised = Views(portrait_rig), Views(replace(portrait_rig, displacement=(carved,)))
    for look in ("clay_as_photo", "head_over_photo"):
        change = getattr(raised, look)(0, SIZE).astype(int) - getattr(plain, look)(0, SIZE)
        assert np.abs(change).max() > 10
    np.testing.assert_array_equal(raised.mesh_over_photo(0, SIZE), plain.mesh_over_photo(0, SIZE))


def test_maps_are_added_by_their_strengths() -> None:
    rig = make_rig()
    relief = SkinRelief(rig, rig.triangle_corners).of({"mouthSmileLeft": 0.25}, 1e-4)
    assert relief is not None
    neutral, _, smile, _ = (item.heights() for item in rig.displacement)
    np.testing.assert_allclose(relief.heights.numpy(), neutral + 0.25 * smile, atol=1e-9)
    assert SkinRelief(replace(rig, displacement=()), rig.triangle_corners).of({}, 1e-4) is None


def test_small_pictures_use_coarser_maps_of_the_same_mean() -> None:
    rig = ridged(make_rig(), {})
    skin = SkinRelief(rig, rig.triangle_corners)
    near, far, farthest = (skin.of({}, pixel) for pixel in (1e-5, 2e-3, 1e3))
    assert near is not None and far is not None and farthest is not None
    assert len(near.heights) == 512 and 32 < len(far.heights) < 512 and len(farthest.heights) == 1
    assert float(far.heights.mean()) == pytest.approx(float(near.heights.mean()), rel=1e-3)
