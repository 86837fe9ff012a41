"""The rig document and its file."""

from __future__ import annotations

import io
import json
import resource
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from core.arkit import ARKIT_NAMES
from core.errors import OutputFailed, RigUnreadable
from core.rig import (
    Displacement,
    Rig,
    RigCamera,
    RigLens,
    RigMaterial,
    RigPhoto,
    lens_facts,
    lenses_in_words,
    load_rig,
    load_rig_photos,
    save_rig,
)
from tests.rigs import make_rig

RELIEF = Displacement.of("wrinkle", np.zeros((8, 8), np.float32))


def assert_same(value: Any, other: Any) -> None:
    """Equal through dataclasses, mappings, sequences and arrays, types included."""
    assert type(value) is type(other)
    if isinstance(value, np.ndarray):
        assert value.dtype == other.dtype
        np.testing.assert_array_equal(value, other)
    elif isinstance(value, (Rig, RigPhoto, Displacement)):
        for field in fields(value):
            assert_same(getattr(value, field.name), getattr(other, field.name))
    elif isinstance(value, dict):
        assert value.keys() == other.keys()
        for key in value:
            assert_same(value[key], other[key])
    elif isinstance(value, tuple):
        assert len(value) == len(other)
        for item, other_item in zip(value, other, strict=True):
            assert_same(item, other_item)
    else:
        assert value == other


def rewrite(
    path: Path,
    member: str,
    change: Callable[[bytes], bytes] | None = None,
    to: str | None = None,
) -> Path:
    """A copy of a rig with one member changed, renamed or (without either) left out."""
    result = path.with_name("changed-" + path.name)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == member:
                if change is None and to is None:
                    continue
                content = change(content) if change else content
                name = to or name
            target.writestr(name, content)
    return result


def with_document(path: Path, **changes: Any) -> Path:
    return rewrite(path, "rig.json", lambda content: json.dumps({**json.loads(content), **changes}).encode())


def with_arrays(path: Path, **changes: np.ndarray | None) -> Path:
    def change(content: bytes) -> bytes:
        values = {**np.load(io.BytesIO(content)), **changes}
        buffer = io.BytesIO()
        np.savez(buffer, **{name: array for name, array in values.items() if array is not None})
        return buffer.getvalue()

    return rewrite(path, "mesh.npz", change)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "head.semrig"
    save_rig(make_rig(), path)
    return path


finite = st.floats(-10, 10, width=32)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
sides = st.integers(1, 9)
photos = st.builds(
    RigPhoto,
    file=texts,
    width=st.integers(1, 10000),
    height=st.integers(1, 10000),
    camera=st.builds(RigCamera, finite, finite, finite, finite),
    rotation=arrays_of.arrays(np.float32, (3, 3), elements=finite),
    translation=arrays_of.arrays(np.float32, (3,), elements=finite),
    expression=st.dictionaries(st.sampled_from(ARKIT_NAMES), st.floats(0, 1)),
    sh=arrays_of.arrays(np.float32, (9, 3), elements=finite),
    warnings=st.lists(texts, max_size=2).map(tuple),
    lens=st.none() | st.builds(RigLens, st.sampled_from(["given", "exif", "assumed"]), st.none() | texts),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=texts,
    offset=arrays_of.arrays(np.float32, (3,), elements=finite),
    photos=st.lists(photos, max_size=3).map(tuple),
    warnings=st.lists(texts, max_size=2).map(tuple),
    provenance=st.dictionaries(texts, st.none() | st.booleans() | st.integers() | st.floats(-1, 1) | texts),
    pixels=arrays_of.arrays(np.uint8, st.tuples(sides, sides, st.sampled_from((3, 4)))),
)
def test_a_saved_rig_loads_as_it_was(
    tmp_path: Path, name: str, offset: np.ndarray, pixels: np.ndarray, **document: Any
) -> None:
    base = make_rig()
    rig = make_rig(
        name,
        neutral=base.neutral + offset,
        textures={"albedo.png": pixels, "eye.png": pixels, "normal.png": pixels},
        **document,
    )
    save_rig(rig, tmp_path / "head.semrig")
    assert_same(load_rig(tmp_path / "head.semrig"), rig)


