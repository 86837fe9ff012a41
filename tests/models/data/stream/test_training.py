"""Networks are trained on pictures that are rendered meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BadInput
from models.training.loop import train
from models.training.source import make_source, make_validation_source
from tests.models.data.stream.conftest import CPU
from tests.models.training.conftest import Heard, small_config


def test_a_run_renders_what_it_learns_from(bank_folder: Path, tmp_path: Path) -> None:
    labels = {"shape": 1.0, "expression": 5.0, "rotation": 0.1, "landmarks": 0.05, "spread": 0.1}
    own = {"loss": {"photometric": 0, "landmark": 0, "prior": 0}, "labels": labels, "spread": True}
    config = small_config(
        bank_folder, "rec_net", "et_net", rec_net=own, data=["stream"], bank=str(bank_folder), people=1,
        frames=2, steps=2, validation_batches=1,
    )  # fmt: skip
    heard = Heard()
    made = train(config, tmp_path / "run", told=heard)
    spreads = {"spread_identity", "spread_expression", "spread_rotation"}
    assert set(made.losses["rec_net"]) == {*labels, "loss"} - {"spread"} | spreads
    assert set(made.validation["rec_net"]) >= {"coefficients", "neutral_mm", "rotation_degrees"}
    card = (tmp_path / "run" / "rec_net.card.md").read_text(encoding="utf-8")
    assert "rendered while training" in card and "Eileen Collins" in card


def test_others_are_validated_on_than_trained_on(bank_folder: Path) -> None:
    config = small_config(bank_folder, "et_net", data=["stream"], bank=str(bank_folder), people=1, frames=1)
    trained, kept = (make(config, CPU).batch(0) for make in (make_source, make_validation_source))
    assert trained.image.shape == kept.image.shape == (1, 224, 224, 3)
    assert not trained.image.equal(kept.image)


def test_people_must_suit_the_banks_models(bank_folder: Path) -> None:
    config = small_config(bank_folder, "et_net", data=["stream"], bank="")
    with pytest.raises(BadInput, match="semblance data bank"):
        make_source(config, CPU)
