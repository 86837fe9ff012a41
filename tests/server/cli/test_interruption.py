"""Ctrl-C and its like leave no half-written file and no process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.track import load_track
from tests.blenders import blenders
from tests.performances import GONE, tilting_portrait, write_video
from tests.server.cli.conftest import ROOT, children, is_running, start, wait_for_line
from tests.server.conftest import Server, start_server

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


def _tracking(folder: Path, clip: Path, *more: str) -> subprocess.Popen[str]:
    """A command that tracks, with some frames behind it."""
    command = start(folder, "track", clip, "-o", "take.semtrack", "--json", *more)
    assert command.stdout is not None
    for line in command.stdout:
        told = json.loads(line)
        if told.get("frame", 0) >= 20:
            return command
    raise AssertionError(f"the command ended with {command.wait()}")


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pictures = [picture for index, picture in enumerate(tilting_portrait()) if index not in GONE]
    return write_video(tmp_path_factory.mktemp("clip") / "long.mp4", pictures * 20)


def test_a_track_ends_early_and_keeps_what_there_is(long_clip: Path, tmp_path: Path) -> None:
    command = _tracking(tmp_path, long_clip)
    command.send_signal(signal.SIGINT)
    said, wrong = command.communicate(timeout=60)
    assert command.returncode == 0, wrong
    track = load_track(tmp_path / "take.semtrack")
    assert track.partial and 20 <= len(track.times) < 20 * 28
    told = [json.loads(line) for line in said.splitlines()]
    assert told[-1]["event"] == "result" and told[-1]["partial"]
    warnings = [line["message"] for line in told if line["event"] == "warning"]
    assert any("Press Ctrl-C again" in text for text in warnings)
    assert any(f"{len(track.times)} of about" in text for text in warnings)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [("SIGINT", "finish"), ("SIGINT SIGINT", "finish stopped"), ("SIGTERM", "stopped")],
)
def test_only_the_first_ctrl_c_is_gentle(kinds: str, said: str) -> None:
    code = (
        "import os, signal; from server.cli.interruption import ending_gently, handle_signals\n"
        "handle_signals()\n"
        "try:\n"
        "    with ending_gently() as asked:\n"
        f"        for kind in {kinds.split()}:\n"
        "            os.kill(os.getpid(), getattr(signal, kind))\n"
        "            if asked(): print('finish')\n"
        "except KeyboardInterrupt: print('stopped')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout.split() == said.split(), ended.stderr


def test_a_track_is_given_up(long_clip: Path, tmp_path: Path) -> None:
    command = _tracking(tmp_path, long_clip)
    for _ in range(2):
        command.send_signal(signal.SIGINT)
        time.sleep(0.05)
    said, _ = command.communicate(timeout=60)
    assert command.returncode == 130
    assert json.loads(said.splitlines()[-1])["code"] == "cancelled"
    assert list(tmp_path.iterdir()) == []


def test_a_track_on_a_server_ends_early_too(long_clip: Path, tmp_path: Path, track_server: Server) -> None:
    there = ("--server", track_server.url, "--token", track_server.token)
    command = _tracking(tmp_path, long_clip, *there)
    command.send_signal(signal.SIGINT)
    _, wrong = command.communicate(timeout=60)
    assert command.returncode == 0, wrong
    assert load_track(tmp_path / "take.semtrack").partial
    assert track_server.client.jobs() == []


@pytest.fixture(scope="module")
def track_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_server(tmp_path_factory.mktemp("real") / "server", real=True)
    yield server
    server.stop()


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
