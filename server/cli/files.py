"""Which files a command reads and writes."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from core.errors import BadInput, OutputFailed

PHOTO_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".avif", ".bmp")


def photo_files(named: Sequence[Path]) -> list[Path]:
    """The photos that arguments name: a folder means the images in it, by name; ``*`` works on every system.

    Raises:
        BadInput: a folder has no images, or a pattern matches nothing.
    """
    files: list[Path] = []
    for path in named:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in PHOTO_ENDINGS)
            if not inside:
                raise BadInput(
                    f"The folder {path} has no photos in it.", f"It may hold {', '.join(PHOTO_ENDINGS)}."
                )
            files += inside
        elif not path.exists() and glob.has_magic(str(path)):
            found = sorted(Path(name) for name in glob.glob(str(path)))  # noqa: PTH207  may be absolute
            if not found:
                raise BadInput(f"No file matches {path}.", "Check the pattern and the folder.")
            files += found
        else:
            files.append(path)
    return files


def check_output(path: Path, endings: Sequence[str], force: bool, inputs: Iterable[Path | None] = ()) -> Path:
    """``path``, if it may be written; asked before the work starts.

    Args:
        inputs: files that the command reads, which it must not replace.

    Raises:
        BadInput: it has another ending, is one of the inputs, or exists and ``force`` is not set.
        OutputFailed: its folder does not exist, or nothing can be written there.
    """
    if path.suffix.lower() not in endings:
        raise BadInput(f"Cannot write {path}.", f"Its name must end in {' or '.join(endings)}.")
    if path.is_dir():
        raise BadInput(f"Cannot write {path}: it is a folder.", "Choose another name.")
    if path.exists() and any(other and other.exists() and path.samefile(other) for other in inputs):
        raise BadInput(f"Cannot write {path}: it is read by the same command.", "Choose another name.")
    if path.exists() and not force:
        raise BadInput(
            f"{path} exists already.", "Choose another name with -o, or add --force to replace it."
        )
    if not path.absolute().parent.is_dir():
        raise OutputFailed(f"Cannot write {path}: its folder does not exist.", "Make the folder first.")
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise OutputFailed(
            f"Cannot write {path}: {error.strerror or error}.", "Choose another folder with -o."
        ) from error
    return path
