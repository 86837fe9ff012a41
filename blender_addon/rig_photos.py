# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos that a rig was fitted to: their cameras and expressions, in Blender's space."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

_AXES = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # +Y up, +Z front → +Z up, -Y front
_CAMERA = np.diag([1.0, -1.0, -1.0])  # OpenCV's camera axes → Blender's


@dataclass(frozen=True)
class PhotoFit:
    """One photo and the view from which it shows the head.

    ``width``, ``height`` and the intrinsics (pixels) are those of the picture ``preview`` where the rig
    keeps one, else of the photo. ``camera`` is the pose of a Blender camera in the head's space, 4×4 by rows.
    ``equivalent`` is the lens in millimetres on 36 along the photo's longer side, and ``lens`` who told it:
    ``given``, ``exif`` or ``assumed``; of the photo ``lens_of``, if not this one. Older rigs say neither.
    """

    file: str
    width: int
    height: int
    focal: tuple[float, float]
    centre: tuple[float, float]
    camera: tuple[tuple[float, ...], ...]
    expression: dict[str, float]
    warnings: tuple[str, ...]
    preview: str | None
    equivalent: float = 0.0
    lens: str = ""
    lens_of: str = ""


def read_photos(document: Mapping[str, Any], preview_sizes: Mapping[str, tuple[int, int]]) -> list[PhotoFit]:
    """The photos of a ``rig.json``. ``preview_sizes``: name of each preview → its width and height.

    Raises:
        ValueError, KeyError, TypeError: a field is missing or makes no sense.
    """
    origins = document.get("provenance", {}).get("photos") or []
    photos = []
    for index, item in enumerate(document.get("photos", [])):
        origin = origins[index] if index < len(origins) else {}
        photos.append(_photo(item, origin, preview_sizes))
    return photos


def _photo(
    item: Mapping[str, Any], origin: Mapping[str, Any], preview_sizes: Mapping[str, tuple[int, int]]
) -> PhotoFit:
    width, height = int(item["width"]), int(item["height"])
    left, top, scale = 0.0, 0.0, 1.0
    preview: Any = origin.get("preview")
    if preview in preview_sizes:
        width, height = preview_sizes[preview]
        left, top, scale = (float(origin[name]) for name in ("left", "top", "scale"))
    else:
        preview = None
    camera = {name: float(item["camera"][name]) for name in ("fx", "fy", "cx", "cy")}
    rotation = np.array(item["rotation"], float)
    translation = np.array(item["translation"], float)
    if rotation.shape != (3, 3) or translation.shape != (3,):
        raise ValueError(f"the pose of {item['file']} has another shape")
    lens: Mapping[str, Any] = item.get("lens") or {}
    pose = np.eye(4)
    pose[:3, :3] = _AXES @ rotation.T @ _CAMERA
    pose[:3, 3] = _AXES @ (-rotation.T @ translation)
    numbers = [*camera.values(), *pose.ravel(), left, top, scale]
    if not np.isfinite(numbers).all() or min(camera["fx"], camera["fy"], scale, width, height) <= 0:
        raise ValueError(f"the camera of {item['file']} makes no sense")
    return PhotoFit(
        file=str(item["file"]),
        width=width,
        height=height,
        focal=(camera["fx"] * scale, camera["fy"] * scale),
        centre=((camera["cx"] - left) * scale, (camera["cy"] - top) * scale),
        camera=tuple(tuple(float(number) for number in row) for row in pose),
        expression={str(name): float(value) for name, value in item["expression"].items() if value},
        warnings=tuple(str(line) for line in item.get("warnings", ())),
        preview=preview,
        equivalent=36.0 * camera["fx"] / max(int(item["width"]), int(item["height"])),
        lens=str(lens.get("source") or ""),
        lens_of=str(lens.get("shared_with") or ""),
    )


def to_text(photos: tuple[PhotoFit, ...]) -> str:
    """Photos as text that travels with an object in Blender."""
    return json.dumps([asdict(photo) for photo in photos], separators=(",", ":"))


def from_text(text: str) -> tuple[PhotoFit, ...]:
    """Photos of a text that :func:`to_text` made; none where it is damaged."""
    try:
        return tuple(
            PhotoFit(**{**row, "camera": tuple(map(tuple, row["camera"])), "focal": tuple(row["focal"]),
                        "centre": tuple(row["centre"]), "warnings": tuple(row["warnings"])})
            for row in json.loads(text)
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return ()
