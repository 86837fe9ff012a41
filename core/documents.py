"""What the files of rigs and tracks have in common: zips of JSON and arrays, read without trusting them."""

from __future__ import annotations

import io
import json
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO, Any, Final, Literal

import numpy as np
from numpy import ndarray

from core.errors import SemblanceError

MAX_BYTES: Final = 1 << 30  # of everything unpacked; a rig of a dense head with 4096² textures is a tenth
MAX_JSON_BYTES: Final = 16 << 20
DAMAGE: Final = (
    OSError, ValueError, KeyError, TypeError, EOFError, SyntaxError, tokenize.TokenError, MemoryError,
    RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading an ``.npz`` that is absent or damaged raises. NumPy parses the header of an array as Python:
damage there may end as ``SyntaxError`` or ``TokenError``, or ask for more memory than there is; zipfile takes
damaged flags for encryption or an unknown compression (``RuntimeError``, ``NotImplementedError``)."""


def generator() -> str:
    """The name and version of this program, as documents note it."""
    try:
        return f"Semblance {metadata.version('semblance')}"
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "Semblance (source)"


def write_member(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a member that is dated 1980, so that the bytes tell nothing but the content."""
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o644 << 16
    member.create_system = 3
    packed = name.endswith((".npz", ".png"))
    archive.writestr(member, content, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)


def pack_json(document: Mapping[str, Any], indent: int | None = 1) -> bytes:
    """A document as UTF-8 JSON.

    Raises:
        ValueError: it holds numbers that are not finite.
    """
    return json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False).encode()


def unpack_json(
    content: bytes, name: str, format_name: str, what: str, most: int = MAX_JSON_BYTES
) -> dict[str, Any]:
    """The JSON object of a member; ``format_name`` is what its field ``format`` must say.

    Raises:
        ValueError: it is too large, no JSON, or not ``what``.
    """
    if len(content) > most:
        raise ValueError(f"{name} is too large")
    document = json.loads(content.decode())  # UnicodeDecodeError and JSONDecodeError are ValueErrors
    if not isinstance(document, dict) or document.get("format") != format_name:
        raise ValueError(f"it is not {what}")
    return document


def pack_arrays(arrays: Mapping[str, ndarray]) -> bytes:
    """Arrays as a compressed ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack_arrays(
    content: bytes, file: str, names: Iterable[str], optional: Iterable[str] = ()
) -> dict[str, ndarray]:
    """The named arrays of an ``.npz``: no pickle is run and no size believed before its bytes are seen.

    Raises:
        ValueError: an array that is not ``optional`` is missing, or one is not what its header says.
        zipfile.BadZipFile: the content is no zip.
    """
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        check_total(archive)
        present = set(archive.namelist())
        for name in (*names, *(name for name in optional if f"{name}.npy" in present)):
            if f"{name}.npy" not in present:
                raise ValueError(f"{name} is missing from {file}")
            member = archive.read(f"{name}.npy")
            stream = io.BytesIO(member)
            version = np.lib.format.read_magic(stream)
            if version != (1, 0):
                raise ValueError(f"{name} has a header of version {version}")
            try:
                shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
            except (SyntaxError, tokenize.TokenError):
                raise ValueError(f"the header of {name} is damaged") from None
            if dtype.hasobject or int(np.prod(shape, dtype=object)) * dtype.itemsize > len(member):
                raise ValueError(f"{name} is not the array that its header says")
            stream.seek(0)
            arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays


def check_arrays(
    arrays: Mapping[str, ndarray], expected: Mapping[str, tuple[str, tuple[int | str, ...]]]
) -> dict[str, int]:
    """Check types, shapes and finiteness.

    Args:
        expected: name → (dtype kinds, shape); a letter stands for one size wherever it appears.

    Returns:
        The size of each letter.

    Raises:
        ValueError: an array is missing, empty, of another type or shape, or holds NaN or infinity.
    """
    sizes: dict[str, int] = {}
    for name, (kinds, shape) in expected.items():
        if name not in arrays:
            raise ValueError(f"{name} is missing")
        array = arrays[name]
        if array.dtype.kind not in kinds:
            raise ValueError(f"{name} has the type {array.dtype}")
        fits = array.ndim == len(shape) and all(
            size == (wanted if isinstance(wanted, int) else sizes.setdefault(wanted, size))
            for size, wanted in zip(array.shape, shape, strict=True)
        )
        if not fits or array.size == 0:
            raise ValueError(f"{name} has the shape {array.shape}")
        if kinds == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} holds numbers that are not finite")
    return sizes


def open_zip(file: IO[bytes], ending: str) -> zipfile.ZipFile:
    """Open a document's zip.

    Raises:
        ValueError: the file is empty, no zip, or unpacks to more than :data:`MAX_BYTES`.
    """
    if not file.read(1):
        raise ValueError("the file is empty")
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise ValueError(f"it is damaged, or not a {ending} file") from None
    check_total(archive)
    return archive


def check_total(archive: zipfile.ZipFile) -> None:
    """Refuse what would not fit into memory.

    Raises:
        ValueError: the members unpack to more than :data:`MAX_BYTES`.
    """
    if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
        raise ValueError(f"it unpacks to more than {MAX_BYTES >> 20} MiB")


def field(document: Any, name: str, kind: type) -> Any:
    """One field of a JSON object.

    Raises:
        ValueError: it is missing, of another type, or a number that is not finite.
    """
    if not isinstance(document, dict) or name not in document:
        raise ValueError(f"{name} is missing")
    value = document[name]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{name} is {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is not a finite number")
    return value


def each(document: Any, name: str, kind: type) -> list[Any]:
    """The elements of a list in a JSON object, all of one type.

    Raises:
        ValueError: as :func:`field`.
    """
    return [field({name: value}, name, kind) for value in field(document, name, list)]


@contextmanager
def reading(path: Path, what: Literal["rig", "track"], kind: type[SemblanceError]) -> Iterator[None]:
    """Turn what goes wrong while a document is read into the error that users see.

    Raises:
        SemblanceError: of this ``kind``; the block raised an error of the file system, of the zip or about
            its content.
    """
    try:
        yield
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise kind(
            f"Cannot read the {what} {path}: {reason}.",
            f"Make the {what} again with `semblance {what}`, or copy the file again if it came from "
            "elsewhere.",
        ) from error


def check_schema(document: Mapping[str, Any], newest: int, what: str, kind: type[SemblanceError]) -> None:
    """Refuse what a newer release wrote.

    Raises:
        SemblanceError: of this ``kind``; the schema is newer than ``newest``.
        ValueError: it is none.
    """
    schema = field(document, "schema", int)
    if schema > newest:
        raise kind(
            f"The {what} was written by a newer Semblance (schema {schema}; this one reads up to {newest}).",
            "Update Semblance, then open it again.",
        )
    if schema < 1:
        raise ValueError(f"schema is {schema}")
