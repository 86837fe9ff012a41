"""Rendered people as arrays that training draws from."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from numpy import ndarray
from torch import Tensor

from core.arkit import ARKIT_INDEX
from core.errors import BadInput
from models.data.expressions import FRAMES
from models.prior.features import SWAP, Canonical, learn_canonical, mirror_landmarks, mirror_rotations
from models.prior.turn import MIRRORED, turns_missed

COMPONENTS: Final = 220
SHAPE_COMPONENTS: Final = 80
_LEARNT_FROM: Final = 4000  # frames
_LEAST_PRESENCE: Final = 0.5
_STORED: Final = ("looks", "expression", "presence", "rotation", "translation", "at_rest", "person")


@dataclass(frozen=True)
class Shard:
    """Frames of whole people of one model, in order."""

    model: str
    looks: Float32[ndarray, "frames 2 478 3"]
    expression: Float32[ndarray, "frames 52"]
    presence: Float32[ndarray, "frames"]
    rotation: Float32[ndarray, "frames 3 3"]
    translation: Float32[ndarray, "frames 3"]
    at_rest: Float32[ndarray, "frames 478 3"]
    person: ndarray

    @property
    def mean_look(self) -> Float32[ndarray, "frames 478 3"]:
        return self.looks.mean(axis=1)


def read_shards(folder: Path, models: Sequence[str]) -> Iterator[Shard]:
    """The shards that ``models.prior.render`` wrote for these models.

    Raises:
        BadInput: there are none, or one is damaged.
    """
    files = [file for model in models for file in sorted(folder.glob(f"{model}-*.npz"))]
    if not files:
        raise BadInput(f"{folder} holds no training data.", "Render it with python -m models.prior.render.")
    for file in files:
        try:
            with np.load(file, allow_pickle=False) as stored:
                yield Shard(file.name.partition("-")[0], *(stored[name] for name in _STORED))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise BadInput(f"{file} is damaged: {error}.", "Delete it and render again.") from error


@dataclass(frozen=True)
class Basis:
    """Components of aligned landmarks, weighed by the landmarks' noise.

    Attributes:
        canonical: what landmarks are aligned to.
        encode: offset of all coordinates to components.
        decode: the way back, exact for offsets within the components.
    """

    canonical: Canonical
    encode: Float32[ndarray, "1434 components"]
    decode: Float32[ndarray, "components 1434"]

    def components(self, offsets: Float[ndarray, "frames 478 3"]) -> Float32[ndarray, "frames components"]:
        """Components of offsets between aligned landmarks."""
        return (offsets.reshape(len(offsets), -1) @ self.encode).astype(np.float32)


def learn_basis(folder: Path, models: Sequence[str]) -> Basis:
    """Principal components of frames about the mean and about the person's own neutral."""
    looks, neutral, frames = [], [], 0
    for model in models:
        for shard in read_shards(folder, [model]):
            people = shard.looks.reshape(-1, FRAMES, 2, 478, 3)
            looks.append(people[:, 1:].reshape(-1, 2, 478, 3))
            neutral.append(np.repeat(people[:, 0].mean(axis=1), FRAMES - 1, axis=0))
            frames += len(looks[-1])
            if frames > _LEARNT_FROM / len(models):
                frames = 0
                break
    seen, rest = np.concatenate(looks), np.concatenate(neutral)
    canonical = learn_canonical(rest, seen.mean(axis=1))
    plain, mirrored = (canonical.align(seen[:, look])[0] for look in (0, 1))
    own = canonical.align(rest)[0]
    half = (plain - mirrored).reshape(len(seen), -1) / 2
    noise = np.sqrt(np.square(half).mean(axis=0)) + 0.05
    middle = (plain + mirrored) / 2
    offsets = np.concatenate([middle - own, (middle - canonical.points) / 2]).reshape(2 * len(seen), -1)
    offsets = np.concatenate([offsets, mirror_landmarks(offsets.reshape(-1, 478, 3)).reshape(offsets.shape)])
    noise = (noise + np.abs(mirror_landmarks(noise.reshape(478, 3))).ravel()) / 2
    whitened = (offsets / noise).astype(np.float32)
    _, vectors = np.linalg.eigh((whitened.T @ whitened).astype(np.float64))
    kept = vectors[:, ::-1][:, :COMPONENTS]
    return Basis(canonical, (kept / noise[:, None]).astype(np.float32), (kept.T * noise).astype(np.float32))


