"""A run that was stopped goes on as if it had not been; what cannot be gone on from is said."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.errors import BadInput, Cancelled, ModelUnreadable
from models.training.checkpoints import FILE
from models.training.config import TrainingConfig
from models.training.loop import train
from tests.models.training.conftest import small_config
from tests.models.training.stopping import stops_after


@pytest.fixture(scope="module")
def config(shards: Path) -> TrainingConfig:
    """Augmented batches of two networks; the last third has one term more."""
    return small_config(shards, "pe_net", "et_net", steps=9, augment=True, checkpoint_every=4)


def _tensors(value: Any, where: str = "") -> dict[str, Tensor]:
    if isinstance(value, Tensor):
        return {where: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {name: t for key, part in items for name, t in _tensors(part, f"{where}/{key}").items()}


def test_a_stopped_run_ends_with_the_same_bits(config: TrainingConfig, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(config, whole)
    for done in (2, 5):  # neither at an epoch's end nor where a checkpoint is due
        with pytest.raises(Cancelled, match=f"after {done} of 9 steps"):
            train(config, parts, resume=done > 2, stop=stops_after(2 if done == 2 else 3))
        assert not list(parts.glob("*.safetensors"))
    train(config, parts, resume=True)
    for name in ("pe_net.safetensors", "et_net.safetensors"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    states = [torch.load(folder / FILE, weights_only=True) for folder in (whole, parts)]
    first, second = (_tensors(state["state"]) for state in states)
    assert set(first) == set(second) and any("exp_avg" in name for name in first)
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert states[0]["step"] == states[1]["step"] == 9


def test_networks_side_by_side_do_not_change_each_other(config: TrainingConfig, tmp_path: Path) -> None:
    alone = replace(config, networks=config.networks[1:], steps=2)
    train(alone, tmp_path / "alone")
    train(replace(config, steps=2), tmp_path / "both")
    files = [tmp_path / folder / "et_net.safetensors" for folder in ("alone", "both")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.fixture(scope="module")
def stopped(config: TrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A checkpoint."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(Cancelled):
        train(config, folder, stop=stops_after(1))
    return (folder / FILE).read_bytes()


def test_a_folder_with_a_run_is_not_overwritten(
    config: TrainingConfig, stopped: bytes, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_bytes(stopped)
    with pytest.raises(BadInput, match="holds a run already"):
        train(config, tmp_path)
    assert (tmp_path / FILE).read_bytes() == stopped
    with pytest.raises(BadInput, match="no checkpoint"):
        train(config, tmp_path / "elsewhere", resume=True)


@pytest.mark.parametrize("change", ["short", "version", "code", "text", "lacking"])
def test_a_damaged_checkpoint_is_said_to_be(
    change: str, config: TrainingConfig, stopped: bytes, tmp_path: Path
) -> None:
    file = tmp_path / FILE
    file.write_bytes(stopped)
    if change == "short":
        file.write_bytes(stopped[: len(stopped) // 2])
    elif change == "text":
        file.write_text("no checkpoint")
    elif change == "code":
        torch.save({"format": 1, "run": _Code(tmp_path / "was here")}, file)
    else:
        stored = torch.load(file, weights_only=True)
        if change == "version":
            stored["format"] = 0
        else:
            del stored["state"]["et_net"]["optimiser"]
        torch.save(stored, file)
    with pytest.raises(ModelUnreadable, match="damaged or of another version"):
        train(config, tmp_path, resume=True)
    assert not (tmp_path / "was here").exists()


class _Code:
    """Unpickled by a careless reader, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self._folder,)


def test_a_run_cannot_go_on_as_another(config: TrainingConfig, stopped: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(stopped)
    with pytest.raises(BadInput, match="networks, seed"):
        train(replace(config, seed=4, networks=config.networks[:1]), tmp_path, resume=True)
