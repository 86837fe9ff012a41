"""Batches of people from a data set on disk, fast enough for a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_all_start_methods
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy import ndarray
from torch.utils.data import DataLoader, Dataset, Sampler

from core.errors import BadInput, DataUnreadable
from models.data.augment import Augmentation
from models.data.sample import LABELS, Batch
from models.data.shards import Shard, read_dataset_file, shard_files
from models.mirror import no_mirror, read_mirror

Key = tuple[int, int]
"""Epoch and index of a sample."""

_PREFETCH: Final = 4
# a plain fork of a process that has run OpenCV, numba or MediaPipe hangs
_START: Final = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"


class PeopleDataset(Dataset[dict[str, Any]]):
    """All frames of a data set that ``semblance data render`` or ``semblance data photos`` made.

    Attributes:
        facts: what ``dataset.json`` says.
        person: of each sample.
        model: name of the face model, empty for photos.
    """

    def __init__(
        self, folder: Path, augmentation: Augmentation | None = None, seed: int = 0, verify: bool = True
    ) -> None:
        """
        Args:
            seed: of the augmentation.
            verify: check all labels' checksums now (pictures are checked when they are read).

        Raises:
            DataUnreadable: there is no data set, or a shard is damaged; the message names the file.
        """
        self.folder, self.augmentation, self.seed = folder, augmentation, seed
        self.facts = read_dataset_file(folder)
        self.model = str(self.facts.get("model", ""))
        self._mirror = read_mirror(folder) if self.model else no_mirror()
        self._files = shard_files(folder, self.model or "photos")
        self._shards: dict[int, Shard] = {k: Shard(file, verify) for k, file in enumerate(self._files)}
        counts = [len(self._shards[k]) for k in range(len(self._files))]
        if not sum(counts):
            raise DataUnreadable(f"{folder} holds no complete shard yet.", "Run the command that makes it.")
        self._starts = np.cumsum([0, *counts])
        self.person = np.concatenate([self._shards[k].arrays["person"] for k in range(len(counts))])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, key: int | Key) -> dict[str, Any]:
        """A sample; with an epoch, augmented as that epoch has it."""
        epoch, index = key if isinstance(key, tuple) else (0, int(key))
        at = int(np.searchsorted(self._starts, index, "right")) - 1
        shard, row = self._shard(at), index - int(self._starts[at])
        image, skin = shard.picture(row), shard.skin(row)
        labels: dict[str, Any] = {name: shard.arrays[name][row] for name in LABELS if name in shard.arrays}
        if "identity" in labels:
            labels["identity_known"] = np.bool_(True)
        if self.augmentation is not None:
            own = np.random.default_rng([self.seed, epoch, index])
            shared = np.random.default_rng([self.seed, epoch, int(labels["person"]), 1])
            image, skin, labels = self.augmentation.apply(image, skin, labels, self._mirror, own, shared)
        return {"image": image, "skin": skin, "model": self.model, **labels}

    def _shard(self, number: int) -> Shard:
        if number not in self._shards:  # in a worker that was started afresh
            self._shards[number] = Shard(self._files[number])
        return self._shards[number]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_shards": {}}


class PeopleSampler(Sampler[list[Key]]):
    """Batches of ``people`` × ``frames`` samples, person after person, in an order of each epoch's own.

    Every person comes once an epoch, with as many of their frames as asked for (repeated where they have
    fewer). With several processes each gets its own people.
    """

    def __init__(
        self, person: ndarray, people: int, frames: int, seed: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        """
        Raises:
            BadInput: the data set has too few people for one batch.
        """
        order = np.argsort(person, kind="stable")
        starts = np.flatnonzero(np.diff(person[order], prepend=-1))
        self._members = np.split(order, starts[1:])
        self._people, self._frames, self._seed = people, frames, seed
        self._rank, self._world, self.epoch = rank, world, 0
        if min(people, frames) < 1 or len(self) < 1:
            raise BadInput(
                f"The data set has {len(self._members)} people: too few for a batch of {people} people "
                f"in {world} processes.",
                "Render more, or ask for smaller batches.",
            )

    def __len__(self) -> int:
        return len(self._members) // self._world // self._people

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the augmentation of an epoch; resuming there gives the same batches."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[Key]]:
        rng = np.random.default_rng([self._seed, self.epoch])
        order = rng.permutation(len(self._members))
        picks = [self._pick(self._members[number], rng) for number in order]
        mine = picks[self._rank :: self._world]
        for batch in range(len(self)):
            chosen = mine[batch * self._people : (batch + 1) * self._people]
            yield [(self.epoch, int(index)) for frames in chosen for index in frames]

    def _pick(self, members: ndarray, rng: np.random.Generator) -> ndarray:
        return rng.permutation(members)[np.arange(self._frames) % len(members)]


def collate(samples: list[dict[str, Any]]) -> Batch:
    """Samples as a batch of tensors."""
    stacked: dict[str, Any] = {"model": samples[0]["model"]}
    for name in samples[0]:
        if name != "model":
            array = np.stack([sample[name] for sample in samples])
            array = array.astype(np.float32) if array.dtype == np.float64 else array
            stacked[name] = torch.from_numpy(array)
    return Batch(**stacked)


def batch_loader(dataset: PeopleDataset, batches: Sampler[list[Key]], workers: int) -> DataLoader[Any]:
    """A loader of :class:`Batch` of the samples that ``batches``, such as a :class:`PeopleSampler`, names."""
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=collate,
        worker_init_fn=_quiet_worker,
        multiprocessing_context=_START if workers else None,
        persistent_workers=workers > 0,
        prefetch_factor=_PREFETCH if workers else None,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # its own, so that reading draws no numbers from the program's
    )


def _quiet_worker(_: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
