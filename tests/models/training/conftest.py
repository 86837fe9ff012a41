"""One small set of shards for all tests of training, and small runs on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.training.config import TrainingConfig, make_config
from tests.small_shards import write_small_shards


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight people of anny in four frames each."""
    folder = tmp_path_factory.mktemp("shards")
    write_small_shards(folder)
    return folder


def small_settings(shards: Path, *kinds: str, **settings: Any) -> dict[str, Any]:
    """Settings of a run of small networks; changes of each network's own are under its name."""
    networks = []
    for kind in kinds:
        own = {} if kind in ("et_net", "rec_aug_net") else {"identity": 12, "albedo": 3}
        small = {"name": kind, "backbone": "small", "side": 64, **own, **settings.pop(kind, {})}
        networks.append(small)
    usual = {
        "data": [str(shards)], "people": 3, "frames": 2, "steps": 4, "rate": 3e-3, "warm_up": 5, "ema": 0.9,
        "augment": False, "log_every": 10, "networks": networks, "validation_batches": 2,
    }  # fmt: skip
    return {**usual, **settings}


def small_config(shards: Path, *kinds: str, **settings: Any) -> TrainingConfig:
    """The run of :func:`small_settings`."""
    return make_config(small_settings(shards, *kinds, **settings))


class Heard:
    """What a run told."""

    def __init__(self) -> None:
        self.figures: dict[str, list[dict[str, float]]] = {}

    def __call__(self, name: str, step: int, figures: dict[str, float]) -> None:
        self.figures.setdefault(name, []).append(figures)

    def ends(self, name: str) -> tuple[dict[str, float], ...]:
        """The first and last losses of a network, then the first and last scores."""
        losses, scores = self.figures[name], self.figures[f"validation/{name}"]
        return losses[0], losses[-1], scores[0], scores[-1]
