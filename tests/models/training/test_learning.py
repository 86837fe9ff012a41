"""Every network learns the pictures it is shown, in less than a minute on two cores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.training.loop import train
from models.training.schedule import rate_at
from models.training.weights import load_network, save_network
from tests.models.training.conftest import Heard, small_config

STEPS = 100


@pytest.fixture(scope="module")
def parts(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Heard]:
    """RecNet and ETNet side by side; validated on the people they learn, to see that these are learnt."""
    folder, heard = tmp_path_factory.mktemp("parts") / "run", Heard()
    config = small_config(
        shards, "rec_net", "et_net", steps=STEPS, people=4, validation=[str(shards)], validate_every=20,
    )  # fmt: skip
    train(config, folder, told=heard)
    return folder, heard


def test_rec_net_learns_from_pictures_and_landmarks_alone(parts: tuple[Path, Heard]) -> None:
    first, last, before, after = parts[1].ends("rec_net")
    assert last["photometric"] < 0.6 * first["photometric"]
    assert last["landmark"] < 0.3 * first["landmark"]
    assert after["landmarks_percent"] < 0.6 * before["landmarks_percent"]
    assert after["coefficients"] < before["coefficients"]


def test_et_net_learns_expressions(parts: tuple[Path, Heard]) -> None:
    first, last, before, after = parts[1].ends("et_net")
    assert last["activation"] < 0.4 * first["activation"]
    assert after["coefficients"] < 0.5 * before["coefficients"]
    assert after["active"] < 0.5 * before["active"]


def test_rec_aug_net_goes_on_with_both(shards: Path, parts: tuple[Path, Heard], tmp_path: Path) -> None:
    folder, heard = parts
    files = {name: str(folder / f"{name}.safetensors") for name in ("rec_net", "et_net")}
    config = small_config(
        shards, "rec_aug_net", rec_aug_net=files, steps=40, people=4, rate=1e-3,
        validation=[str(shards)], validate_every=10,
    )  # fmt: skip
    told = Heard()
    train(config, tmp_path / "run", told=told)
    first, last, _, after = told.ends("rec_aug_net")
    assert last["loss"] < 0.9 * first["loss"]
    expressions = heard.ends("et_net")[3]
    assert after["active"] == pytest.approx(expressions["active"], rel=1e-4)  # ETNet's, which stays
    layout, net = load_network(tmp_path / "run" / "rec_aug_net.safetensors")
    assert layout.backbone == "small+small" and layout.identity == 12
    kept = load_network(folder / "et_net.safetensors")[1].state_dict()
    found = net.state_dict()
    assert all(torch.equal(found[f"et_net.{name}"], value) for name, value in kept.items())


def test_pe_net_learns_from_frames_of_a_person_and_from_labels(shards: Path, tmp_path: Path) -> None:
    own = {
        "loss": {"photometric": 0.2, "landmark": 0.01},
        "labels": {
            "expression": 10.0,
            "activation": 2000.0,  # so that 100 steps teach each of them, whatever the network begins with
            "rotation": 0.5,
            "distance": 2.0,
            "identity": 100.0,
        },
    }
    config = small_config(
        shards, "pe_net", pe_net=own, steps=STEPS, people=4, validation=[str(shards)], validate_every=20,
    )  # fmt: skip
    heard = Heard()
    train(config, tmp_path / "run", told=heard)
    first, last, before, after = heard.ends("pe_net")
    assert "exclusive" not in first and "exclusive" in last and "consistent" in last
    for term in ("photometric", "landmark", "expression", "rotation"):
        assert last[term] < 0.85 * first[term], term
    for name in ("coefficients", "active", "rotation_degrees", "landmarks_percent", "neutral_mm"):
        assert after[name] < 0.9 * before[name], name


def test_half_precision_trains_and_is_stored(shards: Path, tmp_path: Path) -> None:
    for precision, steps in (("16-mixed", 20), ("bf16-mixed", 3)):  # the first has to find its scale
        config = small_config(
            shards, "rec_net", precision=precision, half=True, steps=steps, rate=1e-3, rec_net={"side": 32}
        )
        made = train(config, tmp_path / precision)
        assert 0 < made.losses["rec_net"]["loss"] < 2000
    exact, rounded = tmp_path / "exact", tmp_path / "bf16-mixed"
    train(replace(config, precision="32-true", half=False), exact)
    sizes = [(folder / "rec_net.safetensors").stat().st_size for folder in (exact, rounded)]
    assert sizes[1] < 0.6 * sizes[0]
    layout, net = load_network(exact / "rec_net.safetensors")
    save_network(net, layout, tmp_path / "half.safetensors", half=True)
    kept = load_network(tmp_path / "half.safetensors")[1].state_dict()
    for name, weight in net.state_dict().items():
        # A half float has 11 bits: it is off by half of the last, 2^-12 of the next power of two above, or
        # by half a step of the smallest ones, 2^-25; biases and norms are kept whole.
        bound = 2.0**-11 * weight.abs() + 2.0**-25 if weight.dim() > 1 else torch.zeros(())
        assert ((kept[name] - weight).abs() <= bound).all(), name
    # Both runs begin with the same weights. A gradient near nothing may have either sign in bfloat16, and
    # Adam then steps either way: by at most the rate times (t sum a_i^2)^(1/2), by Cauchy and Schwarz, where
    # a_i are the weights of its mean of t gradients and its second moment weighs them alike. What a network
    # says of a picture is not bounded by that; each weight is.
    moved = 0.0
    for step in range(config.steps):
        share = 0.9 ** torch.arange(step + 1.0)
        share /= share.sum()
        moved += rate_at(step, config) * float((step + 1) * share.square().sum()) ** 0.5
    found = dict(load_network(rounded / "rec_net.safetensors")[1].named_parameters())
    for name, weight in net.named_parameters():
        bound = 1.01 * 2 * moved + 2.0**-11 * weight.abs()  # 1 %: second moments, decay of weights
        assert ((found[name] - weight).abs() <= bound).all(), name
