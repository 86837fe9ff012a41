"""The ``.semrig`` file: a zip of ``rig.json``, ``mesh.npz``, textures, displacement maps and previews."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from PIL import Image as PillowImage

from core.atomic import staged_output
from core.documents import (
    MAX_BYTES,
    MAX_JSON_BYTES,
    check_schema,
    each,
    open_zip,
    pack_arrays,
    pack_json,
    reading,
    unpack_arrays,
    unpack_json,
    write_member,
)
from core.errors import RigUnreadable
from core.rig import displacement
from core.rig.check import MESH_ARRAYS, check_materials, check_mesh, is_png_name
from core.rig.codec import FORMAT, SCHEMA, from_parts, photos_of, to_arrays, to_document
from core.rig.document import Image, Rig, RigPhoto

MAX_IMAGE_SIDE: Final = 8192
PREVIEWS: Final = "previews/"


def save_rig(rig: Rig, path: Path) -> None:
    """Write a ``.semrig`` file; the same rig gives the same bytes.

    ``path`` appears whole or not at all; a file that was there is replaced.

    Raises:
        OutputFailed: the file cannot be written.
        ValueError: the rig does not hold together (shapes, names, a missing texture).
    """
    document, arrays = to_document(rig), to_arrays(rig)
    check_mesh(arrays)
    check_materials(document, arrays, set(rig.textures))
    for name, image in (*rig.textures.items(), *rig.previews.items()):
        if not is_png_name(name):
            raise ValueError(f"{name!r} cannot be the file name of a PNG")
        if image.ndim != 3 or image.shape[2] not in (3, 4) or max(image.shape) > MAX_IMAGE_SIDE:
            raise ValueError(f"{name} has the shape {image.shape}")
    text, maps = pack_json(document), displacement.to_files(rig.displacement)
    with staged_output(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        write_member(archive, "rig.json", text)
        write_member(archive, "mesh.npz", pack_arrays(arrays))
        for name in sorted(rig.textures):
            write_member(archive, name, _pack_image(rig.textures[name]))
        for name, content in sorted(maps.items()):
            write_member(archive, name, content)
        for name in sorted(rig.previews):
            write_member(archive, PREVIEWS + name, _pack_image(rig.previews[name]))


def _pack_image(image: Image) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def load_rig(path: Path) -> Rig:
    """Read a rig, from a ``.semrig`` file or from a folder with the same content.

    Triangles are derived from the polygons again. Members that this release does not know are ignored.

    Raises:
        RigUnreadable: the file is missing, damaged, of a newer schema, inconsistent, or unpacks to more than
            1 GiB.
    """
    with reading(path, "rig", RigUnreadable), _open(path) as members:
        document = _read_document(members)
        arrays = unpack_arrays(members.read("mesh.npz"), "mesh.npz", MESH_ARRAYS)
        check_mesh(arrays)
        materials = each(document, "materials", dict)
        wanted = {item.get(kind) for item in materials for kind in ("texture", "normal_map")}
        textures = {
            name: _unpack_image(name, members.read(name))
            for name in sorted(name for name in wanted if is_png_name(name))
            if name in members.names()
        }
        previews = {
            name.removeprefix(PREVIEWS): _unpack_image(name, members.read(name))
            for name in sorted(members.names())
            if name.startswith(PREVIEWS) and is_png_name(name.removeprefix(PREVIEWS))
        }
        maps = {name: members.read(name) for name in sorted(displacement.wanted_files(document))}
        rig = from_parts(document, arrays, textures, previews, maps)
        check_materials(to_document(rig), arrays, set(textures))
        return rig


def load_rig_document(path: Path) -> dict[str, Any]:
    """``rig.json`` of a rig alone: quick, and without a look at the mesh and the textures.

    Raises:
        RigUnreadable: the file is missing, no rig, of a newer schema, or unpacks to more than 1 GiB.
    """
    with reading(path, "rig", RigUnreadable), _open(path) as members:
        if "mesh.npz" not in members.names():
            raise ValueError("mesh.npz is missing")
        return _read_document(members)


def load_rig_photos(path: Path) -> tuple[RigPhoto, ...]:
    """The photos of a rig alone, as quickly.

    Raises:
        RigUnreadable: as :func:`load_rig_document`, or a photo's entry does not hold together.
    """
    with reading(path, "rig", RigUnreadable):
        return photos_of(load_rig_document(path))


def _read_document(members: _Members) -> dict[str, Any]:
    document = unpack_json(members.read("rig.json", MAX_JSON_BYTES), "rig.json", FORMAT, "a Semblance rig")
    check_schema(document, SCHEMA, "rig", RigUnreadable)
    return document


def _unpack_image(name: str, content: bytes) -> Image:
    try:
        with PillowImage.open(io.BytesIO(content), formats=["PNG"]) as image:
            if max(image.size) > MAX_IMAGE_SIDE:
                raise ValueError(f"{name} is larger than {MAX_IMAGE_SIDE} pixels a side")
            return np.array(image.convert("RGBA" if image.mode in ("RGBA", "LA", "PA") else "RGB"))
    except (OSError, SyntaxError, PillowImage.DecompressionBombError) as error:
        raise ValueError(f"{name} is not a readable PNG ({error})") from error


class _Members(Protocol):
    """The files of a rig, in a zip or in a folder."""

    def names(self) -> set[str]: ...

    def read(self, name: str, most_bytes: int = MAX_BYTES) -> bytes: ...


class _ZipMembers:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def names(self) -> set[str]:
        return set(self._archive.namelist())

    def read(self, name: str, most_bytes: int = MAX_BYTES) -> bytes:
        if name not in self.names():
            raise ValueError(f"{name} is missing")
        if self._archive.getinfo(name).file_size > most_bytes:
            raise ValueError(f"{name} is too large")
        return self._archive.read(name)


class _FolderMembers:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> set[str]:
        folders = ("", PREVIEWS, displacement.FOLDER)
        places = [(prefix, self._folder / prefix) for prefix in folders]
        return {
            prefix + file.name
            for prefix, place in places
            if place.is_dir()
            for file in place.iterdir()
            if file.is_file()
        }

    def read(self, name: str, most_bytes: int = MAX_BYTES) -> bytes:
        if name not in self.names():
            raise ValueError(f"{name} is missing")
        file = self._folder / name
        if file.stat().st_size > most_bytes:
            raise ValueError(f"{name} is too large")
        return file.read_bytes()


@contextmanager
def _open(path: Path) -> Iterator[_Members]:
    if path.is_dir():
        yield _FolderMembers(path)
        return
    with path.open("rb") as file, open_zip(file, ".semrig") as archive:
        yield _ZipMembers(archive)
