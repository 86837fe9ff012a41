# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes as arrays that the server reads: +Y up, in the scene's units."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Takes Blender's axes (Z up, faces look along -Y) to +Y up, +Z out of the face."""


def turn_of(item: bpy.types.Object) -> np.ndarray:
    """(3, 3): from the object's own axes to +Y up, without its place."""
    return Y_UP @ np.array(item.matrix_world, np.float64)[:3, :3]


def place_of(item: bpy.types.Object) -> np.ndarray:
    """(3,): the object's origin, +Y up."""
    return Y_UP @ np.array(item.matrix_world.translation, np.float64)


def write_geometry(items: Sequence[bpy.types.Object], path: Path) -> None:
    """Write the polygons of meshes as they are without modifiers and shape keys, one after the other.

    Raises:
        OSError: the file cannot be written.
    """
    vertices, corners, starts, owners = [], [], [], []
    first_vertex = first_corner = 0
    for number, item in enumerate(items):
        mesh = item.data
        own = _read(rest_of(mesh), "co", 3 * len(mesh.vertices), np.float32).reshape(-1, 3)
        vertices.append(own @ turn_of(item).T + place_of(item))
        corners.append(_read(mesh.loops, "vertex_index", len(mesh.loops), np.int32) + first_vertex)
        starts.append(_read(mesh.polygons, "loop_start", len(mesh.polygons), np.int32) + first_corner)
        owners.append(np.full(len(own), number, np.int32))
        first_vertex += len(own)
        first_corner += len(mesh.loops)
    np.savez_compressed(
        path,
        vertices=np.concatenate(vertices),
        polygon_vertices=np.concatenate(corners),
        polygon_starts=np.concatenate(starts),
        object_of_vertex=np.concatenate(owners),
        object_names=np.array([item.name for item in items]),
    )


def rest_of(mesh: bpy.types.Mesh) -> bpy.types.bpy_prop_collection:
    """What holds the positions at rest: the first shape key, where there are any."""
    return mesh.shape_keys.key_blocks[0].data if mesh.shape_keys else mesh.vertices


def matrix_to_y_up() -> Matrix:
    """:data:`Y_UP` for objects."""
    return Matrix(Y_UP.tolist()).to_4x4()


def _read(owner: bpy.types.bpy_prop_collection, name: str, count: int, kind: type) -> np.ndarray:
    values: np.ndarray = np.empty(count, kind)
    owner.foreach_get(name, values)
    return values
