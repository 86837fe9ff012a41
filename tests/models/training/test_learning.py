"""Every network learns the pictures it is shown, in less than a minute on two cores."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.training.loop import Outcome, train
from tests.models.training.conftest import Heard, small_config

STEPS = 100


@pytest.fixture(scope="module")
def parts(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Heard, Outcome]:
    """RecNet and ETNet trained side by side; validated on the same people, to see that they are learnt."""
    folder, heard = tmp_path_factory.mktemp("parts") / "run", Heard()
    config = small_config(
        shards, "rec_net", "et_net", steps=STEPS, validate_every=20, picture_every=STEPS,
        validation=[str(shards)], people=4,
    )  # fmt: skip
    return folder, heard, train(config, folder, told=heard)


def test_rec_net_learns_from_pictures_alone(parts: tuple[Path, Heard, Outcome]) -> None:
    _, heard, made = parts
    losses, scores = heard.figures["rec_net"], heard.figures["validation/rec_net"]
    print(losses[0], losses[-1], scores[0], scores[-1])
    assert losses[-1]["loss"] < 0.3 * losses[0]["loss"]


def test_et_net_learns_expressions(parts: tuple[Path, Heard, Outcome]) -> None:
    _, heard, made = parts
    losses, scores = heard.figures["et_net"], heard.figures["validation/et_net"]
    print(losses[0], losses[-1], scores[0], scores[-1])
    assert losses[-1]["loss"] < 0.3 * losses[0]["loss"]


def test_pe_net(shards: Path, tmp_path: Path) -> None:
    heard = Heard()
    train(small_config(shards, "pe_net", steps=STEPS, validate_every=20, validation=[str(shards)], people=4), tmp_path / "run", told=heard)
    losses, scores = heard.figures["pe_net"], heard.figures["validation/pe_net"]
    print(losses[0], losses[-1], scores[0], scores[-1])
