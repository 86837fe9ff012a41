"""The relief of a head in Blender: what its maps add up to, and that they follow the keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.arkit import ARKIT_NAMES
from core.rig import Displacement, save_rig
from tests.blenders import each_blender, run_in_blender
from tests.rigs import MATERIALS, make_rig

pytestmark = each_blender()

NAMES = ["neutral", "wrinkle_brow_raise", "wrinkle_smile_left", "wrinkle_chin"]
REST = dict(zip(NAMES, [1.0, 0.0, 0.0, 0.0], strict=True))


@pytest.fixture
def run(blender: str) -> Any:
    def call(function: str, *arguments: object) -> Any:
        return run_in_blender(blender, function, *arguments, module="inside_displacement")

    return call


def flat(name: str, weights: Mapping[str, float]) -> Displacement:
    return Displacement.of(name, np.zeros((4, 4), np.float32), weights)


def test_the_skins_material_has_the_maps(run: Any, rig_path: Path) -> None:
    told = run("describe", rig_path)
    assert told["group"] == "Test head displacement" and told["height from"] == "GROUP"
    assert told["displacement"] == ["OBJECT", 0.0, 1.0] and told["strength"] == 1.0
    assert told["others"] == 0
    assert told["pictures"] == 2 * [[True, True, "Non-Color", [64, 64], "Cubic"]]
    assert told["maps"] == NAMES
    assert len(told["expressions"]) == 3 and told["without Python"]


def test_a_rig_without_maps_or_skin_has_no_relief(run: Any, tmp_path: Path) -> None:
    nothing = {"groups": 0, "linked": False, "strength": False}
    others = tuple(item for item in MATERIALS if item.name != "skin")
    one = np.zeros_like(make_rig().polygon_material)
    for changes in ({"displacement": ()}, {"materials": others, "polygon_material": one}):
        save_rig(make_rig(**changes), tmp_path / "head.semrig")
        assert run("plain", tmp_path / "head.semrig") == nothing


def test_renderers_see_the_heights_of_the_rig(run: Any, rig_path: Path, tmp_path: Path) -> None:
    """Cubic interpolation is a B-spline's, which at a texel's centre weighs its neighbours 1 : 4 : 1."""
    run("heights", rig_path, 2.0, tmp_path)
    expression = {"browInnerUp": 1.0, "mouthSmileLeft": 0.5}
    heights = sum(2.0 * item.strength(expression) * item.heights() for item in make_rig().displacement)
    for axis in (0, 1):
        heights = (np.roll(heights, 1, axis) + 4 * heights + np.roll(heights, -1, axis)) / 6
    assert np.abs(heights).max() > 1e-3
    np.testing.assert_allclose(np.load(tmp_path / "heights.npy"), heights, atol=2e-8)


def test_maps_follow_sliders_and_keyframes(run: Any, rig_path: Path) -> None:
    told = run("follow", rig_path)
    assert told["rest"] == REST
    assert told["up"] == {**REST, "wrinkle_brow_raise": 0.6}
    assert told["all up"] == {**REST, "wrinkle_brow_raise": 1.0}
    assert told["at 6"]["wrinkle_smile_left"] == pytest.approx(0.5, abs=1e-3)


def test_any_weights_make_a_driver_that_needs_no_python(run: Any, tmp_path: Path) -> None:
    maps = (
        flat("many", dict.fromkeys(ARKIT_NAMES[:16], -1.23456e-05)),
        flat("below", {"jawOpen": -0.5}),
        flat("mixed", {"jawOpen": 1 / 3, "tongueOut": -0.2}),
        flat("tiny", {"jawOpen": 1e-300, "cheekPuff": 0.25}),
        flat("vast", {"jawOpen": 1e300}),
    )
    save_rig(make_rig(displacement=maps), tmp_path / "head.semrig")
    told = run("expressions", tmp_path / "head.semrig")
    assert told["strengths"] == {"many": 0.0, "below": 0.0, "mixed": 0.0667, "tiny": 0.125, "vast": 1.0}
    assert told["valid"] and told["longest"] <= 255


def test_the_heads_panel_scales_the_relief(run: Any, rig_path: Path, tmp_path: Path) -> None:
    assert run("panel", rig_path) == [["Skin relief", 1.0]]
    save_rig(make_rig(displacement=()), tmp_path / "plain.semrig")
    assert run("panel", tmp_path / "plain.semrig") == []


def test_each_of_two_heads_follows_its_own_keys(run: Any, rig_path: Path) -> None:
    assert run("twice", rig_path) == [REST, {**REST, "wrinkle_brow_raise": 0.6}]


def test_a_rebuilt_head_follows_its_new_keys(run: Any, rig_path: Path, tmp_path: Path) -> None:
    save_rig(make_rig(detail=2), tmp_path / "other.semrig")
    save_rig(make_rig(displacement=()), tmp_path / "plain.semrig")
    told = run("rebuild", rig_path, tmp_path / "other.semrig", tmp_path / "plain.semrig")
    assert told["before"] == told["after"] == told["back"] and told["reads its own keys"]
    assert told["kept"] == {**REST, "wrinkle_brow_raise": 0.6}
    assert told["moved"] == {**REST, "wrinkle_brow_raise": 0.3}
    assert told["strength"] == 0.5
    assert told["plain"] == {**told["before"], "node_groups": 0, "images": told["before"]["images"] - 2}


def test_a_rebuild_that_fails_leaves_the_old_relief(run: Any, rig_path: Path) -> None:
    told = run("failed_rebuild", rig_path)
    assert told["before"] == told["after"]
    assert told["follows"] == {**REST, "wrinkle_brow_raise": 0.6}


def test_relief_survives_saving_appending_and_linking(run: Any, rig_path: Path, tmp_path: Path) -> None:
    told = run("kept", rig_path, tmp_path)
    assert told["reloaded"] == told["append"] == told["link"] == [0.6, 2, True]
