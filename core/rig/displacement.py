"""Displacement maps of a rig: relief finer than its mesh, at rest and where expressions fold the skin."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from jaxtyping import Float32, UInt16
from numpy import ndarray

from core.arkit import ARKIT_NAMES, driven
from core.documents import each, field
from core.rig.check import is_png_name

FOLDER: Final = "displacement/"
ZERO: Final = 32768
"""Texel of no displacement."""
FULL: Final = 32767
"""Texels above or below ``ZERO`` at the map's ``metres``."""
MOST_MAPS: Final = 48
MOST_SIDE: Final = 4096
MOST_WEIGHTS: Final = 16
"""What Blender's driver expressions, of at most 255 letters, have room for."""
_CHANNELS: Final = 3  # maps in one file: shaders read a file at a time, and can read few
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")


@dataclass(frozen=True, eq=False)
class Displacement:
    """How high the skin stands above the mesh, along its normals; added to the rig's other maps.

    Attributes:
        name: ``neutral``, or one of :data:`core.retarget.wrinkles.WRINKLES`.
        weights: ARKit name → weight. The map counts by their sum with the coefficients, at most 1; without
            weights it always counts in full.
        metres: height of a texel ``FULL`` above ``ZERO``; positive.
        texels: in the layout of the rig's UVs; row 0 is v = 1.
        measured: how much of it photos showed rather than was made up, 0-1.
    """

    name: str
    weights: Mapping[str, float]
    metres: float
    texels: UInt16[ndarray, "side side"]
    measured: float = 0.0

    @classmethod
    def of(
        cls,
        name: str,
        heights: Float32[ndarray, "side side"],
        weights: Mapping[str, float] | None = None,
        measured: float = 0.0,
    ) -> Displacement:
        """A map of heights in metres, kept to a 65,534th of their range."""
        metres = max(float(np.abs(heights).max()), 1e-6)
        texels = np.rint(heights * (FULL / metres)).astype(np.int32) + ZERO
        return cls(name, dict(weights or {}), metres, texels.astype(np.uint16), measured)

    def heights(self) -> Float32[ndarray, "side side"]:
        """In metres."""
        return (self.texels.astype(np.float32) - ZERO) * np.float32(self.metres / FULL)

    def strength(self, expression: Mapping[str, float]) -> float:
        """How much of the map an expression shows, 0-1."""
        return driven(self.weights, expression) if self.weights else 1.0


def to_document(maps: Sequence[Displacement]) -> list[dict[str, Any]]:
    """The field ``displacement`` of ``rig.json``."""
    return [
        {
            "name": item.name,
            "file": _file(index // _CHANNELS),
            "channel": index % _CHANNELS,
            "metres": float(item.metres),
            "weights": {name: float(weight) for name, weight in item.weights.items()},
            "measured": float(item.measured),
        }
        for index, item in enumerate(maps)
    ]


def _file(index: int) -> str:
    return f"maps-{index + 1}.png"


def to_files(maps: Sequence[Displacement]) -> dict[str, bytes]:
    """Member name → PNG of 16 bits a channel, with a map in red, green and blue each.

    Raises:
        ValueError: the maps do not hold together.
    """
    check(maps)
    files = {}
    for start in range(0, len(maps), _CHANNELS):
        packed = np.full((*maps[0].texels.shape, _CHANNELS), ZERO, np.uint16)
        for channel, item in enumerate(maps[start : start + _CHANNELS]):
            packed[..., _CHANNELS - 1 - channel] = item.texels  # OpenCV writes blue first
        found, content = cv2.imencode(".png", packed, [cv2.IMWRITE_PNG_COMPRESSION, 4])
        if not found:
            raise ValueError("a displacement map cannot be written as a PNG")
        files[FOLDER + _file(start // _CHANNELS)] = content.tobytes()
    return files


def wanted_files(document: Mapping[str, Any]) -> set[str]:
    """Members that a document's maps lie in.

    Raises:
        ValueError: the document names a file that cannot be one.
    """
    names = {field(item, "file", str) for item in _items(document)}
    if bad := [name for name in names if not is_png_name(name)]:
        raise ValueError(f"{bad[0]!r} cannot be the file name of a displacement map")
    return {FOLDER + name for name in names}


def from_files(document: Mapping[str, Any], files: Mapping[str, bytes]) -> tuple[Displacement, ...]:
    """The maps of a document; none where it has none, as documents of before had.

    Raises:
        ValueError: a field is missing or of another type, or a file is not what it should be.
    """
    packed = {name: _unpack(name, content) for name, content in files.items()}
    maps = tuple(_map(item, packed) for item in _items(document))
    check(maps)
    return maps


def _items(document: Mapping[str, Any]) -> list[Any]:
    items = each(document, "displacement", dict) if "displacement" in document else []
    if len(items) > MOST_MAPS:
        raise ValueError(f"{len(items)} displacement maps are more than {MOST_MAPS}")
    return items


def _map(item: Mapping[str, Any], packed: Mapping[str, ndarray]) -> Displacement:
    channel, weights = field(item, "channel", int), field(item, "weights", dict)
    if not 0 <= channel < _CHANNELS:
        raise ValueError(f"channel is {channel}")
    texels = packed[FOLDER + field(item, "file", str)][..., _CHANNELS - 1 - channel]
    return Displacement(
        name=field(item, "name", str),
        weights={name: field(weights, name, float) for name in weights},
        metres=field(item, "metres", float),
        texels=np.ascontiguousarray(texels),
        measured=field(item, "measured", float),
    )


def _unpack(name: str, content: bytes) -> UInt16[ndarray, "side side 3"]:
    # the header is looked at first: a small file may claim any size
    side = int.from_bytes(content[16:20], "big")
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or not 0 < side <= MOST_SIDE:
        raise ValueError(f"{name} is no PNG of at most {MOST_SIDE} pixels a side")
    if int.from_bytes(content[20:24], "big") != side or content[24:26] != b"\x10\x02":
        raise ValueError(f"{name} is no square RGB picture of 16 bits a channel")
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint16 or image.shape != (side, side, _CHANNELS):
        raise ValueError(f"{name} is not a readable PNG")
    return image


def check(maps: Sequence[Displacement]) -> None:
    """Check that maps fit each other and the ARKit names.

    Raises:
        ValueError: names that repeat, of another form or unknown, numbers or sizes that cannot be.
    """
    names = [item.name for item in maps]
    if len(set(names)) != len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise ValueError("displacement maps do not have distinct names")
    if len(maps) > MOST_MAPS or len({item.texels.shape for item in maps}) > 1:
        raise ValueError("displacement maps are too many or differ in size")
    for item in maps:
        height, width = item.texels.shape
        if height != width or not 0 < height <= MOST_SIDE:
            raise ValueError(f"the displacement map {item.name} has {width} by {height} texels")
        if not (0 < item.metres < 0.1 and 0 <= item.measured <= 1):
            raise ValueError(f"the displacement map {item.name} has numbers out of range")
        if len(item.weights) > MOST_WEIGHTS:
            raise ValueError(f"the displacement map {item.name} has more weights than {MOST_WEIGHTS}")
        if unknown := set(item.weights) - set(ARKIT_NAMES):
            raise ValueError(f"{sorted(unknown)[0]!r} is not an ARKit name")
