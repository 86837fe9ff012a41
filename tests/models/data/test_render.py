"""Shards: the same people whatever the workers, nothing half, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInput, Cancelled, OutputFailed
from core.progress import Progress
from models.data import render
from models.data.render import RenderJob, expected_seconds, render_dataset
from models.data.shards import Shard, shard_files
from tests.models.data.conftest import FRAMES, PEOPLE, quiet

ROOT = Path(__file__).parent.parent.parent.parent


def _contents(folder: Path) -> dict[tuple[int, int], tuple[bytes, bytes]]:
    """Picture and label bytes of every frame of a data set."""
    found = {}
    for file in shard_files(folder, "anny"):
        shard = Shard(file)
        for row in range(len(shard)):
            key = int(shard.arrays["person"][row]), int(shard.arrays["frame"][row])
            labels = b"".join(shard.arrays[name][row].tobytes() for name in sorted(shard.arrays))
            found[key] = shard.picture(row).tobytes(), labels
    return found


def test_two_workers_render_what_one_does_and_more_people_change_nobody(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker for each shard; the shards of another size, so a person is in another place."""
    command = (
        "import sys; from pathlib import Path; import models.data.render as r;"
        "r.PEOPLE_A_SHARD = 2\n"
        "if __name__ == '__main__':\n"
        "    from tests.models.data.conftest import quiet\n"
        f"    job = r.RenderJob('anny', {PEOPLE}, {FRAMES}, Path(sys.argv[1]), seed=7, seen=True)\n"
        "    print(r.render_dataset(job, 2, quiet()))\n"
    )
    script = tmp_path / "two.py"
    script.write_text(command)
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "out")],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.stdout.strip() == "2", ended.stderr
    assert _contents(tmp_path / "out") == _contents(dataset)


def test_rendering_again_does_nothing_and_other_settings_are_refused(dataset: Path) -> None:
    job = RenderJob("anny", PEOPLE, FRAMES, dataset, seed=7, seen=True)
    assert render_dataset(job, 1, quiet()) == 0
    for changed in (replace(job, seed=8), replace(job, frames=FRAMES + 1), replace(job, seen=False)):
        with pytest.raises(BadInput, match="other settings"):
            render_dataset(changed, 1, quiet())
    facts = json.loads((dataset / "dataset.json").read_text())
    assert facts["model"] == "anny" and "CC0" in json.dumps(facts["sources"])


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the second shard: the first stays, the second leaves no trace, both are there at the end."""
    monkeypatch.setattr(render, "PEOPLE_A_SHARD", 1)
    job = RenderJob("anny", 2, 1, tmp_path / "out", seed=3)
    reports: list[float] = []
    stopping = Progress(
        expected_seconds(1, 1, 1), lambda report: reports.append(report.fraction), lambda: len(reports) >= 2
    )
    with pytest.raises(Cancelled):
        render_dataset(job, 1, stopping)
    first = tmp_path / "out" / "anny-000000.npz"
    assert shard_files(tmp_path / "out", "anny") == [first]
    kept = first.stat().st_mtime_ns
    (tmp_path / "out" / ".anny-000001.npz.1234.tmp").mkdir()  # what a kill leaves behind
    assert render_dataset(job, 1, quiet()) == 1
    assert first.stat().st_mtime_ns == kept
    assert sorted(file.suffix for file in (tmp_path / "out").iterdir() if file.name.startswith("anny")) == [
        ".bin", ".bin", ".npz", ".npz",
    ]  # fmt: skip
    assert not list((tmp_path / "out").glob(".*.tmp"))


def test_ctrl_c_ends_the_command_and_its_workers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server.cli", "data", "render", "--people", "400", "--frames", "4"]
    command += ["--workers", "2", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert _soon(lambda: len(_children(process.pid)) >= 2)
    workers = _children(process.pid)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=40)
    assert process.returncode == 130 and "Traceback" not in errors, errors
    assert _soon(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert not list((tmp_path / "out").glob(".*.tmp"))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed):
        render_dataset(RenderJob("anny", 1, 1, tmp_path / "file" / "out"), 1, quiet())
    with pytest.raises(BadInput):
        render_dataset(RenderJob("flame", 1, 1, tmp_path), 1, quiet())


def test_shards_are_of_one_person_number_alone(dataset: Path) -> None:
    arrays = Shard(shard_files(dataset, "anny")[0]).arrays
    assert sorted(set(arrays["person"].tolist())) == list(range(PEOPLE))
    identities = arrays["identity"].reshape(PEOPLE, FRAMES, -1)
    assert np.ptp(identities, axis=1).max() == 0 and np.ptp(identities, axis=0).max() > 0.5


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True)
    return [int(line) for line in listed.stdout.split()]


def _soon(question: Callable[[], bool], seconds: float = 30.0) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if question():
            return True
        time.sleep(0.1)
    return False
