"""Reads Wavefront OBJ meshes fast: the parts a face model needs (positions, polygons, texture corners)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32
from numpy import ndarray

from core.errors import ModelUnreadable


@dataclass(frozen=True)
class ObjMesh:
    """Positions and polygons of one OBJ file; indices count from 0."""

    vertices: Float[ndarray, "vertices 3"]
    texture: Float[ndarray, "texture 2"]
    polygon_vertices: Int32[ndarray, "corners"]
    polygon_texture: Int32[ndarray, "corners"]
    polygon_starts: Int32[ndarray, "polygons"]


def _numbers(block: bytes, columns: int, name: str) -> Float[ndarray, "rows columns"]:
    try:
        values = np.array(block.split(), dtype=np.float64)
        return values.reshape(-1, columns)
    except ValueError as error:
        raise ModelUnreadable(f"{name}: a coordinate is not a number.", "Fetch the file again.") from error


def read_obj_vertices(content: bytes, name: str) -> Float[ndarray, "vertices 3"]:
    """Positions of the ``v`` lines, which must stand together (as exporters write them).

    Args:
        content: the file.
        name: what errors call the file.

    Raises:
        ModelUnreadable: there are no positions, or one is not a number.
    """
    first = 0 if content.startswith(b"v ") else content.find(b"\nv ") + 1
    if first == 0 and not content.startswith(b"v "):
        raise ModelUnreadable(f"{name} has no vertices.", "Fetch the file again.")
    last = content.rfind(b"\nv ") + 1
    end = content.find(b"\n", max(first, last))
    block = content[first : end if end > 0 else len(content)]
    return _numbers(block.replace(b"v ", b""), 3, name)


def read_obj(content: bytes, name: str) -> ObjMesh:
    """Positions, texture coordinates and polygons (corners written ``vertex/texture``).

    Raises:
        ModelUnreadable: the file has no polygons, a corner without texture, or an index out of range.
    """
    vertices = read_obj_vertices(content, name)
    lines = content.split(b"\n")
    texture = _numbers(b" ".join(line[3:] for line in lines if line.startswith(b"vt ")), 2, name)
    polygons = [line.split()[1:] for line in lines if line.startswith(b"f ")]
    if not polygons or min(map(len, polygons)) < 3:
        raise ModelUnreadable(f"{name} has no polygons.", "Fetch the file again.")
    corners = [corner.split(b"/")[:2] for polygon in polygons for corner in polygon]
    try:
        indices = np.array(corners, dtype=np.int64) - 1
    except ValueError as error:
        raise ModelUnreadable(
            f"{name}: a polygon corner has no texture index.", "Fetch the file again."
        ) from error
    if indices.min() < 0 or (indices.max(axis=0) >= (len(vertices), len(texture))).any():
        raise ModelUnreadable(f"{name}: a polygon uses a vertex that is not there.", "Fetch the file again.")
    sizes = np.array([len(polygon) for polygon in polygons])
    return ObjMesh(
        vertices=vertices,
        texture=texture,
        polygon_vertices=indices[:, 0].astype(np.int32),
        polygon_texture=indices[:, 1].astype(np.int32),
        polygon_starts=(np.cumsum(sizes) - sizes).astype(np.int32),
    )