def test_the_file_follows_the_contract_for_tools(saved: Path) -> None:
    rig = make_rig()
    with zipfile.ZipFile(saved) as archive:
        pictures = {"albedo.png", "eye.png", "normal.png", "previews/front.png"}
        maps = {"displacement/maps-1.png", "displacement/maps-2.png"}
        assert {"rig.json", "mesh.npz"} | pictures | maps == set(archive.namelist())
        document = json.loads(archive.read("rig.json"))
        mesh = np.load(io.BytesIO(archive.read("mesh.npz")), allow_pickle=False)
        vertices = len(rig.neutral)
        assert document["format"] == "semblance-rig" and document["schema"] == 1
        assert document["units"] == "metre" and document["axes"] == "+Y up, +Z out of the face"
        assert mesh["neutral"].shape == (vertices, 3) and mesh["neutral"].dtype == np.float32
        assert mesh["shape_keys"].shape == (52, vertices, 3)
        assert mesh["shape_key_names"].tolist() == list(ARKIT_NAMES)
        assert mesh["landmarks"].shape == (478, 3)
        assert mesh["uv"].shape == (len(mesh["polygon_vertices"]), 2)
        assert mesh["triangles"].max() < vertices and len(mesh["triangles"]) > len(mesh["polygon_starts"])
        assert [mesh["region_names"][index] for index in mesh["regions"][:1]] == ["skin"]


def test_the_same_rig_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.semrig", "b.semrig"):
        save_rig(make_rig(rig_id="id", created="now"), tmp_path / name)
    assert (tmp_path / "a.semrig").read_bytes() == (tmp_path / "b.semrig").read_bytes()


def test_two_rigs_have_different_ids() -> None:
    assert make_rig().rig_id != make_rig().rig_id


def test_a_folder_reads_like_the_zip(saved: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        archive.extractall(tmp_path / "folder")
    assert_same(load_rig(tmp_path / "folder"), load_rig(saved))


def test_shape_keys_are_found_by_name_not_by_order(saved: Path) -> None:
    rig = load_rig(saved)
    shuffled = np.random.default_rng(0).permutation(52)
    names = np.array(ARKIT_NAMES)[shuffled]
    changed = with_arrays(saved, shape_keys=rig.shape_keys[shuffled], shape_key_names=names)
    np.testing.assert_array_equal(load_rig(changed).shape_keys, rig.shape_keys)


def test_a_newer_schema_says_to_update(saved: Path) -> None:
    with pytest.raises(RigUnreadable, match="Update Semblance"):
        load_rig(with_document(saved, schema=2))


def test_a_rig_of_before_there_were_displacement_maps_has_none(saved: Path) -> None:
    def without(content: bytes) -> bytes:
        return json.dumps({k: v for k, v in json.loads(content).items() if k != "displacement"}).encode()

    assert load_rig(rewrite(saved, "rig.json", without)).displacement == ()


@given(
    heights=arrays_of.arrays(np.float32, (5, 5), elements=st.floats(-1 / 64, 1 / 64, width=32)),
    coefficient=st.floats(0, 1),
)
def test_displacement_keeps_metres_and_follows_its_expressions(
    heights: np.ndarray, coefficient: float
) -> None:
    relief = Displacement.of("wrinkle", heights, {"mouthSmileLeft": 0.9, "mouthUpperUpLeft": 0.4})
    np.testing.assert_allclose(relief.heights(), heights, atol=0.6 * relief.metres / 32767)
    assert relief.strength({}) == 0 and relief.strength({"jawOpen": 1.0}) == 0
    assert relief.strength({"mouthSmileLeft": coefficient}) == pytest.approx(0.9 * coefficient)
    assert relief.strength({"mouthSmileLeft": 1.0, "mouthUpperUpLeft": 1.0}) == 1
    assert Displacement.of("neutral", heights).strength({}) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"file": "../maps-1.png"}, "file name"),
        ({"file": "maps-9.png"}, "maps-9.png is missing"),
        ({"channel": 3}, "channel"),
        ({"metres": -1.0}, "out of range"),
        ({"weights": {"smile": 1.0}}, "'smile' is not an ARKit name"),
        ({"weights": dict.fromkeys(ARKIT_NAMES[:17], 0.1)}, "more weights than 16"),
        ({"name": "a b"}, "distinct names"),
    ],
)
def test_wrong_displacement_maps_are_refused(saved: Path, change: dict[str, Any], reason: str) -> None:
    items = json.loads(zipfile.ZipFile(saved).read("rig.json"))["displacement"]
    with pytest.raises(RigUnreadable, match=reason):
        load_rig(with_document(saved, displacement=[{**items[0], **change}, *items[1:]]))


