"""Where batches come from: a function of seed, process and step, so that a run resumes exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor
from torch.utils.data import Sampler

from core.errors import BadInput
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from models.data.augment import Augmentation
from models.data.loader import Key, PeopleDataset, PeopleSampler, batch_loader
from models.data.sample import Batch
from models.data.stream.bank import Bank, read_bank
from models.data.stream.source import StreamSource
from models.training.config import STREAM, TrainingConfig

_HELD_OUT: Final = 10  # one person in so many is kept for validation where no folders are given for it
_OTHER_SEED: Final = 1_000_003


@dataclass(frozen=True)
class DataFacts:
    """What a model card says of the data.

    Attributes:
        name: of the folder or the generator.
        people, pictures: how many; 0 where there is no end of them.
        sources: what the pictures are made of, with licences.
    """

    name: str
    people: int
    pictures: int
    sources: dict[str, str]


@dataclass(frozen=True)
class Head:
    """A face model and the basis of its skins."""

    model: FaceModel
    albedo_mean: Float[Tensor, "vertices 3"]
    albedo_modes: Float[Tensor, "modes vertices 3"]


@runtime_checkable
class BatchSource(Protocol):
    """Batches of people × frames pictures, person after person.

    Attributes:
        facts: where the pictures come from.
    """

    @property
    def facts(self) -> tuple[DataFacts, ...]: ...

    def batch(self, step: int) -> Batch:
        """The batch of a step, on any device: always the same one. Steps come mostly in order."""
        ...

    def head(self, name: str) -> Head:
        """A face model and its skins, for drawing what networks say."""
        ...


def make_source(config: TrainingConfig, device: torch.device, rank: int = 0, world: int = 1) -> BatchSource:
    """What a run trains on.

    Raises:
        BadInput: there is no data, or too little for one batch.
        DataUnreadable: a shard is damaged.
        ModelMissing: the face model is not there.
    """
    if config.data == (STREAM,):
        return _stream(config, config.seed, device, rank, world)
    return ShardSource(config.data, config, held_out=False, rank=rank, world=world)


def make_validation_source(config: TrainingConfig, device: torch.device) -> BatchSource:
    """Other people than :func:`make_source` has, never augmented; raises as that does."""
    if config.data == (STREAM,):
        return _stream(config, config.seed + _OTHER_SEED, device, 0, 1)
    plain = replace(config, augment=False, workers=0)
    return ShardSource(config.validation or config.data, plain, held_out=not config.validation)


def _stream(config: TrainingConfig, seed: int, device: torch.device, rank: int, world: int) -> BatchSource:
    if not config.bank:
        raise BadInput(
            "Pictures are rendered from a bank, and none is given.",
            "Make one with semblance data bank, then add --set bank=FOLDER.",
        )
    return Rendered(config, seed, device, rank)


class Rendered:
    """People rendered while training."""

    def __init__(self, config: TrainingConfig, seed: int, device: torch.device, rank: int) -> None:
        """
        Raises:
            BadInput: the people of a batch cannot be shared out among the bank's face models.
            DataUnreadable: there is no bank, or a part of it is damaged.
        """
        bank = _bank(Path(config.bank))
        self._stream = StreamSource(bank, config.people, config.frames, device, seed, rank)
        self._parts = bank.models
        sources = {str(key): str(value) for key, value in bank.facts["sources"].items()}
        self.facts = (DataFacts("rendered while training", 0, 0, sources),)

    def batch(self, step: int) -> Batch:
        """See :class:`BatchSource`."""
        return self._stream.batch(step)

    def head(self, name: str) -> Head:
        """See :class:`BatchSource`."""
        part = self._parts[name]
        skins = part.skins
        return Head(part.model, torch.from_numpy(skins.albedo_mean), torch.from_numpy(skins.albedo_modes))


@cache
def _bank(folder: Path) -> Bank:
    return read_bank(folder)


@cache
def load_head(name: str) -> Head:
    """A face model and its skins, from the cache where they are there.

    Raises:
        SemblanceError: as :func:`~core.face_model.registry.load_model`.
    """
    # Imported late: painting skins needs more packages than training does.
    from models.data.albedo import load_albedo

    model = load_model(name)
    basis = load_albedo(model)
    return Head(model, torch.from_numpy(basis.mean), torch.from_numpy(basis.modes))


class ShardSource:
    """Folders of shards, one a batch, in turn."""

    def __init__(
        self,
        folders: Sequence[str],
        config: TrainingConfig,
        held_out: bool,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """
        Args:
            held_out: the people who are kept from training where ``config.validation`` is empty, instead of
                the others.

        Raises:
            BadInput: there are no folders, or too few people for one batch.
            DataUnreadable: a folder holds no data set, or a shard is damaged.
        """
        if not folders:
            raise BadInput("There is no data to train on.", "Give folders of shards with --data.")
        augmentation = Augmentation() if config.augment else None
        split = not config.validation
        self._parts = [
            _Part(
                PeopleDataset(Path(folder), augmentation, config.seed), config, split, held_out, rank, world
            )
            for folder in folders
        ]

    @property
    def facts(self) -> tuple[DataFacts, ...]:
        return tuple(part.facts for part in self._parts)

    def batch(self, step: int) -> Batch:
        """See :class:`BatchSource`."""
        turn, part = divmod(step, len(self._parts))
        return self._parts[part].batch(turn)

    def head(self, name: str) -> Head:
        """See :class:`BatchSource`."""
        return load_head(name)


class _Part:
    """One folder's batches, epoch after epoch without end."""

    def __init__(
        self,
        dataset: PeopleDataset,
        config: TrainingConfig,
        split: bool,
        held_out: bool,
        rank: int,
        world: int,
    ) -> None:
        chosen = np.arange(len(dataset.person))
        if split:
            chosen = np.flatnonzero(_kept(dataset.person) == held_out)
        person = dataset.person[chosen]
        people = len(np.unique(person))
        if not people:
            raise BadInput(f"{dataset.folder} has too few people.", "Two are the least, one to validate on.")
        sources = dict(dataset.facts.get("sources", {}))
        self.facts = DataFacts(dataset.folder.name, people, len(person), sources)
        wanted = min(config.people, people) if held_out else config.people
        sampler = PeopleSampler(person, max(1, wanted), config.frames, config.seed, rank, world)
        self._dataset, self._workers = dataset, config.workers
        self._batches = _Batches(sampler, chosen)
        self._next, self._reader = 0, iter(())

    def batch(self, turn: int) -> Batch:
        if turn != self._next or not turn:
            self._batches.first = turn
            self._reader = iter(batch_loader(self._dataset, self._batches, self._workers))
        batch: Batch = next(self._reader)
        self._next = turn + 1
        known = batch.identity_known
        return replace(batch, identity_known=None) if known is not None and bool(known.all()) else batch


class _Batches(Sampler[list[Key]]):
    """The batches of all epochs in a row, from a chosen one on."""

    def __init__(self, sampler: PeopleSampler, chosen: ndarray) -> None:
        self._sampler, self._chosen, self.first = sampler, chosen, 0

    def __iter__(self) -> Iterator[list[Key]]:
        epoch, skipped = divmod(self.first, len(self._sampler))
        while True:
            self._sampler.set_epoch(epoch)
            for keys in list(self._sampler)[skipped:]:
                yield [(number, int(self._chosen[index])) for number, index in keys]
            epoch, skipped = epoch + 1, 0


def _kept(person: ndarray) -> Any:
    """Whether each picture's person is kept from training."""
    people = np.unique(person)
    return np.isin(person, people[_HELD_OUT - 1 :: _HELD_OUT] if len(people) >= _HELD_OUT else people[-1:])
