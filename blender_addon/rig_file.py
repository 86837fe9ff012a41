# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads ``.semrig`` files with NumPy alone, in Blender's space (+Z up, the face looks along -Y)."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .rig_photos import PhotoFit, read_photos

FORMAT = "semblance-rig"
SCHEMA = 1
MAX_BYTES = 1 << 30  # unpacked
_TEXTURE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.png")
_MOST_MAPS = 48
_MOST_WEIGHTS = 16  # a driver's expression has room for these
_MOST_SIDE = 4096

# Arrays that a head is built from → their shape; a letter stands for one size wherever it appears.
_ARRAYS = {
    "neutral": ("V", 3),
    "polygon_vertices": ("C",),
    "polygon_starts": ("P",),
    "uv": ("C", 2),
    "shape_key_names": ("K",),
    "shape_keys": ("K", "V", 3),
    "landmarks": (478, 3),
    "regions": ("V",),
    "region_names": ("R",),
    "joints": ("J", 3),
    "joint_names": ("J",),
    "joint_parents": ("J",),
    "skin_weights": ("V", "J"),
    "polygon_material": ("P",),
    "material_names": ("M",),
}


class RigUnreadable(Exception):
    """A rig file is missing, damaged or of a version that this add-on does not know."""


@dataclass(frozen=True)
class MaterialSpec:
    """A row of the rig's materials table; ``base_color`` is linear RGB.

    ``normal_map`` names the relief at rest as tangent-space normals, for viewers that know no displacement.
    """

    name: str
    base_color: tuple[float, float, float]
    roughness: float
    subsurface: float
    alpha: float
    texture: str | None
    normal_map: str | None


@dataclass(frozen=True)
class DisplacementMap:
    """Relief finer than the mesh, in one channel of a picture of 16 bits a channel; texel 32768 is no height.

    ``metres`` is the height of a texel 32767 above that. The map counts by the keys' values times
    ``weights``, their sum kept to 0-1; without weights it always counts in full.
    """

    name: str
    file: str
    channel: int
    metres: float
    weights: dict[str, float]


@dataclass(frozen=True, eq=False)
class RigFile:
    """What a head is built from. Positions are metres in Blender's space; arrays as in the rig document."""

    rig_id: str
    name: str
    neutral: np.ndarray  # (V, 3)
    polygon_vertices: np.ndarray  # (C,)
    polygon_starts: np.ndarray  # (P,)
    uv: np.ndarray  # (C, 2)
    shape_key_names: tuple[str, ...]
    shape_keys: np.ndarray  # (K, V, 3) offsets from neutral
    landmarks: np.ndarray  # (478, 3)
    regions: np.ndarray  # (V,)
    region_names: tuple[str, ...]
    joints: np.ndarray  # (J, 3)
    joint_names: tuple[str, ...]
    joint_parents: tuple[int, ...]
    skin_weights: np.ndarray  # (V, J)
    polygon_material: np.ndarray  # (P,)
    materials: tuple[MaterialSpec, ...]
    textures: dict[str, bytes]  # PNG files
    model: str
    photos: tuple[PhotoFit, ...]
    previews: dict[str, bytes]  # PNG files, by the names in ``photos``
    displacement: tuple[DisplacementMap, ...]
    displacement_files: dict[str, bytes]  # PNG files


