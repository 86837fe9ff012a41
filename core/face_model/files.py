"""Reads named files of a face model from a folder, a tar or a zip, without unpacking anything."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from core.errors import ModelMissing, ModelUnreadable

MEMBER_LIMIT = 64 * 1024 * 1024
"""Bytes; no file inside a face model is larger, so a larger one is not what it says it is."""


def _from_folder(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        if wanted(file.name) and file.is_file():
            if file.stat().st_size > MEMBER_LIMIT:
                raise ModelUnreadable(f"{file} is larger than any file of this model.")
            yield file.name, file.read_bytes()


def _from_tar(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    # As a stream: a compressed tar has no index, and going back in it means decompressing it again.
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if member.isfile() and wanted(name):
                if member.size > MEMBER_LIMIT:
                    raise ModelUnreadable(f"{path}: {member.name} is larger than any file of this model.")
                content = archive.extractfile(member)
                assert content is not None  # a regular file always has content
                yield name, content.read()


def _from_zip(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = PurePosixPath(entry.filename).name
            if not entry.is_dir() and wanted(name):
                if entry.file_size > MEMBER_LIMIT:
                    raise ModelUnreadable(f"{path}: {entry.filename} is larger than any file of this model.")
                yield name, archive.read(entry)


def read_files(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Base name and content of every file whose base name is wanted, in the order it is stored.

    Args:
        path: a folder (searched at any depth), a ``.tar`` (compressed or not) or a ``.zip``.
        wanted: asked for each base name.

    Raises:
        ModelMissing: ``path`` does not exist.
        ModelUnreadable: it is neither a folder nor an archive, or the archive is damaged.
    """
    if path.is_dir():
        yield from _from_folder(path, wanted)
        return
    if not path.is_file():
        raise ModelMissing(f"{path} does not exist.", "Give the folder or archive that you fetched.")
    reader = _from_zip if zipfile.is_zipfile(path) else _from_tar
    try:
        yield from reader(path, wanted)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError) as error:
        raise ModelUnreadable(
            f"{path} is not a readable folder or archive ({error}).", "Fetch it again."
        ) from error


def checksum(path: Path, wanted: Callable[[str], bool] | None = None) -> str:
    """SHA-256 of a file, or, for models of many files, of the wanted files' names and contents.

    The latter is the same for a folder and for archives of it.

    Raises:
        ModelMissing: ``path`` does not exist.
        ModelUnreadable: files are wanted from what is neither a folder nor an archive.
    """
    if wanted is not None:
        contents = {name: hashlib.sha256(content).hexdigest() for name, content in read_files(path, wanted)}
        listing = "".join(f"{name} {contents[name]}\n" for name in sorted(contents))
        return hashlib.sha256(listing.encode()).hexdigest()
    if not path.is_file():
        raise ModelMissing(f"{path} does not exist or is a folder.", "Give the file that you fetched.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
