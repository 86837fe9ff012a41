"""Runs on made-up pairs: they learn, resume with the same bits, and leave files that can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import BadInput, Cancelled
from models.reenactment import config as configs
from models.reenactment.config import (
    ReenactmentConfig,
    as_settings,
    as_toml,
    make_config,
    read_recipe,
    recipes,
)
from models.reenactment.files import load_guided
from models.reenactment.training import train
from models.training.config import read_settings
from models.training.schedule import rate_at
from tests.models.reenactment.pairs import TINY, MadeUpPairs
from tests.models.training.stopping import stops_after


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(configs.SETTINGS, "tiny", TINY)


def tiny_config(**changes: Any) -> ReenactmentConfig:
    loss = {"content": 0.0, "style": 0.0, "pixels": 10.0, "warped": 1.0}
    usual = {"name": "tiny", "pairs": 2, "steps": 6, "rate": 3e-3, "ema": 0.9, "checkpoint_every": 4,
             "loss": loss, "validation_batches": 2}  # fmt: skip
    return make_config({**usual, **changes})


def test_it_learns_what_warping_cannot_give(tmp_path: Path) -> None:
    config = tiny_config(steps=60, rate=5e-3, validate_every=60, picture_every=60)
    made = train(config, tmp_path, MadeUpPairs(), MadeUpPairs(seed=1))
    figures = made.validation
    assert figures["l1"] < 0.7 * figures["l1_warped"] < figures["l1_copied"]
    assert (tmp_path / "tiny.jpg").is_file() and (tmp_path / "figures.jsonl").is_file()
    text = (tmp_path / "tiny.card.md").read_text(encoding="utf-8")
    assert "made up" in text and "CC0-1.0" in text and "60 of 2 pairs" in text
    card, net = load_guided(made.written[0])
    assert card.settings == TINY and card.side == 64
    with torch.no_grad():
        batch = MadeUpPairs(seed=1).batch(0)
        assert net(*batch.guidance).picture.isfinite().all()


def test_the_papers_losses_train(tmp_path: Path) -> None:
    made = train(tiny_config(steps=2, loss={}, scales=2), tmp_path, MadeUpPairs(), MadeUpPairs(seed=1))
    assert set(made.losses) == {"loss", "content", "style"} and made.losses["style"] > 0


def test_a_stopped_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    config = tiny_config()
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(config, whole, MadeUpPairs(), MadeUpPairs(seed=1))
    with pytest.raises(Cancelled, match="after 3 of 6"):
        train(config, parts, MadeUpPairs(), MadeUpPairs(seed=1), stop=stops_after(3))
    with pytest.raises(BadInput, match="holds a run"):
        train(config, parts, MadeUpPairs(), MadeUpPairs(seed=1))
    train(config, parts, MadeUpPairs(), MadeUpPairs(seed=1), resume=True)
    files = [folder / "tiny.safetensors" for folder in (whole, parts)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_run_begins_with_anothers_weights(tmp_path: Path) -> None:
    first = train(tiny_config(), tmp_path / "first", MadeUpPairs(), MadeUpPairs(seed=1)).written[0]
    config = tiny_config(start=str(first), steps=1, rate=1e-9)
    second = train(config, tmp_path / "second", MadeUpPairs(), MadeUpPairs(seed=1)).written[0]
    before, after = (load_guided(file)[1].state_dict() for file in (first, second))
    assert all(torch.allclose(before[name], after[name], atol=1e-5) for name in before)
    with pytest.raises(BadInput, match="another network"):
        train(
            tiny_config(start=str(first), without=["flow"]), tmp_path / "x", MadeUpPairs(), MadeUpPairs()
        )  # fmt: skip


def test_recipes_and_settings(tmp_path: Path) -> None:
    assert recipes() == ["guided", "guided_small"]
    for name in recipes():
        config = make_config(read_recipe(name))
        assert make_config(as_settings(config)) == config
        (tmp_path / "config.toml").write_text(as_toml(config), encoding="utf-8")
        assert make_config(read_settings(tmp_path / "config.toml")) == config
    for wrong in ({"colour": 1}, {"network": "x"}, {"without": ["x"]}, {"loss": {"x": 1}}, {"pairs": 0}):
        with pytest.raises(BadInput):
            make_config({"name": "guided", **wrong})
    with pytest.raises(BadInput):
        read_recipe("x")


def test_the_papers_rate_falls_at_once() -> None:
    config = make_config(read_recipe("guided"))
    rates = [rate_at(int(part * config.steps), config) for part in (0, 0.59, 0.61, 0.99)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5])
    assert config.pairs == 8 and config.weights.style == 250