def to_blender(points: np.ndarray) -> np.ndarray:
    """Positions or offsets (..., 3) from +Y up and +Z out of the face to +Z up and -Y out of the face."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1).astype(np.float32)


def read_rig(path: str | Path) -> RigFile:
    """Read a rig, zipped or as a folder.

    Raises:
        RigUnreadable: with a sentence that names the file and says what to do.
    """
    path = Path(path)
    try:
        names, read = _folder_reader(path) if path.is_dir() else _zip_reader(path)
        document = json.loads(read("rig.json").decode("utf-8"))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError("it is not a Semblance rig")
        if int(document["schema"]) > SCHEMA:
            raise RigUnreadable(f"{path} was written by a newer Semblance. Update Semblance's add-on.")
        if not isinstance(document["name"], str) or not isinstance(document["rig_id"], str):
            raise ValueError("its name or id is not text")
        arrays = _read_arrays(read("mesh.npz"))
        materials = tuple(_material(item) for item in document["materials"])
        if [material.name for material in materials] != arrays["material_names"].tolist():
            raise ValueError("the materials are not those of the mesh")
        pictures = {name for material in materials for name in (material.texture, material.normal_map)}
        textures = {name: read(name) for name in pictures if name}
        previews = _read_previews(document, names, read)
        keys = tuple(arrays["shape_key_names"].tolist())
        displacement = _displacement(document, keys)
        return RigFile(
            rig_id=document["rig_id"],
            name=document["name"],
            neutral=to_blender(arrays["neutral"]),
            polygon_vertices=arrays["polygon_vertices"].astype(np.int32),
            polygon_starts=arrays["polygon_starts"].astype(np.int32),
            uv=arrays["uv"].astype(np.float32),
            shape_key_names=keys,
            shape_keys=to_blender(arrays["shape_keys"]),
            landmarks=to_blender(arrays["landmarks"]),
            regions=arrays["regions"].astype(np.int32),
            region_names=tuple(arrays["region_names"].tolist()),
            joints=to_blender(arrays["joints"]),
            joint_names=tuple(arrays["joint_names"].tolist()),
            joint_parents=tuple(arrays["joint_parents"].tolist()),
            skin_weights=arrays["skin_weights"].astype(np.float32),
            polygon_material=arrays["polygon_material"].astype(np.int32),
            materials=materials,
            textures=textures,
            model=str(document["model"]["name"]),
            photos=tuple(read_photos(document, {name: _png_size(png) for name, png in previews.items()})),
            previews=previews,
            displacement=displacement,
            displacement_files={
                name: _read_map(name, read) for name in dict.fromkeys(item.file for item in displacement)
            },
        )
    except (
        OSError, ValueError, KeyError, TypeError, ArithmeticError, RuntimeError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise RigUnreadable(
            f"Cannot read the rig {path}: {reason.rstrip('.')}. Make it again, or copy it again."
        ) from error


def _zip_reader(path: Path) -> tuple[set[str], Callable[[str], bytes]]:
    archive = zipfile.ZipFile(path)
    if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
        raise ValueError("it unpacks to more than 1 GiB")
    return set(archive.namelist()), archive.read


def _folder_reader(folder: Path) -> tuple[set[str], Callable[[str], bytes]]:
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    return names, lambda name: (folder / name).read_bytes()


def _read_previews(document: dict, names: set[str], read: Callable[[str], bytes]) -> dict[str, bytes]:
    wanted = (photo.get("preview") for photo in document.get("provenance", {}).get("photos") or ())
    previews = {}
    for name in wanted:
        if isinstance(name, str) and _TEXTURE_NAME.fullmatch(name) and f"previews/{name}" in names:
            previews[name] = read(f"previews/{name}")
    return previews


def _png_size(content: bytes) -> tuple[int, int]:
    if not content.startswith(b"\x89PNG") or len(content) < 33:
        raise ValueError("one of its pictures is not a PNG")
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def _material(item: dict) -> MaterialSpec:
    texture, normal_map = item["texture"], item.get("normal_map")  # rigs of before have no normal map
    for name in (texture, normal_map):
        if name is not None and not _TEXTURE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the file name of a texture")
    red, green, blue = (float(channel) for channel in item["base_color"])
    return MaterialSpec(
        name=str(item["name"]),
        base_color=(red, green, blue),
        roughness=float(item["roughness"]),
        subsurface=float(item["subsurface"]),
        alpha=float(item["alpha"]),
        texture=texture,
        normal_map=normal_map,
    )


def _displacement(document: dict, keys: tuple[str, ...]) -> tuple[DisplacementMap, ...]:
    items = document.get("displacement", [])
    if not isinstance(items, list) or len(items) > _MOST_MAPS:
        raise ValueError(f"its displacement is no list of at most {_MOST_MAPS} maps")
    return tuple(_displacement_map(item, keys) for item in items)


def _displacement_map(item: dict, keys: tuple[str, ...]) -> DisplacementMap:
    name, file, channel, weights = (item[field] for field in ("name", "file", "channel", "weights"))
    if not isinstance(name, str) or not name:
        raise ValueError("a displacement map has no name")
    if not isinstance(file, str) or not _TEXTURE_NAME.fullmatch(file):
        raise ValueError(f"{file!r} cannot be the file name of a displacement map")
    if type(channel) is not int or not 0 <= channel <= 2:
        raise ValueError(f"the displacement map {name} has the channel {channel!r}")
    if not isinstance(weights, dict) or len(weights) > _MOST_WEIGHTS or not set(weights) <= set(keys):
        raise ValueError(f"the displacement map {name} has weights of no shape keys, or too many")
    metres = _number(item["metres"])
    if not 0 < metres < 0.1:
        raise ValueError(f"the displacement map {name} is {metres} m high")
    return DisplacementMap(name, file, channel, metres, {key: _number(weights[key]) for key in weights})


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _read_map(name: str, read: Callable[[str], bytes]) -> bytes:
    content = read(f"displacement/{name}")
    width, height = _png_size(content)
    if width != height or not 0 < width <= _MOST_SIDE or content[24:26] != b"\x10\x02":
        raise ValueError(f"displacement/{name} is no square RGB picture of 16 bits a channel")
    if not content.endswith(b"IEND\xaeB`\x82"):
        raise ValueError(f"displacement/{name} is cut off")
    return content


def _read_arrays(content: bytes) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
            raise ValueError("mesh.npz unpacks to more than 1 GiB")
    arrays = {}
    with np.load(io.BytesIO(content), allow_pickle=False) as mesh:
        sizes: dict[str, int] = {}
        for name, shape in _ARRAYS.items():
            array = arrays[name] = mesh[name]
            expected = tuple(
                size if isinstance(size, int) else sizes.setdefault(size, length)
                for size, length in zip(shape, array.shape)  # noqa: B905 (lengths are compared below)
            )
            if array.shape != expected or len(shape) != array.ndim or not array.size:
                raise ValueError(f"{name} has the shape {array.shape}")
    for name, limit in (("polygon_vertices", "V"), ("regions", "R"), ("polygon_material", "M")):
        if arrays[name].min() < 0 or arrays[name].max() >= sizes[limit]:
            raise ValueError(f"{name} points outside the mesh")
    corners = np.diff(np.append(arrays["polygon_starts"], sizes["C"]))
    if arrays["polygon_starts"][0] != 0 or corners.min() < 3:
        raise ValueError("polygon_starts do not cut polygons")
    return arrays
