"""Results appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import OutputFailed


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes ``path`` when the block ends well.

    The block gets a file of the same name in a hidden temporary folder next to ``path`` (the same file
    system, so that moving is atomic) and may put companions beside it, such as the textures of an OBJ.
    At the end every file is flushed to disk and moved next to ``path``, ``path`` itself last. When the block
    raises, Ctrl-C included, the folder is removed and ``path`` is left as it was.

    Raises:
        OSError: the file system refused (disk full, no permission, no such folder).
    """
    target = path.resolve()  # a link keeps pointing at the file it names
    staging = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
    try:
        if target.is_dir():
            raise IsADirectoryError(f"{target} is a folder")
        staging.mkdir()
        yield staging / target.name
        _publish(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def staged_output(path: Path) -> Iterator[Path]:
    """As :func:`staged`, for a file that the user asked for.

    Raises:
        OutputFailed: the file system refused, or the block raised an ``OSError``.
    """
    try:
        with staged(path) as temporary:
            yield temporary
    except OSError as error:
        raise OutputFailed(
            f"Cannot write {path}: {error.strerror or error}.",
            "Check that the folder exists, that you may write there and that the disk has room.",
        ) from error


def _publish(staging: Path, target: Path) -> None:
    written = sorted(staging.iterdir(), key=lambda file: file.name == target.name)
    for file in written:
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())
    for file in written:
        file.replace(target.parent / file.name)
    if os.name == "posix":  # the new names are in the folder, which is flushed on its own
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
