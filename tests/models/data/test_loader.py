"""Batches, and what happens to broken files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import BadInput, DataUnreadable
from models.data.augment import Augmentation
from models.data.loader import PeopleDataset, PeopleSampler, batch_loader
from models.data.sample import Batch
from tests.models.data.conftest import FRAMES, PEOPLE


def _batches(folder: Path, workers: int, epoch: int) -> list[Batch]:
    data = PeopleDataset(folder, Augmentation(), seed=5)
    sampler = PeopleSampler(data.person, 2, 3, seed=1)
    sampler.set_epoch(epoch)
    return list(batch_loader(data, sampler, workers))


def test_batches_have_the_shapes_and_order_of_the_contract(dataset: Path) -> None:
    batches = _batches(dataset, 0, 0)
    assert len(batches) == PEOPLE // 2
    batch = batches[0]
    assert batch.model == "anny" and len(batch) == 6
    assert batch.image.shape == (6, 224, 224, 3) and batch.image.dtype == torch.uint8
    assert batch.pixels.shape == (6, 3, 224, 224) and batch.pixels.min() >= 0 and batch.pixels.max() <= 1
    assert batch.skin_weight.shape == (6, 1, 224, 224)
    assert batch.person.reshape(2, 3).unique(dim=1).shape == (2, 1)
    assert set(torch.cat([b.person for b in batches]).tolist()) == set(range(PEOPLE))
    shapes = {
        "identity": (6, 120), "identity_known": (6,), "expression": (6, 52), "rotation": (6, 3, 3),
        "translation": (6, 3), "camera": (6, 4), "sh": (6, 9, 3), "albedo": (6, 48),
        "landmarks": (6, 478, 3), "seen": (6, 478, 3), "presence": (6,),
    }  # fmt: skip
    for name, shape in shapes.items():
        assert getattr(batch, name).shape == shape, name
    moved = batch.to("cpu")
    assert torch.equal(moved.image, batch.image) and moved.model == "anny"


def test_a_seed_and_an_epoch_give_the_same_batches_with_any_workers(dataset: Path) -> None:
    one, two, later = _batches(dataset, 0, 3), _batches(dataset, 1, 3), _batches(dataset, 0, 4)
    for a, b in zip(one, two, strict=True):
        for name in ("image", "skin", "person", "frame", "landmarks", "sh", "identity"):
            assert torch.equal(getattr(a, name), getattr(b, name)), name
    assert not all(torch.equal(a.image, b.image) for a, b in zip(one, later, strict=True))


def test_all_frames_of_a_person_are_mirrored_alike(dataset: Path) -> None:
    plain = PeopleDataset(dataset)
    mirrored = PeopleDataset(dataset, Augmentation(mirrored=1.0, shift=0.0, zoom=0.0, turn=0.0), seed=5)
    for index in range(FRAMES):
        np.testing.assert_allclose(
            mirrored[0, index]["camera"][2], 224 - plain[index]["camera"][2], atol=1e-3
        )
    for batch in _batches(dataset, 0, 1):
        assert batch.identity is not None
        assert batch.identity.reshape(2, 3, -1).std(dim=1).max() < 1e-6


def test_processes_share_the_people_between_them() -> None:
    person = np.repeat(np.arange(8), 2)
    shares = [PeopleSampler(person, 2, 3, seed=2, rank=rank, world=2) for rank in (0, 1)]
    seen = [{int(person[index]) for batch in share for _, index in batch} for share in shares]
    assert seen[0] | seen[1] == set(range(8)) and not seen[0] & seen[1]
    assert all(len(batch) == 6 for batch in shares[0])  # two frames, asked for three: one comes twice
    with pytest.raises(BadInput, match="8 people"):
        PeopleSampler(person, 9, 1)


@pytest.fixture
def broken(dataset: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(dataset, tmp_path / "broken"))


def test_a_damaged_picture_is_named(broken: Path) -> None:
    file = broken / "anny-000000.bin"
    bytes_ = bytearray(file.read_bytes())
    bytes_[200] ^= 0xFF
    file.write_bytes(bytes_)
    opened = PeopleDataset(broken)
    with pytest.raises(DataUnreadable, match=r"anny-000000\.bin") as caught:
        opened[0]
    assert "Delete" in caught.value.hint
    opened[1]


@pytest.mark.parametrize("how", ["cut", "flipped", "empty", "no pictures", "cut pictures"])
def test_a_damaged_shard_is_named(broken: Path, how: str) -> None:
    file, pictures = broken / "anny-000000.npz", broken / "anny-000000.bin"
    bytes_ = bytearray(file.read_bytes())
    if how == "cut":
        file.write_bytes(bytes_[: len(bytes_) // 2])
    elif how == "flipped":
        bytes_[len(bytes_) // 2] ^= 0xFF
        file.write_bytes(bytes_)
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "no pictures":
        pictures.unlink()
    else:
        pictures.write_bytes(pictures.read_bytes()[:5000])
    with pytest.raises(DataUnreadable, match="anny-000000"):
        PeopleDataset(broken)


def test_a_folder_without_a_data_set_or_of_a_newer_version(tmp_path: Path, broken: Path) -> None:
    with pytest.raises(DataUnreadable, match="no data set"):
        PeopleDataset(tmp_path)
    facts = json.loads((broken / "dataset.json").read_text())
    (broken / "dataset.json").write_text(json.dumps(facts | {"schema": 99}))
    with pytest.raises(DataUnreadable, match="version 99"):
        PeopleDataset(broken)
