# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender and the thread of a preview say to each other, and how that goes over the line."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import Damaged
from .messages import Target

_HEAD = struct.Struct("!IHHB3x")  # number, width, height, format
_FORMATS = ("raw", "deflate")
# What is taken for the same state: less than a quarter of a pixel at 1,024
_STEPS = (1 / 512, 1 / 2048, 1 / 20000)  # of coefficients, of rotations' entries, metres


@dataclass(frozen=True)
class StartPreview:
    """Let a photo of a rig follow states.

    ``rigs`` is the folder of rigs that a server may lack; ``packed``: the line is slow, pack pictures.
    """

    target: Target
    rigs: Path
    rig: str
    photo: int
    size: int
    packed: bool = False


@dataclass(frozen=True, eq=False)
class HeadState:
    """A head at one moment, in Semblance's head space (+Y up, +Z out of the face), away from rest.

    ``rotation`` (3, 3) and ``translation`` (3,) are the head's, ``eyes`` (2, 3, 3) those of the left and the
    right eye within it; ``coefficients`` are in the order of the names that the server told.
    """

    coefficients: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    eyes: np.ndarray

    def key(self) -> bytes:
        """The same for states that look the same."""
        turns = np.concatenate([self.rotation.ravel(), self.eyes.ravel()])
        parts = (self.coefficients, turns, self.translation)
        # as many parts as steps
        return b"".join(np.rint(part / step).astype(np.int32).tobytes() for part, step in zip(parts, _STEPS))  # noqa: B905

    def text(self, number: int) -> str:
        """As it is sent."""
        head = {
            "rotation": self.rotation.tolist(),
            "translation": np.clip(self.translation, -10, 10).tolist(),
        }
        coefficients = np.clip(np.round(self.coefficients.astype(float), 4), -2, 2)
        return json.dumps(
            {"type": "state", "number": number, "coefficients": coefficients.tolist(), "head": head,
             "eyes": self.eyes.tolist()}
        )  # fmt: skip


@dataclass(frozen=True)
class PreviewLayout:
    """What is known once a photo is prepared: the coefficients' names, and where the square lies.

    ``photo`` is the size of the head's copy of the photo; ``square`` left, top and side in its pixels.
    """

    names: tuple[str, ...]
    photo: tuple[int, int]
    square: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of the state ``key``: RGBA bytes (H, W, 4), rows from the bottom."""

    key: bytes
    pixels: np.ndarray


@dataclass(frozen=True)
class PreviewStage:
    """How a preview goes: ``connect``, ``prepare`` or ``run``."""

    stage: str
    layout: PreviewLayout | None = None


@dataclass(frozen=True)
class PreviewEnded:
    """A preview has ended; the code is empty where nothing is wrong."""

    code: str = ""
    message: str = ""
    hint: str = ""


def opening(request: StartPreview) -> str:
    """The first message of a line."""
    form = "deflate" if request.packed else "raw"
    return json.dumps({"type": "open", "photo": request.photo, "size": request.size, "format": form})


def unpacked(content: bytes, base: np.ndarray | None) -> tuple[int, np.ndarray]:
    """A picture's number and RGB bytes (H, W, 3), rows from the top; ``base`` is picture 0.

    Raises:
        Damaged: it is no picture.
    """
    try:
        number, width, height, form = _HEAD.unpack_from(content)
        wanted = width * height * 3
        if not wanted:
            raise ValueError("it is empty")
        body = content[_HEAD.size :]
        if _FORMATS[form] == "deflate":
            body = zlib.decompressobj().decompress(body, wanted + 1)
        picture = np.frombuffer(body, np.uint8).reshape(height, width, 3)
        if _FORMATS[form] == "deflate" and base is not None:
            picture = picture + base
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise Damaged(
            f"A picture of the preview cannot be read ({error}).",
            "Update the add-on and the server to the same release.",
        ) from error
    return number, picture


def rgba(picture: np.ndarray) -> np.ndarray:
    """RGB rows from the top as RGBA rows from the bottom."""
    pixels = np.full((*picture.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = picture[::-1]
    return pixels
