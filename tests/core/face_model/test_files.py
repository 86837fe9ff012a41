"""Reading models from folders and archives, and OBJ files."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelMissing, ModelUnreadable
from core.face_model import files
from core.face_model.files import checksum, read_files
from core.face_model.obj import read_obj, read_obj_vertices

CONTENT = {"a.obj": b"v 1 2 3\n", "b.obj": b"v 4 5 6\n", "notes.txt": b"no"}


def _folder(path: Path) -> Path:
    (path / "deep" / "er").mkdir(parents=True)
    for name, content in CONTENT.items():
        (path / "deep" / "er" / name).write_bytes(content)
    return path


def _tar(path: Path, mode: str) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in CONTENT.items():
            entry = tarfile.TarInfo(f"deep/er/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def _zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in CONTENT.items():
            archive.writestr(f"deep/er/{name}", content)
    return path


@pytest.fixture(params=["folder", "tar", "tar.xz", "tar.gz", "zip"])
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "folder":
        return _folder(tmp_path / "folder")
    path = tmp_path / f"model.{request.param}"
    if request.param == "zip":
        return _zip(path)
    return _tar(path, {"tar": "w", "tar.xz": "w:xz", "tar.gz": "w:gz"}[request.param])


def _is_obj(name: str) -> bool:
    return name.endswith(".obj")


def test_every_packing_gives_the_same_files_and_checksum(packed: Path, tmp_path: Path) -> None:
    assert dict(read_files(packed, _is_obj)) == {name: CONTENT[name] for name in ("a.obj", "b.obj")}
    assert checksum(packed, _is_obj) == checksum(_folder(tmp_path / "other"), _is_obj)


def test_checksum_sees_a_changed_file(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "folder")
    before = checksum(folder, _is_obj)
    (folder / "deep" / "er" / "notes.txt").write_bytes(b"not counted")
    assert checksum(folder, _is_obj) == before
    (folder / "deep" / "er" / "a.obj").write_bytes(b"v 1 2 4\n")
    assert checksum(folder, _is_obj) != before


def test_too_large_members_are_refused(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MEMBER_LIMIT", 4)
    with pytest.raises(ModelUnreadable, match=r"a\.obj"):
        dict(read_files(packed, _is_obj))


def test_links_out_of_an_archive_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("a.obj")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    assert list(read_files(path, _is_obj)) == []


@pytest.mark.parametrize("content", [b"", b"plain text" * 200, b"\xfd7zXZ\x00broken"])
def test_what_is_no_archive_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "thing.tar.xz"
    path.write_bytes(content)
    with pytest.raises(ModelUnreadable, match=r"thing\.tar\.xz"):
        list(read_files(path, _is_obj))
    with pytest.raises(ModelMissing, match="nowhere"):
        list(read_files(tmp_path / "nowhere", _is_obj))


OBJ = b"""# made by hand
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0.5
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl skin
f 1/1 2/2 3/3 4/4
f 1/1/1 3/3/1 4/4/1
"""


def test_obj_gives_quads_and_texture_corners() -> None:
    mesh = read_obj(OBJ, "hand.obj")
    assert mesh.polygon_vertices.tolist() == [0, 1, 2, 3, 0, 2, 3]
    assert mesh.polygon_texture.tolist() == [0, 1, 2, 3, 0, 2, 3]
    assert mesh.polygon_starts.tolist() == [0, 4]
    np.testing.assert_array_equal(mesh.vertices[3], [0, 1, 0.5])
    np.testing.assert_array_equal(read_obj_vertices(OBJ, "hand.obj"), mesh.vertices)
    np.testing.assert_array_equal(read_obj_vertices(b"v 1 2 3", "one.obj"), [[1, 2, 3]])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"vt 0 0\n",
        OBJ.split(b"f ")[0],
        OBJ.replace(b"v 1 0 0", b"v 1 zero 0"),
        OBJ.replace(b"v 1 0 0", b"v 1 0"),
        OBJ.replace(b"2/2", b"9/2"),
        OBJ.replace(b"2/2", b"0/2"),
        OBJ.replace(b"2/2", b"2"),
    ],
)
def test_damaged_obj_is_named(content: bytes) -> None:
    with pytest.raises(ModelUnreadable, match=r"hand\.obj"):
        read_obj(content, "hand.obj")
