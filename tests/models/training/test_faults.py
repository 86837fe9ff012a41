"""Numbers that are not finite, and settings that do not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.errors import BadInput, Cancelled, DataUnreadable, ModelMissing, OutputFailed, TrainingDiverged
from models.data.sample import Batch
from models.training.checkpoints import FILE
from models.training.config import TrainingConfig
from models.training.loop import train
from models.training.source import DataFacts, Head, ShardSource
from tests.models.training.conftest import small_config
from tests.models.training.stopping import stops_after


class _Faulty:
    """A source some of whose batches have landmarks that are no numbers."""

    def __init__(self, config: TrainingConfig, faulty: range) -> None:
        self._inner = ShardSource(config.data, config, held_out=False)
        self._faulty = faulty

    @property
    def facts(self) -> tuple[DataFacts, ...]:
        return self._inner.facts

    def head(self, name: str) -> Head:
        return self._inner.head(name)

    def batch(self, step: int) -> Batch:
        batch = self._inner.batch(step)
        assert batch.landmarks is not None
        return replace(batch, landmarks=batch.landmarks * float("nan")) if step in self._faulty else batch


@pytest.fixture(scope="module")
def config(shards: Path) -> TrainingConfig:
    return small_config(shards, "rec_net", steps=6, log_every=2)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / FILE, weights_only=True)["state"]["rec_net"]
    return {name: value for name, value in state["weights"].items() if "running" not in name}


def test_a_step_without_a_finite_gradient_changes_no_weight(config: TrainingConfig, tmp_path: Path) -> None:
    source = _Faulty(config, range(1, 3))
    for folder, steps in (("one", 1), ("three", 3)):
        with pytest.raises(Cancelled):
            train(config, tmp_path / folder, stop=stops_after(steps), sources=(source, source))
    first, last = _weights(tmp_path / "one"), _weights(tmp_path / "three")
    counters = "num_batches_tracked"
    assert all(torch.equal(first[name], last[name]) for name in first if not name.endswith(counters))
    made = train(config, tmp_path / "three", resume=True, sources=(source, source))
    assert any(not torch.equal(first[name], value) for name, value in _weights(tmp_path / "three").items())
    assert 0 < made.losses["rec_net"]["loss"] < 5000
    card = (tmp_path / "three" / "rec_net.card.md").read_text()
    assert "| steps without a finite gradient | 2 |" in card


def test_many_such_steps_in_a_row_end_the_run(config: TrainingConfig, tmp_path: Path) -> None:
    source = _Faulty(config, range(2, 6))
    with pytest.raises(TrainingDiverged, match="rec_net had no finite gradient in 4 steps in a row"):
        train(replace(config, most_skipped=4), tmp_path / "run", sources=(source, source))


def test_settings_that_do_not_fit_are_said(config: TrainingConfig, shards: Path, tmp_path: Path) -> None:
    def run(changed: TrainingConfig) -> None:
        train(changed, tmp_path / "run")

    network = config.networks[0]
    for own, told in (
        ({"identity": 500}, "500 identity coefficients, but anny has 120"),
        ({"albedo": 64}, "64 albedo coefficients, but anny has 48"),
        ({"backbone": "none"}, "no backbone none"),
        ({"loss": {"photometrik": 1.0}}, "networks.rec_net.loss.photometrik"),
        ({"labels": {"nose": 1.0}}, "networks.rec_net.labels.nose"),
    ):
        with pytest.raises(BadInput, match=told):
            run(replace(config, networks=(replace(network, **own),)))
    with pytest.raises(ModelMissing, match=r"absent.safetensors"):
        run(replace(config, networks=(replace(network, start="absent.safetensors"),)))
    with pytest.raises(BadInput, match="joins two trained networks"):
        run(small_config(shards, "rec_aug_net"))
    with pytest.raises(BadInput, match="7 people"):
        run(replace(config, people=8))
    with pytest.raises(BadInput, match="no data"):
        run(replace(config, data=()))
    with pytest.raises(DataUnreadable):
        run(replace(config, data=(str(tmp_path),)))
    with pytest.raises(BadInput, match="rendered from a bank, and none is given"):
        run(replace(config, data=("stream",)))
    with pytest.raises(DataUnreadable, match=r"bank.json cannot be read"):
        run(replace(config, data=("stream",), bank=str(tmp_path)))
    assert not (tmp_path / "run").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed):
        train(config, tmp_path / "file" / "run")
    if not torch.cuda.is_available():
        with pytest.raises(BadInput, match="no CUDA device"):
            train(config, tmp_path / "run", device="cuda")