def test_a_displacement_map_of_8_bits_or_of_a_claimed_size_is_refused(saved: Path) -> None:
    shallow = cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    with pytest.raises(RigUnreadable, match="16 bits"):
        load_rig(rewrite(saved, "displacement/maps-1.png", lambda content: shallow))
    huge = (60000).to_bytes(4, "big")
    with pytest.raises(RigUnreadable, match="at most 4096"):
        load_rig(rewrite(saved, "displacement/maps-1.png", lambda c: c[:16] + huge + huge + c[24:]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "other"}, "not a Semblance rig"),
        ({"schema": "1"}, "schema"),
        ({"schema": 0}, "schema"),
        ({"name": 3}, "name"),
        ({"photos": [{}]}, "camera is missing"),
        ({"photos": None}, "photos"),
        ({"materials": []}, "materials"),
        ({"warnings": [1]}, "warnings"),
    ],
)
def test_a_wrong_document_is_refused(saved: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RigUnreadable, match=reason) as caught:
        load_rig(with_document(saved, **changes))
    assert "changed-head.semrig" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("landmarks", lambda array: array[:-1]),
        ("neutral", lambda array: array * np.nan),
        ("shape_keys", lambda array: array[:51]),
        ("shape_keys", lambda array: None),
        ("polygon_vertices", lambda array: array - 1),
        ("polygon_vertices", lambda array: array.astype(np.float32)),
        ("polygon_starts", lambda array: array[::-1].copy()),
        ("uv", lambda array: array[:-1]),
        ("regions", lambda array: array + 9),
        ("shape_key_names", lambda array: np.array([f"k{index}" for index in range(52)])),
        ("skin_weights", lambda array: array * 2),
        ("joint_parents", lambda array: array + 5),
        ("material_names", lambda array: array[::-1].copy()),
    ],
)
def test_wrong_arrays_are_refused(saved: Path, name: str, change: Callable[[np.ndarray], Any]) -> None:
    with np.load(io.BytesIO(zipfile.ZipFile(saved).read("mesh.npz"))) as mesh:
        broken = change(mesh[name])
    with pytest.raises(RigUnreadable, match=name if name != "material_names" else "materials"):
        load_rig(with_arrays(saved, **{name: broken}))


def test_pickled_arrays_are_never_run(saved: Path) -> None:
    with pytest.raises(RigUnreadable):
        load_rig(with_arrays(saved, regions=np.array([object()] * 3)))


@pytest.mark.parametrize(
    "member", ["rig.json", "mesh.npz", "albedo.png", "eye.png", "normal.png", "displacement/maps-2.png"]
)
def test_a_missing_member_is_named(saved: Path, member: str) -> None:
    with pytest.raises(RigUnreadable, match=member):
        load_rig(rewrite(saved, member))


