"""The ``.semtrack`` file: a zip of ``track.json`` and ``track.npz``."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from core.atomic import staged_output
from core.documents import (
    MAX_JSON_BYTES,
    check_schema,
    open_zip,
    pack_arrays,
    pack_json,
    reading,
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
    with (
        reading(path, "track", TrackUnreadable),
        path.open("rb") as file,
        open_zip(file, ".semtrack") as archive,
    ):
        document = _read_document(archive)
        arrays = unpack_arrays(archive.read("track.npz"), "track.npz", TRACK_ARRAYS, OPTIONAL_ARRAYS)
        check(document, arrays)
        return from_parts(document, arrays)


def load_track_document(path: Path) -> dict[str, Any]:
    """``track.json`` of a track alone: quick, and without a look at the arrays.

    Raises:
        TrackUnreadable: the file is missing, no track, of a newer schema, or unpacks to more than 1 GiB.
    """
    with (
        reading(path, "track", TrackUnreadable),
        path.open("rb") as file,
        open_zip(file, ".semtrack") as archive,
    ):
        return _read_document(archive)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with (
        reading(path, "track", TrackUnreadable),
        path.open("rb") as file,
        open_zip(file, ".semtrack") as archive,
    ):
        yield archive


def _read_document(archive: zipfile.ZipFile) -> dict[str, Any]:
    for name in ("track.json", "track.npz"):
        if name not in archive.namelist():
            raise ValueError(f"{name} is missing")
    if archive.getinfo("track.json").file_size > MAX_JSON_BYTES:
        raise ValueError("track.json is too large")
    document = unpack_json(archive.read("track.json"), "track.json", FORMAT, "a Semblance track")
    check_schema(document, SCHEMA, "track", TrackUnreadable)
    return document
