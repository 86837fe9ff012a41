"""A bank: all that pictures are rendered from on the device that trains, made once on any machine.

Painting skins takes the face model, MediaPipe and seconds; rendering takes milliseconds on a GPU. A bank is a
folder with the first part done, small enough to be carried to the machine that trains:

- ``bank.json``: settings, where everything comes from and its licence;
- ``MODEL-head.npz``: the face model;
- ``MODEL-skins.npz``: painted skins, JPEG, with the hair that goes with each;
- ``MODEL-things.npz``: glasses, hands, microphones and clothes, fitted to the template;
- ``scenes.npz``: backgrounds and expressions;
- ``shared.npz``: how the second model's heads are said in the first one's code.

Nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.errors import DataUnreadable
from core.face_model.cache import read_cached
from core.face_model.model import FaceModel
from core.scene.shading import LINEAR_OF_BYTE
from models.data.shared_identity import SharedIdentity
from models.data.stream.things import Things, read_things

BANK_FILE: Final = "bank.json"
FORMAT: Final = 1
CODE: Final = "anny"
"""The model in whose coefficients and head space all labels are."""


@dataclass(frozen=True)
class Skins:
    """Skins of one model.

    Attributes:
        textures: sRGB.
        bare: where a texel is bare skin.
        albedo: coefficients of the model's albedo basis.
        hair: linear colour of each person's hair.
        styles: numbers of :class:`~models.data.hair.HairStyle`, in its order.
        hair_depth: of every vertex of the template, as :class:`~models.data.surface.Surface` has it.
        lash_alpha: opacity of the lashes' cards.
        albedo_mean, albedo_modes: the albedo basis.
    """

    textures: UInt8[ndarray, "skins side side 3"]
    bare: UInt8[ndarray, "skins bare_side bare_side"]
    albedo: Float32[ndarray, "skins modes"]
    hair: Float32[ndarray, "skins 3"]
    styles: Float32[ndarray, "skins 11"]
    hair_depth: Float32[ndarray, "vertices"]
    lash_alpha: Float32[ndarray, "side side"]
    albedo_mean: Float32[ndarray, "vertices 3"]
    albedo_modes: Float32[ndarray, "modes vertices 3"]


@dataclass(frozen=True)
class ModelBank:
    """What one model's people are made of."""

    model: FaceModel
    skins: Skins
    things: Things


@dataclass(frozen=True)
class Bank:
    """A bank in memory.

    Attributes:
        facts: what ``bank.json`` says.
        models: by name.
        backgrounds: sRGB.
        expressions: ARKit's order, in [0, 1].
        shared: of the second model, if there is one.
    """

    facts: dict[str, Any]
    models: dict[str, ModelBank]
    backgrounds: UInt8[ndarray, "backgrounds height width 3"]
    expressions: Float32[ndarray, "frames 52"]
    shared: SharedIdentity | None


def read_bank(folder: Path) -> Bank:
    """
    Raises:
        DataUnreadable: a part is missing, damaged, or of another release; the message names it.
    """
    with _reading(folder / BANK_FILE) as file:
        facts = json.loads(file.read_text(encoding="utf-8"))
        if facts["kind"] != "bank" or facts["format"] != FORMAT:
            raise ValueError("it is of another format")
        names = [str(name) for name in facts["models"]]
    models = {name: _read_model(folder, name) for name in names}
    with _reading(folder / "scenes.npz") as file, np.load(file, allow_pickle=False) as stored:
        backgrounds = _unpacked(stored["background_bytes"], stored["background_ends"])
        expressions = stored["expressions"].astype(np.float32) / 255
    shared = _read_shared(folder / "shared.npz") if "ict" in models else None
    return Bank(facts, models, backgrounds, expressions, shared)


def head_key(model: str) -> str:
    """Of the cached face model in a bank."""
    return f"bank/{model}"


@contextmanager
def _reading(file: Path) -> Iterator[Path]:
    try:
        yield file
    except Exception as error:  # damage shows in many ways
        raise DataUnreadable(
            f"{file} cannot be read ({error}).", "Make the bank again: semblance data bank."
        ) from error


def _read_model(folder: Path, name: str) -> ModelBank:
    with _reading(folder / f"{name}-head.npz") as file:
        model = read_cached(file, head_key(name))
        if model is None:
            raise ValueError("it is missing, damaged or of another release")
    with _reading(folder / f"{name}-skins.npz") as file, np.load(file, allow_pickle=False) as stored:
        values = {field.name: stored[field.name] for field in fields(Skins) if field.name in stored}
        values["textures"] = _unpacked(stored["texture_bytes"], stored["texture_ends"])
        shape = stored["bare_shape"]
        values["bare"] = np.unpackbits(stored["bare_bits"])[: int(np.prod(shape))].reshape(shape)
        for key in ("albedo_mean", "albedo_modes", "hair_depth", "lash_alpha"):
            values[key] = values[key].astype(np.float32)
        skins = Skins(**values)
    with _reading(folder / f"{name}-things.npz") as file:
        return ModelBank(model, skins, read_things(file))


def _read_shared(file: Path) -> SharedIdentity:
    with _reading(file), np.load(file, allow_pickle=False) as stored:
        return SharedIdentity(**{field.name: stored[field.name] for field in fields(SharedIdentity)})


def _unpacked(data: UInt8[ndarray, "bytes"], ends: ndarray) -> UInt8[ndarray, "pictures height width 3"]:
    pictures = []
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        picture = cv2.imdecode(data[start:end], cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError("a picture in it is damaged")
        pictures.append(picture[..., ::-1])
    return np.stack(pictures)


def linear_pictures(
    pictures: UInt8[ndarray, "pictures side side 3"],
) -> Float32[torch.Tensor, "pictures 3 side side"]:
    """sRGB pictures in linear light."""
    decoded = torch.from_numpy(LINEAR_OF_BYTE.astype(np.float32))
    return decoded[torch.from_numpy(pictures).long()].permute(0, 3, 1, 2).contiguous()
