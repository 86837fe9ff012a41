"""A recipe in the command's own process: its results in their places, or nothing at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from core.errors import OutputFailed
from server.cli import here
from server.cli.here import working_here
from server.cli.reporting import Reporter
from server.jobs.registry import JobKind, Options, Request
from server.jobs.task import Outcome, Output, Reports, Task


class _Options(Options):
    act: Literal["work", "full", "refused", "interrupted"] = "work"


class _Request(Request):
    options: _Options = _Options()


def _run(task: Task, reports: Reports) -> Outcome:
    act = _Options.of(task).act
    progress = reports.progress({"play": 1.0})
    with progress.stage("play"), reports.gently() as finishing:
        assert not finishing()
    print("Some library 1.0 initialized")
    outputs = [
        Output(task.folder / name, name, "other", "") for name in ("made.bin", "made.csv", "beside.png")
    ]
    for output in outputs:
        output.path.write_text(f"{output.name} of {task.files[0].label}")
    if act == "full":
        raise OSError(28, "No space left on device")
    if act == "refused":
        raise OutputFailed(f"Cannot write {outputs[0].path}: no.", "Do not.")
    if act == "interrupted":
        raise KeyboardInterrupt
    return Outcome(tuple(outputs), ((None, f"{task.files[0].path} is dull."),), progress.seconds)


@pytest.fixture(autouse=True)
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(here, "load_kind", lambda name: JobKind(name, _Request, _run))
    (tmp_path / "other").mkdir()


def test_results_go_where_they_belong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo, target = tmp_path / "photo.png", tmp_path / "mine.rig"
    target.write_text("the old one")
    with working_here(Reporter(as_json=True)) as place:
        also = {".csv": tmp_path / "other" / "take.csv"}
        done = place.job("play", target, also, files=place.photos([photo], False))
    assert set(done.seconds) == {"play"} and done.rig is None
    assert target.read_text() == "made.bin of photo.png"
    assert (tmp_path / "other" / "take.csv").exists() and (tmp_path / "beside.png").exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["beside.png", "mine.rig", "other"]
    said, chatter = capsys.readouterr()
    told = [json.loads(line) for line in said.splitlines()]
    assert [event["event"] for event in told] == ["progress", "progress", "warning"]
    assert told[-1]["message"] == f"{photo} is dull."  # by the path that its owner gave
    assert "Some library" in chatter


@pytest.mark.parametrize("act", ["full", "refused", "interrupted"])
def test_a_job_that_fails_leaves_what_was_there(tmp_path: Path, act: str) -> None:
    target = tmp_path / "mine.rig"
    target.write_text("the old one")
    wrong = KeyboardInterrupt if act == "interrupted" else OutputFailed
    with working_here(Reporter(as_json=True)) as place, pytest.raises(wrong) as told:
        files = [place.video(tmp_path / "clip.mp4")]
        place.job("play", target, {"made.csv": None}, files=files, options={"act": act})
    if wrong is OutputFailed:
        assert f"Cannot write {target}: " in str(told.value)  # and not the folder it was made in
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.rig", "other"]
    assert target.read_text() == "the old one"
