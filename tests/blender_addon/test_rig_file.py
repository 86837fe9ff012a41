"""The add-on's own reader agrees with what is written, and needs neither bpy nor the rest of Semblance."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from blender_addon.rig_file import RigUnreadable, read_rig, to_blender
from blender_addon.rig_photos import from_text, to_text
from core.arkit import ARKIT_NAMES
from core.rig import RigLens, save_rig
from tests.blenders import ROOT
from tests.rigs import make_rig


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_rig(make_rig(), tmp_path / "head.semrig")
    return tmp_path / "head.semrig"


def rewritten(path: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    result = path.with_name("changed.semrig")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, change(content) if name == member else content)
    return result


def document_with(path: Path, **changes: object) -> Path:
    return rewritten(path, "rig.json", lambda text: json.dumps({**json.loads(text), **changes}).encode())


@given(arrays_of.arrays(np.float32, (4, 3), elements=st.floats(-10, 10, width=32)))
def test_blenders_space_is_a_rotation_that_turns_up_to_z_and_front_to_minus_y(points: np.ndarray) -> None:
    turn = to_blender(np.eye(3, dtype=np.float32)).T
    np.testing.assert_array_equal(turn @ [0, 1, 0], [0, 0, 1])
    np.testing.assert_array_equal(turn @ [0, 0, 1], [0, -1, 0])
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(to_blender(points), points @ turn.T)


def test_it_reads_what_is_written(saved: Path) -> None:
    rig, read = make_rig(), read_rig(saved)
    assert read.name == rig.name and read.shape_key_names == rig.shape_key_names
    assert read.joint_names == rig.joint_names and read.joint_parents == rig.joint_parents
    for name in ("neutral", "shape_keys", "landmarks", "joints"):
        np.testing.assert_array_equal(getattr(read, name), to_blender(getattr(rig, name)))
    for name in ("polygon_vertices", "polygon_starts", "uv", "regions", "skin_weights", "polygon_material"):
        np.testing.assert_array_equal(getattr(read, name), getattr(rig, name))
    assert [vars(item) for item in read.materials] == [vars(item) for item in rig.materials]
    assert set(read.textures) == {"albedo.png", "eye.png", "normal.png"}
    assert all(content.startswith(b"\x89PNG") for content in read.textures.values())


def test_photos_say_what_lens_they_were_taken_with(saved: Path, tmp_path: Path) -> None:
    assert (read_rig(saved).photos[0].lens, read_rig(saved).photos[0].lens_of) == ("", "")
    (photo,) = make_rig().photos
    shared = replace(photo, lens=RigLens("exif", "left.jpg"))
    save_rig(make_rig(photos=(shared,), previews={}), tmp_path / "lens.semrig")
    (read,) = read_rig(tmp_path / "lens.semrig").photos
    assert (read.lens, read.lens_of, read.equivalent) == ("exif", "left.jpg", pytest.approx(50.625))
    assert from_text(to_text((read,))) == (read,)
    old = json.loads(to_text((read,)))
    for name in ("lens", "lens_of", "equivalent"):
        del old[0][name]  # a head that was built before
    assert from_text(json.dumps(old))[0].lens == ""


def test_a_folder_reads_like_the_zip(saved: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        archive.extractall(tmp_path / "folder")
    np.testing.assert_array_equal(read_rig(tmp_path / "folder").neutral, read_rig(saved).neutral)
    assert read_rig(tmp_path / "folder").textures == read_rig(saved).textures


def test_a_newer_schema_says_to_update(saved: Path) -> None:
    with pytest.raises(RigUnreadable, match="Update"):
        read_rig(document_with(saved, schema=2))


@pytest.mark.parametrize(
    "changes", [{"format": "other"}, {"schema": None}, {"materials": []}, {"materials": [1]}, {"name": []}]
)
def test_a_wrong_document_is_refused(saved: Path, changes: dict[str, object]) -> None:
    with pytest.raises(RigUnreadable, match=r"changed\.semrig"):
        read_rig(document_with(saved, **changes))


@pytest.mark.parametrize("kind", ["texture", "normal_map"])
@pytest.mark.parametrize("texture", ["../albedo.png", "/etc/a.png", "a/b.png", "a.exe"])
def test_texture_names_cannot_be_paths(saved: Path, kind: str, texture: str) -> None:
    materials = json.loads(zipfile.ZipFile(saved).read("rig.json"))["materials"]
    materials[0][kind] = texture
    with pytest.raises(RigUnreadable, match="file name"):
        read_rig(document_with(saved, materials=materials))


@pytest.mark.parametrize("name", [1, "absent.png"])
def test_a_wrong_normal_map_is_refused(saved: Path, name: object) -> None:
    materials = json.loads(zipfile.ZipFile(saved).read("rig.json"))["materials"]
    materials[0]["normal_map"] = name
    with pytest.raises(RigUnreadable, match=r"changed\.semrig"):
        read_rig(document_with(saved, materials=materials))


def test_rigs_of_before_have_no_normal_map(saved: Path) -> None:
    materials = json.loads(zipfile.ZipFile(saved).read("rig.json"))["materials"]
    for material in materials:
        del material["normal_map"]
    read = read_rig(document_with(saved, materials=materials))
    assert {material.normal_map for material in read.materials} == {None}
    assert set(read.textures) == {"albedo.png", "eye.png"}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("uv", lambda array: array[1:]),
        ("shape_keys", lambda array: array[:, 1:]),
        ("polygon_vertices", lambda array: array + 1),
        ("polygon_starts", lambda array: array + 1),
        ("polygon_material", lambda array: array - 1),
        ("neutral", lambda array: np.array([object()])),
    ],
)
def test_wrong_arrays_are_refused(saved: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    def swap(content: bytes) -> bytes:
        arrays = dict(np.load(io.BytesIO(content)))
        buffer = io.BytesIO()
        np.savez(buffer, **{**arrays, name: change(arrays[name])})
        return buffer.getvalue()

    with pytest.raises(RigUnreadable, match=r"changed\.semrig"):
        read_rig(rewritten(saved, "mesh.npz", swap))


def test_displacement_maps_and_their_files_are_read(saved: Path) -> None:
    rig, read = make_rig(), read_rig(saved)
    assert len(read.displacement_files) == 2
    for item, expected in zip(read.displacement, rig.displacement, strict=True):
        assert (item.name, item.metres, item.weights) == (expected.name, expected.metres, expected.weights)
        picture = cv2.imdecode(
            np.frombuffer(read.displacement_files[item.file], np.uint8), cv2.IMREAD_UNCHANGED
        )
        np.testing.assert_array_equal(picture[..., 2 - item.channel], expected.texels)


def test_rigs_of_before_have_no_displacement(saved: Path) -> None:
    def without(text: bytes) -> bytes:
        document = json.loads(text)
        del document["displacement"]
        return json.dumps(document).encode()

    read = read_rig(rewritten(saved, "rig.json", without))
    assert read.displacement == () and read.displacement_files == {}


@pytest.mark.parametrize(
    "change",
    [
        {"name": 1}, {"name": ""}, {"file": 1}, {"file": "../maps-1.png"}, {"file": "absent.png"},
        {"channel": 3}, {"channel": -1}, {"channel": True}, {"channel": 0.0},
        {"metres": 0.0}, {"metres": 0.1}, {"metres": "0.01"}, {"metres": True}, {"metres": 10**400},
        {"weights": []},
        {"weights": {"jawOpen": "1"}}, {"weights": {"jawOpen": float("nan")}}, {"weights": {"smile": 1.0}},
        {"weights": dict.fromkeys(ARKIT_NAMES[:17], 0.1)},
    ],
)  # fmt: skip
def test_a_wrong_displacement_map_is_refused(saved: Path, change: dict[str, object]) -> None:
    maps = json.loads(zipfile.ZipFile(saved).read("rig.json"))["displacement"]
    with pytest.raises(RigUnreadable, match=r"changed\.semrig"):
        read_rig(document_with(saved, displacement=[{**maps[0], **change}]))


def test_displacement_is_a_list_of_so_many_whole_maps(saved: Path) -> None:
    maps = json.loads(zipfile.ZipFile(saved).read("rig.json"))["displacement"]
    assert len(read_rig(document_with(saved, displacement=12 * maps)).displacement) == 48
    short = {name: value for name, value in maps[0].items() if name != "weights"}
    wrongs: tuple[object, ...] = (None, {}, [1], [short], 13 * maps)
    for wrong in wrongs:
        with pytest.raises(RigUnreadable, match=r"changed\.semrig"):
            read_rig(document_with(saved, displacement=wrong))


@pytest.mark.parametrize(
    ("at", "put"),
    [
        (0, b"JFIF"),
        (16, b"\0\0\0\x20"),
        (16, 2 * b"\0\1\0\0"),
        (16, bytes(8)),
        (24, b"\x08"),
        (25, b"\x06"),
    ],
    ids=["no PNG", "oblong", "huge", "empty", "8 bits", "alpha"],
)
def test_a_displacement_file_is_a_square_rgb_png_of_16_bits(saved: Path, at: int, put: bytes) -> None:
    with pytest.raises(RigUnreadable, match=r"changed\.semrig"):
        read_rig(
            rewritten(saved, "displacement/maps-2.png", lambda png: png[:at] + put + png[at + len(put) :])
        )


@pytest.mark.parametrize("member", ["rig.json", "mesh.npz", "displacement/maps-1.png"])
def test_damage_is_refused(saved: Path, member: str) -> None:
    with pytest.raises(RigUnreadable):
        read_rig(rewritten(saved, member, lambda content: content[: len(content) // 2]))


def test_other_and_absent_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.semrig").write_text("text")
    for name in ("other.semrig", "absent.semrig"):
        with pytest.raises(RigUnreadable, match=name):
            read_rig(tmp_path / name)


def test_reading_imports_numpy_and_the_standard_library_alone(saved: Path) -> None:
    code = (
        "import sys; from blender_addon.rig_file import read_rig\n"
        f"read_rig({str(saved)!r})\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(roots & {'core', 'models', 'server', 'bpy', 'PIL', 'torch', 'scipy', 'jaxtyping'}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout.strip() == "[]", ended.stderr
