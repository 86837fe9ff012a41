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
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.atomic import staged_output
from core.errors import DataUnreadable
from core.face_model.cache import read_cached, write_cached
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.progress import Progress
from core.scene.shading import linear_to_srgb, srgb_to_linear
from models.data.albedo import load_albedo
from models.data.backgrounds import random_background
from models.data.expressions import ExpressionSampler
from models.data.hair import HairStyle
from models.data.performance import Performer
from models.data.scene import MODELS
from models.data.shared_identity import SharedIdentity, load_shared_identity
from models.data.skin_recipe import SkinRecipe
from models.data.stream.things import Things, make_things, read_things, write_things
from models.data.surface import vertex_surface
from models.data.take import read_take, training_half
from models.data.textures import TexturePainter

BANK_FILE: Final = "bank.json"
STAGE: Final = "painting"
CODE: Final = "anny"
"""The model in whose coefficients and head space all labels are."""

_FORMAT: Final = 1
_QUALITY: Final = 88  # of the skins' JPEG
_BACKGROUND_SIDE: Final = 112
_BARE_SIDE: Final = 96  # of the masks of bare skin
_SECONDS_A_SKIN: Final = 0.25


@dataclass(frozen=True)
class BankJob:
    """What to put into a bank.

    Attributes:
        skins: painted skins of each model.
        backgrounds: of them all.
        expressions: frames that pictures draw from.
        take: Live Link Face CSV of which the first half is used.
    """

    out: Path
    models: tuple[str, ...] = ("anny", "ict")
    skins: int = 640
    backgrounds: int = 512
    expressions: int = 40_000
    seed: int = 0
    take: Path | None = None


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


def make_bank(job: BankJob, progress: Progress) -> None:
    """Paint a bank.

    Args:
        progress: must know the stage ``painting``.

    Raises:
        ModelMissing: a face model has not been added.
        UnreadableMedia: the take cannot be read.
        OutputFailed: the folder cannot be written.
        Cancelled: the user asked to stop.
    """
    job.out.mkdir(parents=True, exist_ok=True)
    sources = {"skins": "own, painted; NASA's portrait of Eileen Collins, from scikit-image: public domain"}
    with progress.stage(STAGE):
        for index, name in enumerate(job.models):
            model = load_model(name)
            sources[f"heads and expressions of {name}"] = model.licence
            write_cached(job.out / f"{name}-head.npz", model, _key(name))
            skins = _paint(model, job, lambda done, i=index: progress.update((i + done) / len(job.models)))
            _save_arrays(job.out / f"{name}-skins.npz", skins)
            rng = np.random.default_rng([job.seed, MODELS[name], 7])
            write_things(job.out / f"{name}-things.npz", make_things(model, rng))
        _save_arrays(job.out / "scenes.npz", _scenes(job))
        if "ict" in job.models:
            load_shared_identity().save(job.out / "shared.npz")
    if job.take:
        sources["half of the expressions"] = f"first half of the user's take {job.take.name}"
    facts = {
        "kind": "bank", "format": _FORMAT, "models": list(job.models), "code": CODE, "skins": job.skins,
        "seed": job.seed, "sources": sources,
    }  # fmt: skip
    with staged_output(job.out / BANK_FILE) as path:
        path.write_text(json.dumps(facts, indent=1))


def expected_seconds(job: BankJob) -> dict[str, float]:
    """Stages and rough durations, for :class:`core.progress.Progress`."""
    return {STAGE: 40 + _SECONDS_A_SKIN * job.skins * len(job.models)}


def read_bank(folder: Path) -> Bank:
    """
    Raises:
        DataUnreadable: a part is missing, damaged, or of another release.
    """
    try:
        facts = json.loads((folder / BANK_FILE).read_text())
        if facts["kind"] != "bank" or facts["format"] != _FORMAT:
            raise ValueError("another format")
        models = {name: _read_model(folder, name) for name in facts["models"]}
        with np.load(folder / "scenes.npz", allow_pickle=False) as stored:
            backgrounds = _unpacked(stored["background_bytes"], stored["background_ends"])
            expressions = stored["expressions"].astype(np.float32) / 255
        shared = SharedIdentity.load(folder / "shared.npz") if "ict" in models else None
    except DataUnreadable:
        raise
    except Exception as error:  # damage shows in many ways
        raise DataUnreadable(
            f"{folder} holds no bank that can be read ({error}).", "Make it again: semblance data bank."
        ) from error
    return Bank(facts, models, backgrounds, expressions, shared)


def _key(model: str) -> str:
    return f"bank/{model}"


