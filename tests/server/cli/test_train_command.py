"""``semblance train``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from models.reenactment.clip import save_clip
from models.training.config import as_toml, make_config
from tests.models.reenactment.made_up_clips import pictured_clip
from tests.models.training.conftest import small_settings
from tests.server.cli.conftest import ROOT, Run, events, start
from tests.small_shards import write_small_shards


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    write_small_shards(folder)
    return folder


@pytest.fixture
def config(shards: Path, tmp_path: Path) -> Path:
    """Settings of two small networks, without data."""
    settings = small_settings(shards, "rec_net", "et_net", steps=50_000, data=[])
    file = tmp_path / "small.toml"
    file.write_text(as_toml(make_config(settings)), encoding="utf-8")
    return file


def test_a_run_says_what_it_does_in_json(run: Run, config: Path, shards: Path, tmp_path: Path) -> None:
    arguments = ["train", "et_net", "--config", config, "--data", shards, "--steps", 2, "--json"]
    made = run(*arguments, "--set", "log_every=1", "--device", "cpu", "--out", "run")
    assert made.exit_code == 0, made.output
    told = events(made)
    assert told[-1]["event"] == "result" and told[-1]["steps"] == 2
    assert told[-1]["written"] == ["run/et_net.safetensors", "run/et_net.card.md"]
    assert 0 < told[-1]["validation"]["et_net"]["coefficients"] < 1
    figures = [event for event in told if event["event"] == "figures" and event["name"] == "et_net"]
    assert [event["step"] for event in figures] == [1, 2] and figures[0]["activation"] > 0
    assert any(event["event"] == "progress" and event["stage"] == "training" for event in told)
    card = (tmp_path / "run" / "et_net.card.md").read_text(encoding="utf-8")
    assert f"semblance train et_net --config {config} --out run --data {shards} --steps 2" in card
    again = run(*arguments, "--out", "run")
    assert again.exit_code == 2 and "holds a run already" in events(again)[-1]["message"]
    more = run("train", "et_net", "--out", "run", "--resume", "--steps", 3, "--json")
    assert more.exit_code == 0 and events(more)[-1]["steps"] == 3


def test_what_cannot_be_trained_is_said(run: Run, config: Path, shards: Path, tmp_path: Path) -> None:
    assert run("train", "no_net").exit_code == 2
    assert run("train", "no_net", "--config", config, "--data", shards).exit_code == 2
    assert run("train", "all", "--config", config).exit_code == 2  # no data
    assert run("train", "tiny", "--data", shards, "--set", "stepps=3").exit_code == 2
    assert run("train", "tiny", "--data", tmp_path / "absent").exit_code == 22
    assert run("train", "tiny", "--data", shards, "--resume").exit_code == 2
    if not torch.cuda.is_available():
        assert run("train", "tiny", "--data", shards, "--device", "cuda").exit_code == 2
    assert sorted(tmp_path.iterdir()) == [config]


def test_two_processes_train_one_network(config: Path, shards: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "-m", "server.cli", "train", "et_net", "--config", config, "--data", shards, "--steps", "2",
            "--set", "people=2", "--device", "cpu", "--json",
        ],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    results = [line for line in ended.stdout.splitlines() if '"event": "result"' in line]
    assert len(results) == 1
    card = (tmp_path / "train-et_net" / "et_net.card.md").read_text(encoding="utf-8")
    assert "in each of 2 processes" in card and "| pictures shown | 16 |" in card


def test_ctrl_c_keeps_a_checkpoint(config: Path, shards: Path, tmp_path: Path) -> None:
    process = start(
        tmp_path, "train", "all", "--config", config, "--data", shards, "--out", "run",
        "--set", "log_every=1", "--set", "checkpoint_every=100000",
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("step 2,"):
            break
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    told = process.stderr.read()
    assert process.wait(60) == 130 and time.monotonic() - began < 30
    assert "a checkpoint is kept" in told and "--resume goes on" in told
    stored = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert 2 <= stored["step"] < 50_000
    assert not list((tmp_path / "run").glob("*.safetensors"))


def test_reenactment_learns_from_clips(run: Run, tmp_path: Path) -> None:
    for name in ("one", "other"):
        save_clip(pictured_clip(), tmp_path / "clips" / name)
    small = ["--set", "steps=2", "--set", "pairs=2", "--set", "warm_up=0", "--set", "validation_batches=1"]
    light = ["--set", "loss.content=0", "--set", "loss.style=0"]
    done = run("train", "guided_small", "--data", "clips", "-o", "run", "--device", "cpu", *small, *light)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "run" / "guided_small.safetensors").is_file()
    assert "other" in (tmp_path / "run" / "guided_small.card.md").read_text(encoding="utf-8")
    assert run("train", "guided_small", "--data", tmp_path / "absent").exit_code == 2
