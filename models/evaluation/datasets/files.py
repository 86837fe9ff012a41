"""Files that several datasets have."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from core.errors import DataUnreadable

PICTURES: Final = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".tif")
VIDEOS: Final = (".avi", ".mp4", ".mov", ".mpg", ".mpeg", ".wmv", ".mkv")


def need_folder(folder: Path, layout: str) -> None:
    """
    Raises:
        DataUnreadable: the folder is not there; the hint says how it should look.
    """
    if not folder.is_dir():
        raise DataUnreadable(f"{folder} is no folder.", f"Give the folder that holds {layout}.")


def need_any(found: Iterable[Path], folder: Path, layout: str) -> list[Path]:
    """The files found, sorted.

    Raises:
        DataUnreadable: there is none.
    """
    files = sorted(found)
    if not files:
        raise DataUnreadable(f"{folder} holds no {layout}.", "Check that it is the dataset's own folder.")
    return files


def read_surface(path: Path) -> tuple[Float[ndarray, "vertices 3"], Int[ndarray, "triangles 3"]]:
    """Positions and triangles of a mesh file (OBJ, PLY, STL, OFF); vertices that a seam doubles are joined.

    Raises:
        DataUnreadable: the file is missing, damaged or holds no triangles.
    """
    import trimesh

    try:
        content = path.read_bytes()
        mesh = trimesh.load_mesh(
            io.BytesIO(content), file_type=path.suffix[1:].lower(), process=False, skip_materials=True
        )
        mesh.merge_vertices(merge_tex=True, merge_norm=True)
        vertices = np.asarray(mesh.vertices, np.float64)
        triangles = np.asarray(mesh.faces, np.int64)
    except Exception as error:  # trimesh reports damage by any exception its parsers meet
        raise DataUnreadable(f"{path} cannot be read: {_reason(error)}.", "Fetch it again.") from error
    if not len(triangles) or not np.isfinite(vertices).all():
        raise DataUnreadable(f"{path} holds no usable triangles.", "Fetch it again.")
    return vertices, triangles


def read_numbers(path: Path, count: int) -> Float[ndarray, "count"]:
    """The numbers of a text file, divided by blanks, commas or lines.

    Raises:
        DataUnreadable: the file is missing or does not hold so many finite numbers.
    """
    try:
        values = np.array(path.read_text(encoding="utf-8").replace(",", " ").split(), np.float64)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise DataUnreadable(f"{path} cannot be read: {_reason(error)}.", "Fetch it again.") from error
    if len(values) != count or not np.isfinite(values).all():
        raise DataUnreadable(f"{path} holds {len(values)} numbers, not {count}.", "Fetch it again.")
    return values


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
