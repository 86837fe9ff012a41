"""``semblance eval``."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from tests.server.cli.conftest import Run, events, start, wait_for_line


@pytest.fixture
def pictures(portrait: Path, tmp_path: Path) -> Path:
    """AFLW2000-3D's layout with one picture, whose landmarks mean nothing."""
    folder = tmp_path / "aflw"
    folder.mkdir()
    shutil.copy(portrait, folder / "image00002.jpg")
    points = np.array([[180.0], [60.0], [0.0]]) + np.random.default_rng(0).uniform(0, 110, (3, 68))
    scipy.io.savemat(folder / "image00002.mat", {"pt3d_68": points, "Pose_Para": np.zeros((1, 7))})
    return folder


def test_a_table_is_written_and_told(run: Run, pictures: Path, tmp_path: Path) -> None:
    command = ("eval", "aflw2000", "--data", pictures, "--method", "mean_head", "-o", "table.md")
    made = run(*command, "--json")
    assert made.exit_code == 0, made.output
    told = events(made)
    assert told[-1]["written"] == "table.md" and told[-1]["tables"][0]["rows"][0]["method"] == "mean head"
    assert any(event["event"] == "progress" and "seconds_left" in event for event in told)
    page = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert page.startswith("# Evaluation: aflw2000") and "| mean head |" in page and "| CPEM |" in page
    assert run(*command).exit_code == 2  # it exists
    assert "| mean head |" in run(*command[:-2]).stdout


def test_what_cannot_be_evaluated(run: Run, pictures: Path) -> None:
    assert run("eval", "nothing").exit_code == 2
    assert run("eval", "now").exit_code == 2  # whose data do not come along
    assert run("eval", "aflw2000", "--data", pictures, "--method", "guess").exit_code == 2
    assert run("eval", "synthetic", "--truth", "nobody").exit_code == 2
    assert run("eval", "now", "--data", pictures, "-o", "table.txt").exit_code == 2
    missing = run("eval", "now", "--data", pictures, "--json")
    assert missing.exit_code == 22 and events(missing)[-1]["code"] == "data_unreadable"
    assert "iphone_pictures" in events(missing)[-1]["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently on Windows")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    command = start(tmp_path, "eval", "synthetic", "-o", "table.md")
    wait_for_line(command, "eval: anny")
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=60)
    assert command.returncode == 130 and said.splitlines()[-1] == "Cancelled." and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
