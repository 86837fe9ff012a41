"""One tiny bank for all tests of streamed pictures, and dice whose numbers are known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from core.face_model.model import FaceModel
from core.face_model.registry import add_model, load_model, model_info
from core.numbers import Number
from core.progress import Progress
from core.surface.noise import value_noise
from models.data.stream.bank import Bank, read_bank
from models.data.stream.dice import Dice
from models.data.stream.painting import BankJob, expected_seconds, make_bank
from models.data.stream.source import StreamSource
from tests.real_data import real_data

CPU = torch.device("cpu")
SKINS, BACKGROUNDS, EXPRESSIONS = 3, 4, 200


def paint(out: Path, *models: str, skins: int = SKINS) -> Path:
    job = BankJob(out, models, skins, BACKGROUNDS, EXPRESSIONS, seed=5)
    make_bank(job, Progress(expected_seconds(job)))
    return out


@pytest.fixture(scope="session")
def bank_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three skins of anny."""
    return paint(tmp_path_factory.mktemp("bank") / "anny", "anny")


@pytest.fixture(scope="session")
def bank(bank_folder: Path) -> Bank:
    return read_bank(bank_folder)


@pytest.fixture(scope="session")
def both_banks(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Two skins each of anny and ict."""
    if model_info("ict").state != "ready":
        add_model("ict", real_data("face_models/ict-facekit.tar.xz"))
    return read_bank(paint(tmp_path_factory.mktemp("bank") / "both", "anny", "ict", skins=2))


@pytest.fixture(scope="session")
def source(bank: Bank) -> StreamSource:
    """Two people in two frames."""
    return StreamSource(bank, 2, 2, CPU, seed=1)


@pytest.fixture(scope="session")
def marks() -> Tensor:
    """Landmarks of the mean head."""
    model: FaceModel = load_model("anny")
    return torch.from_numpy(model.landmarks(model.template))


class Scripted(Dice):
    """Dice whose bell curves give chosen values by their spread, else 0; nothing happens by chance."""

    def __init__(self, values: Mapping[int, Tensor], seed: int = 0) -> None:
        super().__init__(CPU, seed)
        self._values = values

    def normal(self, spread: Number, *shape: int) -> Tensor:
        return self._values.get(int(spread), torch.zeros(shape))  # what is below 1 stays 0

    def happens(self, chance: Number, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.bool)


class HashedNoise(nn.Module):
    """The noise of pictures that are drawn one by one."""

    def forward(self, points: Tensor) -> Tensor:
        flat = points.reshape(-1, 3).float().contiguous().numpy()
        return torch.from_numpy(value_noise(flat)).reshape(points.shape[:-1])
