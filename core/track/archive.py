"""The ``.semtrack`` file: a zip of ``track.json`` and ``track.npz``."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from core.atomic import staged_output
from core.documents import (
    MAX_JSON_BYTES,
    field,
    open_zip,
    pack_arrays,
    pack_json,
    unpack_arrays,
    unpack_json,
    write_member,
)
from core.errors import TrackUnreadable
from core.track.codec import (
    OPTIONAL_ARRAYS,
    SCHEMA,
    TRACK_ARRAYS,
    check,
    from_parts,
    to_arrays,
    to_document,
)
from core.track.document import Track

FORMAT: Final = "semblance-track"


def save_track(track: Track, path: Path) -> None:
    """Write a ``.semtrack`` file; the same track gives the same bytes.

    ``path`` appears whole or not at all; a file that was there is replaced.

    Raises:
        OutputFailed: the file cannot be written.
        ValueError: the track does not hold together (shapes, times, spans).
    """
    document, arrays = to_document(track, FORMAT), to_arrays(track)
    check(document, arrays)
    text = pack_json(document)
    with staged_output(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        write_member(archive, "track.json", text)
        write_member(archive, "track.npz", pack_arrays(arrays))


def load_track(path: Path) -> Track:
    """Read a ``.semtrack`` file. Members that this release does not know are ignored.

    Raises:
        TrackUnreadable: the file is missing, damaged, of a newer schema, inconsistent, or unpacks to more
            than 1 GiB.
    """
    with explained(path), path.open("rb") as file, open_zip(file, ".semtrack") as archive:
        document = _read_document(archive)
        arrays = unpack_arrays(archive.read("track.npz"), "track.npz", TRACK_ARRAYS, OPTIONAL_ARRAYS)
        check(document, arrays)
        return from_parts(document, arrays)


def load_track_document(path: Path) -> dict[str, Any]:
    """``track.json`` of a track alone: quick, and without a look at the arrays.

    Raises:
        TrackUnreadable: the file is missing, no track, of a newer schema, or unpacks to more than 1 GiB.
    """
    with explained(path), path.open("rb") as file, open_zip(file, ".semtrack") as archive:
        return _read_document(archive)


def _read_document(archive: zipfile.ZipFile) -> dict[str, Any]:
    for name in ("track.json", "track.npz"):
        if name not in archive.namelist():
            raise ValueError(f"{name} is missing")
    if archive.getinfo("track.json").file_size > MAX_JSON_BYTES:
        raise ValueError("track.json is too large")
    document = unpack_json(archive.read("track.json"), "track.json", FORMAT, "a Semblance track")
    check_schema(document)
    return document


def check_schema(document: dict[str, Any]) -> None:
    """Refuse what a newer release wrote.

    Raises:
        TrackUnreadable: the schema is newer.
        ValueError: it is none.
    """
    schema = field(document, "schema", int)
    if schema > SCHEMA:
        raise TrackUnreadable(
            f"The track was written by a newer Semblance (schema {schema}; this one reads up to {SCHEMA}).",
            "Update Semblance, then open it again.",
        )
    if schema < 1:
        raise ValueError(f"schema is {schema}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a track is read into the error that users see.

    Raises:
        TrackUnreadable: the block raised an error of the file system, of the zip or about its content.
    """
    try:
        yield
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise TrackUnreadable(
            f"Cannot read the track {path}: {reason}.",
            "Make the track again with `semblance track`, or copy the file again if it came from elsewhere.",
        ) from error
