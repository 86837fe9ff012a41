"""What is written for Blender and for others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pygltflib
import pytest
import trimesh
from PIL import Image

from core.arkit import ARKIT_NAMES
from core.rig import save_rig
from tests.blenders import each_blender, run_in_blender
from tests.rigs import make_rig

pytestmark = each_blender()


@pytest.fixture
def written(blender: str, tmp_path: Path) -> Path:
    """A folder with head.blend, head.glb and head.obj."""
    save_rig(make_rig(), tmp_path / "head.semrig")
    outputs = [tmp_path / f"head{ending}" for ending in (".blend", ".glb", ".obj")]
    run_in_blender(blender, "write", tmp_path / "head.semrig", *outputs)
    return tmp_path


def test_the_blend_opens_ready_to_work(blender: str, written: Path) -> None:
    told = run_in_blender(blender, "open_blend", written / "head.blend")
    assert told["camera"] == "Camera" and told["lights"] == 3
    assert told["engine"].startswith("BLENDER_EEVEE")
    assert told["active"] == "Test head" and told["mode"] == "OBJECT" and told["keys"] == 53
    assert told["views"] == [["MATERIAL", "CAMERA"]]
    assert told["unpacked"] == []


def test_a_render_shows_a_lit_head_in_the_middle(blender: str, written: Path) -> None:
    run_in_blender(blender, "render", written / "head.blend", written / "head.png")
    picture = np.asarray(Image.open(written / "head.png").convert("L"), float)
    height, width = picture.shape
    middle = picture[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
    rim = np.concatenate([picture[:, 0], picture[:, -1], picture[0], picture[-1]])
    assert middle.std() > 3  # the light models the form
    assert middle.mean() > rim.mean() + 20
    assert np.mean(picture > 250) < 0.02  # nothing burns out


def matrix_of_morphs(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Positions, displacements and names of the morph targets, all primitives in a row, by pygltflib."""
    gltf = pygltflib.GLTF2().load(path)
    blob = gltf.binary_blob()
    components = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}

    def view(index: int, offset: int, kind: int, count: int, width: int) -> np.ndarray:
        start = gltf.bufferViews[index].byteOffset + (offset or 0)
        return np.frombuffer(blob, components[kind], count * width, start).reshape(count, width)

    def vectors(index: int) -> np.ndarray:
        accessor = gltf.accessors[index]
        dense = np.zeros((accessor.count, 3), np.float32)
        if accessor.bufferView is not None:
            dense[:] = view(accessor.bufferView, accessor.byteOffset, 5126, accessor.count, 3)
        if sparse := accessor.sparse:
            at = view(
                sparse.indices.bufferView,
                sparse.indices.byteOffset,
                sparse.indices.componentType,
                sparse.count,
                1,
            )
            dense[at[:, 0]] = view(sparse.values.bufferView, sparse.values.byteOffset, 5126, sparse.count, 3)
        return dense

    mesh = gltf.meshes[0]
    positions = np.concatenate([vectors(part.attributes.POSITION) for part in mesh.primitives])
    morphs = [
        np.concatenate([vectors(part.targets[index]["POSITION"]) for part in mesh.primitives])
        for index in range(len(mesh.primitives[0].targets))
    ]
    return positions, np.stack(morphs), mesh.extras["targetNames"]


def assert_morphs(positions: np.ndarray, morphs: np.ndarray, names: list[str]) -> None:
    """Every vertex is one of the rig's, and moves as it does; exporters split and merge vertices."""
    rig = make_rig()
    distance = np.linalg.norm(positions[:, None] - rig.neutral[None], axis=-1)
    nearest = distance.argmin(axis=1)
    assert distance.min(axis=1).max() < 1e-6
    assert set(nearest.tolist()) == set(range(len(rig.neutral)))
    assert names == list(ARKIT_NAMES)
    np.testing.assert_allclose(morphs, rig.shape_keys[:, nearest], atol=1e-6)


def test_the_glb_holds_named_morphs_for_any_reader(written: Path) -> None:
    assert_morphs(*matrix_of_morphs(written / "head.glb"))


def test_the_glb_has_the_heads_size_and_textures_for_a_viewer(written: Path) -> None:
    scene = trimesh.load_scene(written / "head.glb")
    rig = make_rig()
    np.testing.assert_allclose(scene.bounds, [rig.neutral.min(axis=0), rig.neutral.max(axis=0)], atol=1e-6)
    images = [mesh.visual.material.baseColorTexture for mesh in scene.geometry.values()]
    assert sorted(image.size for image in images if image) == [(16, 16), (32, 32)]


def test_the_glb_comes_back_into_blender(blender: str, written: Path) -> None:
    told = run_in_blender(blender, "import_glb", written / "head.glb", written / "back.npz")
    assert told["ranges"] == [[0.0, 1.0]]
    assert told["bones"] == ["eye.L", "eye.R", "head", "jaw", "neck"] and told["skinned"]
    assert told["images"] == 3
    back = np.load(written / "back.npz")
    y_up = np.array([1, 1, -1], np.float32)
    positions, morphs = (back[name][..., [0, 2, 1]] * y_up for name in ("basis", "shape_keys"))
    assert_morphs(positions, morphs, told["keys"])


def test_the_glbs_skin_and_header(written: Path) -> None:
    content = (written / "head.glb").read_bytes()
    document = json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])
    joints = [document["nodes"][index]["name"] for index in document["skins"][0]["joints"]]
    assert sorted(joints) == ["eye.L", "eye.R", "head", "jaw", "neck"]
    assert len(document["meshes"]) == 1
    assert all("WEIGHTS_0" in part["attributes"] for part in document["meshes"][0]["primitives"])


def test_the_obj_keeps_quads_and_uvs(written: Path) -> None:
    rig = make_rig()
    lines = [line.split() for line in (written / "head.obj").read_text().splitlines() if line]
    vertices = np.array([line[1:4] for line in lines if line[0] == "v"], float)
    np.testing.assert_allclose(vertices, rig.neutral, atol=2e-6)
    coordinates = np.array([line[1:3] for line in lines if line[0] == "vt"], float)
    faces = [[corner.split("/") for corner in line[1:]] for line in lines if line[0] == "f"]

    got = {}
    for face in faces:
        corners = [int(corner[0]) - 1 for corner in face]
        uvs = coordinates[[int(corner[1]) - 1 for corner in face]]
        got[frozenset(corners)] = dict(zip(corners, uvs, strict=True))
    ends = [*rig.polygon_starts[1:].tolist(), len(rig.polygon_vertices)]
    assert len(faces) == len(ends)
    for start, end in zip(rig.polygon_starts.tolist(), ends, strict=True):
        corners = rig.polygon_vertices[start:end].tolist()
        uvs = np.array([got[frozenset(corners)][corner] for corner in corners])
        np.testing.assert_allclose(uvs, rig.uv[start:end], atol=1e-5)


def test_the_objs_textures_lie_beside_it(written: Path) -> None:
    material = (written / "head.mtl").read_text()
    rig = make_rig()
    for name in ("albedo.png", "eye.png"):
        image = rig.textures[name]
        assert f"map_Kd head_{name}" in material
        np.testing.assert_array_equal(np.asarray(Image.open(written / f"head_{name}")), image)
