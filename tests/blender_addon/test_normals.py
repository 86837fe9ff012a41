"""The relief at rest as normals: a .glb has them, and Blender does not count them beside its displacement."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.rig import save_rig
from tests.blenders import each_blender, run_in_blender
from tests.rigs import MATERIALS, make_rig

pytestmark = each_blender()


@pytest.fixture
def plain_path(tmp_path: Path) -> Path:
    """A rig that differs from the other in having no normal map."""
    textures = {name: image for name, image in make_rig().textures.items() if name != "normal.png"}
    materials = tuple(replace(material, normal_map=None) for material in MATERIALS)
    save_rig(make_rig(materials=materials, textures=textures), tmp_path / "plain.semrig")
    return tmp_path / "plain.semrig"


@pytest.fixture
def run(blender: str) -> Any:
    def call(function: str, *arguments: object) -> Any:
        return run_in_blender(blender, function, *arguments, module="inside_normals")

    return call


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """A .glb's document and its binary chunk."""
    content = path.read_bytes()
    length = int.from_bytes(content[12:16], "little")
    return json.loads(content[20 : 20 + length]), content[28 + length :]


def test_the_skin_has_normals_that_nothing_in_blender_uses(run: Any, rig_path: Path) -> None:
    told = run("describe", rig_path)
    assert told["kind"] == ["NORMAL_MAP", "TANGENT", 1.0] and not told["used"]
    assert all(".glb" in label for label in told["labels"])
    assert told["picture"] == [True, "Non-Color"]
    assert told["materials"] == [material.normal_map is not None for material in MATERIALS]


def test_the_glb_has_the_rigs_normals_on_the_skin(run: Any, rig_path: Path, tmp_path: Path) -> None:
    run("write", rig_path, folder(tmp_path, "out"))
    document, binary = parts(tmp_path / "out" / "head.glb")
    bent = {item["name"]: item["normalTexture"] for item in document["materials"] if "normalTexture" in item}
    assert list(bent) == ["Test head skin"]
    texture = bent["Test head skin"]
    assert texture.get("scale", 1) == 1 and texture.get("texCoord", 0) == 0
    source = document["images"][document["textures"][texture["index"]]["source"]]
    view = document["bufferViews"][source["bufferView"]]
    start = view.get("byteOffset", 0)
    picture = Image.open(BytesIO(binary[start : start + view["byteLength"]]))
    np.testing.assert_array_equal(np.asarray(picture), make_rig().textures["normal.png"])


def test_materials_are_as_before_an_export_and_one_that_fails(
    run: Any, rig_path: Path, tmp_path: Path
) -> None:
    told = run("write", rig_path, folder(tmp_path, "out"))
    assert told["built"] == told["written"] == told["failed"]


def obj_lines(path: Path) -> tuple[list[str], np.ndarray]:
    """What the lines of an OBJ say without vertices' numbers, and those."""
    told: list[str] = []
    numbers: list[list[float]] = []
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        vertex = word in ("v", "vt", "vn")
        told.append(word if vertex else line)
        if vertex:
            numbers.append(([float(part) for part in rest.split()] + [0.0])[:3])
    return told, np.array(numbers)


def test_an_obj_is_that_of_a_rig_without_normals(
    run: Any, rig_path: Path, plain_path: Path, tmp_path: Path
) -> None:
    run("write", rig_path, folder(tmp_path, "bent"))
    run("write", plain_path, folder(tmp_path, "plain"))
    files = {file.name for file in (tmp_path / "bent").iterdir()} - {"head.glb"}
    assert files == {"head.obj", "head.mtl", "head_albedo.png", "head_eye.png"}
    for name in files - {"head.obj"}:
        assert (tmp_path / "bent" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    told, numbers = zip(*(obj_lines(tmp_path / made / "head.obj") for made in ("bent", "plain")), strict=True)
    assert told[0] == told[1]
    # Two starts of Blender may round a normal's fourth decimal or a vertex's sixth to either side
    np.testing.assert_allclose(numbers[0], numbers[1], atol=1.5e-4)
    vertices = [line == "v" for line in told[0] if line.startswith("v")]
    np.testing.assert_allclose(numbers[0][vertices], numbers[1][vertices], atol=2e-6)
    document, _ = parts(tmp_path / "plain" / "head.glb")
    assert len(document["images"]) == 2
    assert not any("normalTexture" in material for material in document["materials"])


def test_normals_that_a_user_put_to_use_stay_so(run: Any, rig_path: Path, tmp_path: Path) -> None:
    before, after = run("linked_by_hand", rig_path, "", folder(tmp_path, "out"))
    assert before == after
    assert (tmp_path / "out" / "head_normal.png").exists()
    assert "head_normal.png" in (tmp_path / "out" / "head.mtl").read_text()
    document, _ = parts(tmp_path / "out" / "head.glb")
    assert sum("normalTexture" in material for material in document["materials"]) == 1


def test_a_users_own_normals_are_not_replaced(run: Any, rig_path: Path, tmp_path: Path) -> None:
    before, after = run("linked_by_hand", rig_path, "ShaderNodeBump", folder(tmp_path, "out"))
    assert before == after
    assert not (tmp_path / "out" / "head_normal.png").exists()


def test_a_rebuilt_head_keeps_no_old_normals(run: Any, rig_path: Path, plain_path: Path) -> None:
    first, again, plain, back = run("rebuild", rig_path, plain_path)
    assert first == again == back and "Test head normal" in first
    assert plain == [name for name in first if name != "Test head normal"]


def test_the_glb_comes_back_with_its_normals(run: Any, rig_path: Path, tmp_path: Path) -> None:
    run("write", rig_path, folder(tmp_path, "out"))
    told = run("import_glb", tmp_path / "out" / "head.glb", tmp_path / "pixels.npy")
    assert told["keys"] == 52 and told["material"] == "Test head skin"
    assert told["node"] == ["NORMAL_MAP", "TANGENT", 1.0] and told["color space"] == "Non-Color"
    pixels = np.load(tmp_path / "pixels.npy")[::-1, :, :3]  # Blender's start at the bottom left
    np.testing.assert_allclose(pixels, make_rig().textures["normal.png"] / 255, atol=1e-6)
