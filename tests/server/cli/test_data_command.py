"""``semblance data``."""

from __future__ import annotations

from pathlib import Path

from models.data.stream.bank import read_bank
from tests.server.cli.conftest import Run, events


def test_a_data_set_is_rendered_and_described(run: Run, tmp_path: Path) -> None:
    made = run("data", "render", "--people", 1, "--frames", 2, "--out", "set", "--json")
    assert made.exit_code == 0, made.output
    told = events(made)
    assert told[-1]["shards"] == 1 and told[-1]["written"] == "set"
    assert any(event["event"] == "progress" and "seconds_left" in event for event in told)
    assert {file.name for file in (tmp_path / "set").iterdir()} >= {
        "dataset.json", "mirror.npz", "anny-000000.npz", "anny-000000.bin",
    }  # fmt: skip
    again = events(run("data", "render", "--people", 1, "--frames", 2, "--out", "set", "--json"))
    assert again[-1]["shards"] == 0
    assert run("data", "render", "--people", 1, "--frames", 3, "--out", "set").exit_code == 2
    (tmp_path / "set" / "dataset.json").write_text("{")
    assert run("data", "render", "--people", 1, "--frames", 2, "--out", "set").exit_code == 22


def test_photos_become_a_data_set(run: Run, portrait: Path) -> None:
    made = run("data", "photos", portrait.parent, "--out", "crops", "--json")
    assert made.exit_code == 0, made.output
    assert events(made)[-1]["pictures"] == 1
    assert run("data", "photos", "absent", "--out", "other").exit_code == 2
    assert run("data", "render", "--model", "nobody", "--people", 1, "--out", "x").exit_code == 2


def test_a_bank_is_painted_and_described(run: Run, tmp_path: Path) -> None:
    small = ("--model", "anny", "--skins", 1, "--backgrounds", 1, "--expressions", 5, "--json")
    made = run("data", "bank", "--out", "bank", *small)
    assert made.exit_code == 0, made.output
    told = events(made)
    assert told[-1]["written"] == "bank" and told[-1]["skins"] == 1 and told[-1]["bytes"] > 1_000_000
    assert any(event["event"] == "progress" and event["stage"] == "painting" for event in told)
    assert read_bank(tmp_path / "bank").facts["models"] == ["anny"]
    again = run("data", "bank", "--out", "bank", *small)
    assert again.exit_code == 2 and events(again)[-1]["code"] == "bad_input"
    assert run("data", "bank", "--out", "other", "--model", "ict").exit_code == 2
    assert run("data", "bank", "--out", "other", "--skins", 0).exit_code == 2
    assert run("data", "bank", "--out", "other", "--take", "absent.csv", *small).exit_code == 3
    assert not (tmp_path / "other").exists()
