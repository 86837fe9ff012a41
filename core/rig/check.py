"""Whether the content of a rig file makes sense; asked before writing and after reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.documents import check_arrays

# name → (dtype kinds, shape); a letter stands for one size wherever it appears.
MESH_ARRAYS: Final[dict[str, tuple[str, tuple[int | str, ...]]]] = {
    "neutral": ("f", ("V", 3)),
    "triangles": ("iu", ("T", 3)),
    "polygon_vertices": ("iu", ("C",)),
    "polygon_starts": ("iu", ("P",)),
    "uv": ("f", ("C", 2)),
    "shape_key_names": ("U", (52,)),
    "shape_keys": ("f", (52, "V", 3)),
    "landmarks": ("f", (478, 3)),
    "regions": ("iu", ("V",)),
    "region_names": ("U", ("R",)),
    "joints": ("f", ("J", 3)),
    "joint_names": ("U", ("J",)),
    "joint_parents": ("i", ("J",)),
    "skin_weights": ("f", ("V", "J")),
    "polygon_material": ("iu", ("P",)),
    "material_names": ("U", ("M",)),
}

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.png")


def is_png_name(name: object) -> bool:
    """Whether a name from a file can be used as the name of a PNG, inside one folder."""
    return isinstance(name, str) and _FILE_NAME.fullmatch(name) is not None


def check_mesh(arrays: Mapping[str, ndarray]) -> None:
    """Check the arrays of ``mesh.npz``.

    Raises:
        ValueError: an array is missing, has another type or shape, or points outside another.
    """
    sizes = check_arrays(arrays, MESH_ARRAYS)
    for name, size in (
        ("triangles", sizes["V"]),
        ("polygon_vertices", sizes["V"]),
        ("regions", sizes["R"]),
        ("polygon_material", sizes["M"]),
    ):
        if arrays[name].min() < 0 or arrays[name].max() >= size:
            raise ValueError(f"{name} points outside its {size} elements")
    for name in ("shape_key_names", "region_names", "joint_names", "material_names"):
        if len(set(arrays[name].tolist())) != len(arrays[name]) or "" in arrays[name]:
            raise ValueError(f"{name} are not distinct names")
    if set(arrays["shape_key_names"].tolist()) != set(ARKIT_NAMES):
        raise ValueError("shape_key_names are not the 52 ARKit names")
    _check_polygons(arrays)
    parents = arrays["joint_parents"]
    if ((parents < -1) | (parents >= np.arange(len(parents)))).any():
        raise ValueError("joint_parents do not come before their children")
    weights = arrays["skin_weights"]
    if weights.min() < 0 or not np.allclose(weights.sum(axis=1), 1, atol=1e-3):
        raise ValueError("skin_weights do not add up to 1")


def _check_polygons(arrays: Mapping[str, ndarray]) -> None:
    starts = arrays["polygon_starts"].astype(np.int64)
    sizes = np.diff(np.append(starts, len(arrays["polygon_vertices"])))
    if starts[0] != 0 or sizes.min() < 3:
        raise ValueError("polygon_starts do not cut polygons of three corners or more")


def check_materials(document: Mapping[str, Any], arrays: Mapping[str, ndarray], images: set[str]) -> None:
    """Check that the materials table fits the mesh and the images at hand.

    Raises:
        ValueError: the names differ from the mesh's, or a texture is missing or cannot be a file name.
    """
    names = [material["name"] for material in document["materials"]]
    if names != arrays["material_names"].tolist():
        raise ValueError("the materials are not those of the mesh")
    for material in document["materials"]:
        for texture in (material["texture"], material["normal_map"]):
            if texture is not None and not is_png_name(texture):
                raise ValueError(f"{texture!r} cannot be the file name of a texture")
            if texture is not None and texture not in images:
                raise ValueError(f"{texture} is missing")
    for photo in document["photos"]:
        if unknown := set(photo["expression"]) - set(ARKIT_NAMES):
            raise ValueError(f"{sorted(unknown)[0]!r} is not an ARKit name")