@dataclass(frozen=True)
class People:
    """Everyone's frames in components; the second of each pair of tensors is of the mirrored pictures.

    Attributes:
        frame: of a frame's mean look less the mean face.
        noise: half the difference of the two looks.
        rotation: the alignment's.
        truth: coefficients.
        turn: what the alignment misses of the head's rotation (see :func:`models.prior.turn.turns_missed`).
        usable: frames in which the network saw a face.
        known: coefficients that the model can show.
        model: name of each person's face model.
        number: of each person; 2n and 2n + 1 share expressions.
    """

    frame: Float[Tensor, "2 people frames components"]
    noise: Float[Tensor, "2 people frames components"]
    rotation: Float[Tensor, "2 people frames 9"]
    truth: Float[Tensor, "2 people frames 52"]
    turn: Float[Tensor, "2 people frames 3"]
    usable: Bool[Tensor, "people frames"]
    known: Float[Tensor, "people 52"]
    model: ndarray
    number: ndarray

    @property
    def pairs(self) -> ndarray:
        """(pairs, 2) indices of people who share expressions."""
        first = np.flatnonzero(
            (self.number[:-1] % 2 == 0)
            & (self.number[1:] == self.number[:-1] + 1)
            & (self.model[1:] == self.model[:-1])
        )
        return np.stack([first, first + 1], axis=1)

    def of(self, chosen: ndarray) -> People:
        """Some of the people."""
        index = torch.from_numpy(np.asarray(chosen))
        return People(
            self.frame[:, index], self.noise[:, index], self.rotation[:, index],
            self.truth[:, index], self.turn[:, index], self.usable[index], self.known[index],
            self.model[chosen], self.number[chosen],
        )  # fmt: skip


def held_out(number: ndarray) -> Bool[ndarray, " people"]:
    """Who is kept from training: every tenth pair, by the number of the person."""
    return number // 2 % 10 == 0


def load_people(folder: Path, models: Sequence[str], basis: Basis, frames: int = FRAMES) -> People:
    """All people of a folder.

    Raises:
        BadInput: there are none, or a shard is damaged.
    """
    parts: dict[str, list[ndarray]] = {name: [] for name in ("frame", "noise", "rotation", "truth", "turn")}
    usable, names, known, numbers = [], [], [], []
    for shard in read_shards(folder, models):
        aligned, rotation = basis.canonical.align(shard.mean_look)
        half = (basis.canonical.align(shard.looks[:, 0])[0] - basis.canonical.align(shard.looks[:, 1])[0]) / 2
        offset = aligned - basis.canonical.points
        turn = turns_missed(rotation, shard.rotation, shard.translation, shard.at_rest)
        count = len(aligned) // frames
        for name, plain, mirrored in (
            ("frame", basis.components(offset), basis.components(mirror_landmarks(offset))),
            ("noise", basis.components(half), basis.components(mirror_landmarks(half))),
            ("rotation", rotation.reshape(-1, 9), mirror_rotations(rotation).reshape(-1, 9)),
            ("truth", shard.expression, shard.expression[:, SWAP]),
            ("turn", turn, MIRRORED.astype(np.float32) * turn),
        ):
            parts[name].append(np.stack([plain, mirrored]).reshape(2, count, frames, -1))
        usable.append((shard.presence > _LEAST_PRESENCE).reshape(count, frames))
        names += [shard.model] * count
        numbers.append(shard.person[::frames])
        seen = np.ones((count, 52), np.float32)
        seen[:, ARKIT_INDEX["tongueOut"]] = shard.model != "ict"  # its tongue does not come out
        known.append(seen)
    tensors = {name: torch.from_numpy(np.concatenate(arrays, axis=1)) for name, arrays in parts.items()}
    return People(
        **tensors,
        usable=torch.from_numpy(np.concatenate(usable)),
        known=torch.from_numpy(np.concatenate(known)),
        model=np.array(names),
        number=np.concatenate(numbers),
    )