def _read_model(folder: Path, name: str) -> ModelBank:
    model = read_cached(folder / f"{name}-head.npz", _key(name))
    if model is None:
        raise DataUnreadable(f"{folder}/{name}-head.npz cannot be read.", "Make the bank again.")
    with np.load(folder / f"{name}-skins.npz", allow_pickle=False) as stored:
        values = {field.name: stored[field.name] for field in fields(Skins) if field.name in stored}
        values["textures"] = _unpacked(stored["texture_bytes"], stored["texture_ends"])
        shape = stored["bare_shape"]
        values["bare"] = np.unpackbits(stored["bare_bits"])[: int(np.prod(shape))].reshape(shape)
        for key in ("albedo_mean", "albedo_modes", "hair_depth", "lash_alpha"):
            values[key] = values[key].astype(np.float32)
    return ModelBank(model, Skins(**values), read_things(folder / f"{name}-things.npz"))


def _paint(model: FaceModel, job: BankJob, report: Any) -> dict[str, ndarray]:
    painter = TexturePainter(model)
    basis = load_albedo(model, painter)
    rng = np.random.default_rng([job.seed, MODELS[model.name], 3])
    packed, bare, albedo, hair, styles = [], [], [], [], []
    for number in range(job.skins):
        report(number / job.skins)
        recipe, style = SkinRecipe.draw(rng), HairStyle.draw(rng)
        image = painter.texture(recipe, style.scalp, style.hairline).image
        encoded = linear_to_srgb(torch.from_numpy(image[..., :3].copy()).clamp(0, 1)).numpy()
        packed.append(_packed(np.rint(255 * encoded).astype(np.uint8)))
        small = cv2.resize(image[..., 3], (_BARE_SIDE, _BARE_SIDE), interpolation=cv2.INTER_AREA)
        bare.append(small > 0.5)
        albedo.append(basis.encode(painter.vertex_albedo(recipe)))
        hair.append(recipe.hair_colour)
        styles.append(_numbers(style))
    ends = np.cumsum([len(one) for one in packed])
    return {
        "texture_bytes": np.concatenate(packed), "texture_ends": ends,
        "bare_bits": np.packbits(np.stack(bare)), "bare_shape": np.array(np.stack(bare).shape),
        "albedo": np.stack(albedo).astype(np.float32), "hair": np.stack(hair).astype(np.float32),
        "styles": np.stack(styles), "hair_depth": vertex_surface(model).hair.clip(-1, 1).astype(np.float16),
        "lash_alpha": painter.lash_alpha.astype(np.float16), "albedo_mean": basis.mean.astype(np.float16),
        "albedo_modes": basis.modes.astype(np.float16),
    }  # fmt: skip


def _numbers(style: HairStyle) -> Float32[ndarray, "11"]:
    """All numbers of a style in the order of its fields."""
    return np.concatenate([np.ravel(value) for value in astuple(style)]).astype(np.float32)


def _scenes(job: BankJob) -> dict[str, ndarray]:
    rng = np.random.default_rng([job.seed, 0, 5])
    take = training_half(read_take(job.take)) if job.take else None
    frames = Performer(ExpressionSampler(take)).frames(job.expressions, rng)
    behind = [random_background(rng, _BACKGROUND_SIDE) for _ in range(job.backgrounds)]
    packed = [
        _packed(np.rint(255 * linear_to_srgb(torch.from_numpy(one)).numpy()).astype(np.uint8))
        for one in behind
    ]
    return {
        "background_bytes": np.concatenate(packed),
        "background_ends": np.cumsum([len(one) for one in packed]),
        "expressions": np.rint(255 * frames).astype(np.uint8),
    }


def _packed(pixels: UInt8[ndarray, "height width 3"]) -> UInt8[ndarray, "bytes"]:
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return np.asarray(data).ravel()


def _unpacked(data: UInt8[ndarray, "bytes"], ends: ndarray) -> UInt8[ndarray, "pictures height width 3"]:
    pictures = []
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        picture = cv2.imdecode(data[start:end], cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError("a picture in it is damaged")
        pictures.append(picture[..., ::-1])
    return np.stack(pictures)


def linear_textures(skins: Skins) -> Float32[torch.Tensor, "skins 3 side side"]:
    """The textures in linear light."""
    decoded = srgb_to_linear(torch.arange(256) / 255)
    return decoded[torch.from_numpy(skins.textures).long()].permute(0, 3, 1, 2).contiguous()


def _save_arrays(file: Path, arrays: dict[str, ndarray]) -> None:
    with staged_output(file) as path, path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
