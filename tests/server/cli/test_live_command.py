"""``semblance live`` as a process: recordings, signals, the leash, and what cannot be tracked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from core.track import load_track, read_livelink
from tests.performances import tilting_portrait, write_video
from tests.server.cli.conftest import ROOT, Run, events


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = tilting_portrait()[:15]
    return write_video(tmp_path_factory.mktemp("clip") / "talk.mp4", [*frames, *reversed(frames)])


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "server.cli", "live", *map(str, arguments), "--json", "--folder", "home"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    return dict(json.loads(process.stdout.readline()))


def test_a_file_is_tracked_to_its_end_and_recorded(run: Run, clip: Path, tmp_path: Path) -> None:
    done = run("live", clip, "--record", "take.semtrack", "--json", "--folder", tmp_path / "home")
    assert done.exit_code == 0, done.output
    kinds = [event["event"] for event in events(done)]
    assert kinds[0] == "ready" and kinds[-2:] == ["result", "end"]
    track = load_track(tmp_path / "take.semtrack")
    assert track.provenance["live"] and track.confidence.max() > 0.5
    assert track.source is not None and track.source.file == "talk.mp4"
    assert not (tmp_path / "home" / "live.json").exists()


@pytest.mark.parametrize("how", ["signal", "leash"])
def test_it_ends_well_and_keeps_the_recording(clip: Path, tmp_path: Path, how: str) -> None:
    extra = ["--leash"] if how == "leash" else []
    process = start(tmp_path, clip, "--loop", "--record", "take.csv", *extra)
    told = ready(process)
    token = Path(told["token_file"]).read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    with connect(told["url"].replace("http", "ws") + "/v1/live/frames", additional_headers=headers) as line:
        hello = json.loads(line.recv(timeout=10))
        assert hello["api_version"] == 1 and len(hello["names"]) == 52
        seen: dict[str, Any] = {}
        while not seen.get("found"):
            seen = json.loads(line.recv(timeout=60))
        time.sleep(0.5)
        assert not list(tmp_path.glob("take*"))  # whole or not at all
        if how == "signal":
            process.send_signal(signal.SIGINT)
        else:
            assert process.stdin is not None
            process.stdin.close()
            process.stdin = None
        while seen["type"] != "end":
            seen = json.loads(line.recv(timeout=20))
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert json.loads(out.splitlines()[-1])["event"] == "end"
    assert len(read_livelink(tmp_path / "take.csv").times) > 1


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("63",), 18, "camera_unavailable"),
        (("/dev/video63",), 18, "camera_unavailable"),
        (("none.mp4",), 3, "unreadable_media"),
        (("CLIP", "--record", "take.mp4"), 2, "bad_input"),
        (("CLIP", "--at", "here"), 2, "bad_input"),
        (("CLIP", "--at", "3,4@2"), 2, "bad_input"),
        (("CLIP", "--livelink", "nowhere"), 2, "bad_input"),
        (("CLIP", "--rig", "none.semrig"), 7, "rig_unreadable"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, clip: Path, tmp_path: Path, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    given = [str(clip) if argument == "CLIP" else argument for argument in arguments]
    done = run("live", *given, "--json", "--folder", tmp_path / "home")
    assert done.exit_code == exit_code, done.output
    assert events(done)[-1]["code"] == code
    assert not list(tmp_path.glob("take*"))