@pytest.mark.parametrize("member", ["rig.json", "mesh.npz", "albedo.png", "displacement/maps-1.png"])
def test_a_damaged_member_is_refused(saved: Path, member: str) -> None:
    with pytest.raises(RigUnreadable):
        load_rig(rewrite(saved, member, lambda content: content[: len(content) // 2]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1), cut=st.booleans(), flip=st.integers(1, 255))
def test_damage_anywhere_is_refused_or_harmless(saved: Path, at: float, cut: bool, flip: int) -> None:
    content = bytearray(saved.read_bytes())
    place = int(at * (len(content) - 1))
    content = content[:place] if cut else content
    if not cut:
        content[place] ^= flip
    damaged = saved.with_name("damaged.semrig")
    damaged.write_bytes(content)
    try:
        assert load_rig(damaged).neutral.shape == make_rig().neutral.shape
    except RigUnreadable as error:
        assert "damaged.semrig" in str(error)


@pytest.mark.parametrize("content", [b"", b"not a zip"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.semrig").write_bytes(content)
    with pytest.raises(RigUnreadable, match=r"other\.semrig"):
        load_rig(tmp_path / "other.semrig")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RigUnreadable, match=r"absent\.semrig"):
        load_rig(tmp_path / "absent.semrig")


def test_a_zip_bomb_is_refused_unopened(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.semrig"
    zeros = b"\0" * (1 << 20)
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("mesh.npz", "w") as member,
    ):
        for _ in range(1025):
            member.write(zeros)
    with pytest.raises(RigUnreadable, match="1024 MiB"):
        load_rig(bomb)


def test_a_header_that_claims_terabytes_is_refused(saved: Path) -> None:
    def change(content: bytes) -> bytes:
        stream = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 3)}
        )
        result = io.BytesIO()
        with zipfile.ZipFile(result, "w") as archive:
            archive.writestr("neutral.npy", stream.getvalue())
        return result.getvalue()

    with pytest.raises(RigUnreadable, match="header"):
        load_rig(rewrite(saved, "mesh.npz", change))


@pytest.mark.parametrize(
    "texture", ["../albedo.png", "/etc/albedo.png", "a\\b.png", "C:a.png", ".png", "a.svg"]
)
def test_texture_names_cannot_be_paths(saved: Path, texture: str) -> None:
    materials = json.loads(zipfile.ZipFile(saved).read("rig.json"))["materials"]
    materials[0]["texture"] = texture
    with pytest.raises(RigUnreadable, match="file name"):
        load_rig(with_document(rewrite(saved, "albedo.png", to=texture), materials=materials))


@pytest.mark.parametrize(
    "changes",
    [
        {"textures": {}},
        {"previews": {"../front.png": np.zeros((2, 2, 3), np.uint8)}},
        {"materials": (RigMaterial("skin"),)},
        {"provenance": {"time": float("nan")}},
        {"displacement": (RELIEF, RELIEF)},
        {"displacement": (replace(RELIEF, weights={"smile": 1.0}),)},
        {"displacement": (replace(RELIEF, metres=0.0),)},
        {"displacement": (RELIEF, Displacement.of("other", np.zeros((4, 4), np.float32)))},
    ],
)
def test_a_rig_that_does_not_hold_together_is_not_written(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        save_rig(make_rig(**changes), tmp_path / "head.semrig")
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_written_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match=r"absent/head\.semrig"):
        save_rig(make_rig(), tmp_path / "absent" / "head.semrig")


def test_a_full_disk_leaves_the_old_file(saved: Path) -> None:
    before = saved.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OutputFailed, match=r"head\.semrig"):
            save_rig(make_rig(), saved)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "writestr", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_rig(make_rig(), tmp_path / "head.semrig")
    assert list(tmp_path.iterdir()) == []


def test_the_photos_lenses_are_said_in_a_line_and_to_machines(tmp_path: Path) -> None:
    (photo,) = make_rig().photos
    photos = [
        replace(photo, file="front.jpg", lens=RigLens("exif")),
        replace(photo, file="left.jpg", lens=RigLens("exif", "front.jpg")),
        replace(photo, file="old.jpg", camera=RigCamera(1800.0, 1800.0, 0.0, 0.0), lens=RigLens("assumed")),
        replace(photo, file="older.jpg"),
    ]
    save_rig(make_rig(photos=tuple(photos)), tmp_path / "head.semrig")
    read = load_rig_photos(tmp_path / "head.semrig")
    assert [each.lens for each in read] == [each.lens for each in photos]
    said = lenses_in_words(read)
    assert "51 mm, from EXIF (front.jpg, left.jpg)" in said  # 900 px of 640, on 36 mm
    assert "about 101 mm, assumed" in said and "older.jpg" not in said
    assert lenses_in_words(photos[3:]) == ""
    assert [fact["shared_with"] for fact in lens_facts(read)] == [None, "front.jpg", None]
    assert lens_facts(read)[0]["equivalent_mm"] == pytest.approx(50.62, abs=0.01)


def test_rigs_of_before_say_nothing_of_lenses_and_wrong_ones_are_refused(saved: Path) -> None:
    (photo,) = json.loads(zipfile.ZipFile(saved).read("rig.json"))["photos"]
    assert "lens" not in photo and load_rig(saved).photos[0].lens is None
    wrong: list[Any] = [{"source": "guess"}, {"shared_with": None}, {"source": "exif", "shared_with": 1}, []]
    for lens in wrong:
        with pytest.raises(RigUnreadable):
            load_rig(with_document(saved, photos=[{**photo, "lens": lens}]))
