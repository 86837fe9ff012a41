"""Heads as Blender shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.arkit import ARKIT_NAMES
from core.rig import RigMaterial, save_rig
from tests.blenders import each_blender, run_in_blender
from tests.rigs import make_rig

pytestmark = each_blender()


@pytest.fixture
def rig_path(tmp_path: Path) -> Path:
    save_rig(make_rig(rig_id="first"), tmp_path / "head.semrig")
    return tmp_path / "head.semrig"


def to_blender(points: np.ndarray) -> np.ndarray:
    return points[..., [0, 2, 1]] * np.array([1, -1, 1], np.float32)


@pytest.fixture
def built(blender: str, rig_path: Path, tmp_path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    told = run_in_blender(blender, "build", rig_path, tmp_path / "built.npz")
    return told, dict(np.load(tmp_path / "built.npz"))


Built = tuple[dict[str, Any], dict[str, np.ndarray]]


def test_the_mesh_is_the_rigs(built: Built) -> None:
    """One start of Blender for all that a fresh head is."""
    told, arrays = built
    rig = make_rig()
    np.testing.assert_allclose(arrays["neutral"], to_blender(rig.neutral), atol=1e-7)
    np.testing.assert_allclose(arrays["basis"], to_blender(rig.neutral), atol=1e-7)
    np.testing.assert_array_equal(arrays["corners"], rig.polygon_vertices)
    sizes = np.diff(np.append(rig.polygon_starts, len(rig.polygon_vertices)))
    np.testing.assert_array_equal(arrays["sizes"], sizes)
    np.testing.assert_array_equal(arrays["slots"], rig.polygon_material)
    np.testing.assert_array_equal(arrays["uv"], rig.uv)
    np.testing.assert_allclose(arrays["weights"], rig.skin_weights, atol=1e-6)
    assert told["smooth"] and told["valid"]

    assert told["keys"] == ["Basis", *ARKIT_NAMES] and told["relative"]
    assert told["ranges"] == [[0.0, 1.0, 0.0]]
    np.testing.assert_allclose(arrays["shape_keys"], to_blender(rig.shape_keys), atol=1e-6)

    assert told["names"] == ["Test head", "Test head", "Test head", "Test head bones"]
    assert told["in collection"] == ["Test head", "Test head bones"]
    assert told["rig id"] == "first"
    assert told["materials"] == [f"Test head {material.name}" for material in rig.materials]
    assert told["modifiers"] == ["ARMATURE", "SUBSURF"] and told["armature"]
    assert told["subdivision"] == [0, 2]


def test_the_bones_are_the_rigs_joints(built: Built) -> None:
    bones, rig = built[0]["bones"], make_rig()
    assert built[0]["groups"] == list(bones) == ["neck", "head", "jaw", "eye.L", "eye.R"]
    assert [bone["parent"] for bone in bones.values()] == [None, "neck", "head", "head", "head"]
    heads = np.array([bone["head"] for bone in bones.values()])
    np.testing.assert_allclose(heads, to_blender(rig.joints), atol=1e-6)
    for bone in bones.values():
        np.testing.assert_allclose(bone["x"], [1, 0, 0], atol=1e-5)
    for name in ("eye.L", "eye.R"):
        along = np.subtract(bones[name]["tail"], bones[name]["head"])
        assert along[1] < 0 and np.allclose(along[[0, 2]], 0, atol=1e-6)
    assert bones["eye.L"]["head"][0] > 0 > bones["eye.R"]["head"][0]
    assert bones["head"]["tail"][2] > bones["head"]["head"][2]
    np.testing.assert_allclose(bones["neck"]["tail"], bones["head"]["head"], atol=1e-6)


def test_a_positive_turn_about_x_is_down_for_every_bone(blender: str, rig_path: Path) -> None:
    moved = run_in_blender(blender, "pose", rig_path)
    assert moved["head"]["skin"][2] < -0.005 and moved["neck"]["skin"][2] < -0.005
    assert moved["jaw"]["teeth_lower"][2] < -0.005
    assert moved["jaw"]["teeth_upper"] == pytest.approx([0, 0, 0], abs=1e-6)
    for side, other in (("left", "right"), ("right", "left")):
        eye = moved[f"eye.{side[0].upper()}"]
        assert eye[f"eye_{side}"][2] < -0.001
        assert eye[f"eye_{other}"] == pytest.approx([0, 0, 0], abs=1e-6)


@pytest.mark.parametrize("name", ["jawOpen", "tongueOut"])
def test_every_region_follows_the_keys(blender: str, rig_path: Path, tmp_path: Path, name: str) -> None:
    run_in_blender(blender, "evaluated_key", rig_path, name, tmp_path / "offsets.npz")
    expected = to_blender(make_rig().shape_keys[ARKIT_NAMES.index(name)])
    np.testing.assert_allclose(np.load(tmp_path / "offsets.npz")["offsets"], expected, atol=1e-6)


def test_a_textured_material(blender: str, rig_path: Path) -> None:
    told = run_in_blender(blender, "material", rig_path, 0)
    albedo = make_rig().textures["albedo.png"]
    assert told["textured"] and told["packed"] and not told["alpha textured"]
    assert told["size"] == [albedo.shape[1], albedo.shape[0]]
    assert told["corner"] == albedo[-1, 0].tolist()  # Blender's pixels start at the bottom left
    assert told["roughness"] == pytest.approx(0.5) and told["subsurface"] == pytest.approx(0.3)


def test_a_plain_material(blender: str, rig_path: Path) -> None:
    told = run_in_blender(blender, "material", rig_path, 5)
    assert told["color"] == pytest.approx([0.02, 0.015, 0.01]) and told["alpha"] == pytest.approx(0.7)
    assert not told["textured"] and told["size"] is None


def test_the_alpha_channel_of_a_texture_is_used(blender: str, tmp_path: Path) -> None:
    rig = make_rig()
    lashes = np.zeros((8, 8, 4), np.uint8)
    materials = (*rig.materials[:5], RigMaterial("lashes", alpha=0.7, texture="lashes.png"))
    changed = make_rig(materials=materials, textures={**rig.textures, "lashes.png": lashes})
    save_rig(changed, tmp_path / "head.semrig")
    assert run_in_blender(blender, "material", tmp_path / "head.semrig", 5)["alpha textured"]


def test_two_heads_of_one_name_share_nothing(blender: str, rig_path: Path, tmp_path: Path) -> None:
    save_rig(make_rig(rig_id="second"), tmp_path / "other.semrig")
    told = run_in_blender(blender, "two_heads", rig_path, tmp_path / "other.semrig")
    assert told["shared"] == []
    assert told["ids"] == ["first", "second"]
    assert told["targets"] == [True, True]
    assert told["jaws"] == [1.0, 0.0]


def test_building_leaves_the_users_work_as_it_is(blender: str, rig_path: Path) -> None:
    told = run_in_blender(blender, "in_edit_mode", rig_path)
    assert told["before"] == told["after"]
    assert told["before"][0] == "EDIT"


def test_a_build_that_fails_leaves_nothing_behind(blender: str, rig_path: Path) -> None:
    before, after = run_in_blender(blender, "failure", rig_path)
    assert before == after


@pytest.mark.parametrize("name", ["", "Ünïcødé 头 " * 12])
def test_any_name_makes_a_head(blender: str, tmp_path: Path, name: str) -> None:
    save_rig(make_rig(name), tmp_path / "head.semrig")
    told = run_in_blender(blender, "build", tmp_path / "head.semrig", tmp_path / "built.npz")
    assert all(told["names"]) and len(set(told["materials"])) == len(make_rig().materials)
