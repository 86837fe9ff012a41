"""The ``.semrig`` file: a zip of ``rig.json``, ``mesh.npz``, textures and previews."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Protocol

import numpy as np
from numpy import ndarray
from PIL import Image as PillowImage

from core.atomic import staged_output
from core.errors import RigUnreadable
from core.rig.check import MESH_ARRAYS, check_materials, check_mesh, is_png_name
from core.rig.codec import FORMAT, SCHEMA, field, from_parts, to_arrays, to_document
from core.rig.document import Image, Rig

MAX_BYTES: Final = 1 << 30  # of everything unpacked; a rig of a dense head with 4096² textures is a tenth
MAX_JSON_BYTES: Final = 16 << 20
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
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    with staged_output(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        _write(archive, "rig.json", text.encode())
        _write(archive, "mesh.npz", _pack_arrays(arrays))
        for name in sorted(rig.textures):
            _write(archive, name, _pack_image(rig.textures[name]))
        for name in sorted(rig.previews):
            _write(archive, PREVIEWS + name, _pack_image(rig.previews[name]))


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name)  # dated 1980, so that the bytes tell nothing but the rig
    member.external_attr = 0o644 << 16
    member.create_system = 3
    packed = name.endswith((".npz", ".png"))
    archive.writestr(member, content, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)


def _pack_arrays(arrays: Mapping[str, ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


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
    try:
        with _open(path) as members:
            document = _read_document(members)
            arrays = _unpack_arrays(members.read("mesh.npz"))
            check_mesh(arrays)
            materials = field(document, "materials", list)
            wanted = {field(item, "name", str): item.get("texture") for item in materials}
            textures = {
                name: _unpack_image(name, members.read(name))
                for name in sorted({name for name in wanted.values() if is_png_name(name)})
                if name in members.names()
            }
            previews = {
                name.removeprefix(PREVIEWS): _unpack_image(name, members.read(name))
                for name in sorted(members.names())
                if name.startswith(PREVIEWS) and is_png_name(name.removeprefix(PREVIEWS))
            }
            rig = from_parts(document, arrays, textures, previews)
            check_materials(to_document(rig), arrays, set(textures))
            return rig
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise RigUnreadable(
            f"Cannot read the rig {path}: {reason}.",
            "Make the rig again with `semblance rig`, or copy the file again if it came from elsewhere.",
        ) from error


def _read_document(members: _Members) -> dict[str, Any]:
    content = members.read("rig.json")
    if len(content) > MAX_JSON_BYTES:
        raise ValueError("rig.json is too large")
    document = json.loads(content.decode())  # UnicodeDecodeError and JSONDecodeError are ValueErrors
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError("it is not a Semblance rig")
    schema = field(document, "schema", int)
    if schema > SCHEMA:
        raise RigUnreadable(
            f"The rig was written by a newer Semblance (schema {schema}; this one reads up to {SCHEMA}).",
            "Update Semblance, then open it again.",
        )
    if schema < 1:
        raise ValueError(f"schema is {schema}")
    return document


def _unpack_arrays(content: bytes) -> dict[str, ndarray]:
    """The arrays of an ``.npz``: no pickle is run and no size believed before its bytes are seen."""
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _check_total(archive)
        for name in MESH_ARRAYS:
            if f"{name}.npy" not in archive.namelist():
                raise ValueError(f"{name} is missing from mesh.npz")
            member = archive.read(f"{name}.npy")
            stream = io.BytesIO(member)
            version = np.lib.format.read_magic(stream)
            if version != (1, 0):
                raise ValueError(f"{name} has a header of version {version}")
            shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
            if dtype.hasobject or int(np.prod(shape, dtype=object)) * dtype.itemsize > len(member):
                raise ValueError(f"{name} is not the array that its header says")
            stream.seek(0)
            arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays


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

    def read(self, name: str) -> bytes: ...


class _ZipMembers:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        _check_total(archive)
        self._archive = archive

    def names(self) -> set[str]:
        return set(self._archive.namelist())

    def read(self, name: str) -> bytes:
        if name not in self.names():
            raise ValueError(f"{name} is missing")
        return self._archive.read(name)


class _FolderMembers:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> set[str]:
        places = (("", self._folder), (PREVIEWS, self._folder / PREVIEWS))
        return {
            prefix + file.name
            for prefix, place in places
            if place.is_dir()
            for file in place.iterdir()
            if file.is_file()
        }

    def read(self, name: str) -> bytes:
        if name not in self.names():
            raise ValueError(f"{name} is missing")
        file = self._folder / name
        if file.stat().st_size > MAX_BYTES:
            raise ValueError(f"{name} is too large")
        return file.read_bytes()


@contextmanager
def _open(path: Path) -> Iterator[_Members]:
    if path.is_dir():
        yield _FolderMembers(path)
        return
    with path.open("rb") as file:
        if not file.read(1):
            raise ValueError("the file is empty")
        with _zip(file) as archive:
            yield _ZipMembers(archive)


def _zip(file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise ValueError("it is damaged, or not a .semrig file") from None


def _check_total(archive: zipfile.ZipFile) -> None:
    if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
        raise ValueError(f"it unpacks to more than {MAX_BYTES >> 20} MiB")
