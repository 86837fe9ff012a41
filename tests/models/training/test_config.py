"""Settings: from TOML and the command line, and back."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from core.errors import BadInput
from models.training.config import as_toml, changed, make_config, read_recipe, read_settings, recipes

SMALL = {"networks": [{"name": "rec_net"}, {"name": "fast", "kind": "pe_net", "loss": {"consistent": 10}}]}


def test_every_recipe_is_a_run() -> None:
    assert {"rec_net", "pe_net", "et_net", "rec_aug_net", "tiny"} <= set(recipes())
    for name in recipes():
        config = make_config(read_recipe(name))
        assert config.networks and config.steps > config.warm_up
    with pytest.raises(BadInput, match="no recipe"):
        read_recipe("../recipes/tiny")


def test_what_is_saved_beside_the_weights_is_the_same_run(tmp_path: Path) -> None:
    changes = ["rate=1e-5", 'data=["a folder", "b\\"c"]', "networks.fast.labels.expression=2.5"]
    config = make_config(changed(SMALL, changes))
    (tmp_path / "config.toml").write_text(as_toml(config), encoding="utf-8")
    assert make_config(read_settings(tmp_path / "config.toml")) == config
    assert config.rate == 1e-5 and config.data == ("a folder", 'b"c')
    assert config.networks[1].labels == {"expression": 2.5} and config.networks[1].loss == {"consistent": 10}


def test_changes_reach_networks_by_name_and_leave_the_rest() -> None:
    config = make_config(changed(SMALL, ["networks.fast.backbone=mobilenetv2", "augment=false", "seed=3"]))
    assert [network.backbone for network in config.networks] == ["", "mobilenetv2"]
    assert config.augment is False and config.seed == 3
    assert "backbone" not in str(SMALL)
    for change in ("seed", "=3", "networks.other.side=64", "networks.backbone=small", "seed.x=1"):
        with pytest.raises(BadInput):
            make_config(changed(SMALL, [change]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("stepps=3", "Unknown settings: stepps"),
        ("networks.fast.bakbone=small", "Unknown settings: networks.bakbone"),
        ("steps=many", "steps must be a whole number"),
        ("steps=3.5", "steps must be a whole number"),
        ("steps=0", "steps must be 1 or more"),
        ("augment=1", "augment must be true or false"),
        ("rate=true", "rate must be a number"),
        ("rate=nan", "rate must be a number"),
        ("rate=-1", "rate and clip"),
        ("warm_up=-1", "warm_up must not be negative"),
        ("ema=1.0", "ema"),
        ("data=folder", "data must be a list"),
        ("precision=8", "precision must be text"),
        ("precision=bf16", "no precision 'bf16'"),
        ('data=["stream", "folder"]', "cannot be mixed"),
        ("networks=[]", "names of their own"),
        ('networks=[{name = "a", kind = "rec_net"}, {name = "a", kind = "pe_net"}]', "names of their own"),
        ('networks=[{kind = "rec_net"}]', "networks.name is missing"),
        ("networks.fast.kind=dec_net", "no kind of network 'dec_net'"),
        ("networks.fast.side=512", "side must be 32 to 224"),
        ("networks.fast.loss=3", "loss must be a table"),
        ("networks.fast.loss.landmark=much", "loss.landmark must be a number"),
        ('networks=[{name = "../up", kind = "rec_net"}]', "no name for files"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(change: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        make_config(changed(SMALL, [change]))


def test_files_that_hold_no_settings_are_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_settings(tmp_path / "absent.toml")
    (tmp_path / "broken.toml").write_text("steps = ")
    with pytest.raises(BadInput, match="is no TOML"):
        read_settings(tmp_path / "broken.toml")
    with pytest.raises(BadInput, match="networks is missing"):
        make_config(tomllib.loads("steps = 3"))
