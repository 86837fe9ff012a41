"""Ctrl-C and its like leave no half-written file and no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blenders import blenders
from tests.server.cli.conftest import ROOT, children, is_running, start, wait_for_line

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently on Windows")


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["photos", "texture"])
def test_a_rig_is_given_up(portrait: Path, tmp_path: Path, kind: signal.Signals, stage: str) -> None:
    (tmp_path / "head.semrig").write_text("the old one")
    command = start(tmp_path, "rig", portrait, "-o", "head.semrig", "--force", "--quality", "standard")
    wait_for_line(command, f"rig: {stage}")
    command.send_signal(kind)
    _, said = command.communicate(timeout=60)
    assert command.returncode == 130
    assert said.splitlines()[-1] == "Cancelled." and "Traceback" not in said
    assert [file.name for file in tmp_path.iterdir()] == ["head.semrig"]
    assert (tmp_path / "head.semrig").read_text() == "the old one"


def test_imports_are_not_interrupted_but_what_follows_is(tmp_path: Path) -> None:
    """Extension modules swallow an interruption that reaches them while they load, or break."""
    (tmp_path / "slow.py").write_text(
        "import os, signal\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    swallowed = False\n"
        "except KeyboardInterrupt:\n"
        "    swallowed = True\n"
    )
    code = (
        "from server.cli.interruption import asked_to_stop, handle_signals; handle_signals()\n"
        "from server.cli.reporting import Reporter; from core.errors import Cancelled\n"
        "import slow; print(slow.swallowed, asked_to_stop())\n"
        "try:\n"
        "    with Reporter(False).job('rig', {'photos': 1.0}) as progress, progress.stage('photos'): pass\n"
        "except Cancelled: print('cancelled')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert ended.stdout.split() == ["False", "True", "cancelled"], ended.stderr


@pytest.mark.skipif(sys.executable not in blenders(), reason="bpy is not installed: pip install '.[blender]'")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_blender_is_ended_too(portrait_rig_file: Path, tmp_path: Path, kind: signal.Signals) -> None:
    command = start(tmp_path, "blend", portrait_rig_file, "-o", "head.blend")
    wait_for_line(command, "blend: start Blender")
    while not (blender := children(command.pid)):
        assert command.poll() is None
    command.send_signal(kind)
    _, said = command.communicate(timeout=60)
    assert command.returncode == 130 and "Cancelled." in said
    assert not any(is_running(pid) for pid in blender)
    assert list(tmp_path.iterdir()) == []
