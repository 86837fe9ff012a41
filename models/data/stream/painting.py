"""Make a bank: paint its skins, and gather what its pictures are rendered from."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.atomic import staged_output
from core.errors import BadInput, OutputFailed
from core.face_model.cache import write_cached
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.progress import Progress
from core.scene.shading import linear_to_srgb
from models.data.albedo import load_albedo
from models.data.backgrounds import random_background
from models.data.expressions import ExpressionSampler
from models.data.hair import HairStyle
from models.data.performance import Performer
from models.data.scene import MODELS
from models.data.shared_identity import load_shared_identity
from models.data.skin_recipe import SkinRecipe
from models.data.stream.bank import BANK_FILE, CODE, FORMAT, head_key
from models.data.stream.things import make_things, write_things
from models.data.surface import vertex_surface
from models.data.take import read_take, training_half
from models.data.textures import TexturePainter

STAGE: Final = "painting"
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


def make_bank(job: BankJob, progress: Progress) -> None:
    """Paint a bank.

    Args:
        progress: must know the stage ``painting``.

    Raises:
        BadInput: the numbers or models make no sense, or the folder holds a bank already.
        ModelMissing: a face model has not been added.
        UnreadableMedia: the take cannot be read.
        OutputFailed: the folder cannot be written.
        Cancelled: the user asked to stop; what is there is no bank yet.
    """
    _check(job)
    take = training_half(read_take(job.take)) if job.take else None
    heads = {name: load_model(name) for name in job.models}
    try:
        job.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(
            f"The folder {job.out} cannot be made: {error.strerror or error}.", "Choose another one."
        ) from error
    sources = {"skins": "own, painted; NASA's portrait of Eileen Collins, from scikit-image: public domain"}
    with progress.stage(STAGE):
        for index, (name, model) in enumerate(heads.items()):
            sources[f"heads and expressions of {name}"] = model.licence
            write_cached(job.out / f"{name}-head.npz", model, head_key(name))
            start, share = index / len(job.models), 1 / len(job.models)
            skins = _paint(model, job, _Report(progress, start, share))
            _save_arrays(job.out / f"{name}-skins.npz", skins)
            rng = np.random.default_rng([job.seed, MODELS[name], 7])
            write_things(job.out / f"{name}-things.npz", make_things(model, rng))
        _save_arrays(job.out / "scenes.npz", _scenes(job, take))
        if "ict" in job.models:
            _save_arrays(job.out / "shared.npz", vars(load_shared_identity()))
    if job.take:
        sources["half of the expressions"] = f"first half of the user's take {job.take.name}"
    facts = {
        "kind": "bank", "format": FORMAT, "models": list(job.models), "code": CODE, "skins": job.skins,
        "seed": job.seed, "sources": sources,
    }  # fmt: skip
    with staged_output(job.out / BANK_FILE) as path:
        path.write_text(json.dumps(facts, indent=1), encoding="utf-8")


def expected_seconds(job: BankJob) -> dict[str, float]:
    """Stages and rough durations, for :class:`core.progress.Progress`."""
    return {STAGE: 40 + _SECONDS_A_SKIN * job.skins * len(job.models)}


def _check(job: BankJob) -> None:
    known = " and ".join(MODELS)
    if set(job.models) - set(MODELS) or len(set(job.models)) < len(job.models):
        raise BadInput(f"A bank can have the face models {known}, each once.", "Choose among them.")
    if CODE not in job.models:
        raise BadInput(f"All labels are in the code of {CODE}.", f"Let {CODE} be one of the models.")
    if min(job.skins, job.backgrounds, job.expressions) < 1:
        raise BadInput("A bank needs one skin, background and expression or more.", "Change the numbers.")
    if (job.out / BANK_FILE).exists():
        raise BadInput(f"{job.out} holds a bank already.", "Choose another folder, or remove that one.")


@dataclass(frozen=True)
class _Report:
    progress: Progress
    start: float
    share: float

    def __call__(self, done: float) -> None:
        self.progress.update(self.start + self.share * done)


def _paint(model: FaceModel, job: BankJob, report: _Report) -> dict[str, ndarray]:
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


def _scenes(job: BankJob, take: Float32[ndarray, "frames 52"] | None) -> dict[str, ndarray]:
    rng = np.random.default_rng([job.seed, 0, 5])
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


def _save_arrays(file: Path, arrays: dict[str, ndarray]) -> None:
    with staged_output(file) as path, path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
