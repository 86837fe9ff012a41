"""``semblance track``: a clip becomes a track, here and on a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from core.track import load_track, read_livelink
from tests.core.capture.faces import two_people
from tests.performances import FRAMES, tilting_portrait, write_video
from tests.server.cli.conftest import Run, events
from tests.server.conftest import Server, start_server


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "talk.mp4", tilting_portrait())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_server(tmp_path_factory.mktemp("real") / "server", real=True)
    yield server
    server.stop()


def test_a_clip_becomes_a_track_a_take_and_a_clip_to_check_it_by(
    run: Run, clip: Path, tmp_path: Path
) -> None:
    done = run("track", clip, "--csv", "talk.csv", "--check", "check.mp4", "--smoothing", "0")
    assert done.exit_code == 0, done.output
    assert "track: faces" in done.stderr and "warning: The face was not seen" in done.stderr
    track = load_track(tmp_path / "talk.semtrack")
    assert track.name == "talk" and len(track.times) == FRAMES and track.provenance["prior"]
    take = read_livelink(tmp_path / "talk.csv")
    np.testing.assert_allclose(take.coefficients, track.coefficients, atol=1e-6)
    with av.open(str(tmp_path / "check.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == FRAMES


def test_a_server_makes_the_same_track(run: Run, clip: Path, tmp_path: Path, server: Server) -> None:
    there = ("--server", server.url, "--token", server.token)
    far = run("track", clip, "-o", "far.semtrack", "--csv", "far.csv", "--end", "0.5", *there)
    assert far.exit_code == 0, far.output
    near = run("track", clip, "-o", "near.semtrack", "--end", "0.5")
    assert near.exit_code == 0, near.output
    a, b = (load_track(tmp_path / f"{name}.semtrack") for name in ("near", "far"))
    np.testing.assert_allclose(a.coefficients, b.coefficients, atol=1e-5)
    assert a.source is not None and b.source is not None and a.source.file == b.source.file == "talk.mp4"
    assert (tmp_path / "far.csv").is_file()
    assert server.client.jobs() == []


@pytest.mark.parametrize("far", [False, True])
def test_people_are_listed_and_one_is_chosen(run: Run, tmp_path: Path, server: Server, far: bool) -> None:
    alone, both, _ = two_people()
    clip = write_video(tmp_path / "two.mp4", [alone] * 8 + [both] * 8)
    there = ("--server", server.url, "--token", server.token) if far else ()
    listed = run("track", clip, "--list-people", *there)
    assert listed.exit_code == 0, listed.output
    assert Image.open(tmp_path / "two-people.jpg").size == (640, 320)
    lines = listed.stdout.splitlines()
    assert len(lines) == 3 and lines[1].endswith("(the main face)")
    _, option, place = lines[2].split()
    done = run("track", clip, option, place, *there)
    assert done.exit_code == 0, done.output
    track = load_track(tmp_path / "two.semtrack")
    assert track.lost == ((0, 8),)
    again = run("track", clip, "--list-people", "--json", "--end", "0.2", "-o", "one.jpg", *there)
    told = events(again)[-1]
    assert len(told["people"]) == 1 and told["duration"] == pytest.approx(16 / 25, abs=0.02)
    assert server.client.jobs() == []


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("--at", "here"), 2, "bad_input"),
        (("--at", "3,380"), 2, "bad_input"),
        (("--at", "190,120@-1"), 2, "bad_input"),
        (("--at", "190,120@nan"), 2, "bad_input"),
        (("--at", "190,120@1.5", "--end", "0.3"), 2, "bad_input"),
        (("--start", "99"), 2, "bad_input"),
        (("--start", "0.62", "--end", "1.04"), 4, "no_face_found"),
        (("-o", "track.mp4"), 2, "bad_input"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, clip: Path, arguments: tuple[str, ...], exit_code: int, code: str, tmp_path: Path
) -> None:
    done = run("track", clip, "--json", *arguments)
    assert done.exit_code == exit_code, done.output
    assert events(done)[-1]["code"] == code
    assert not list(tmp_path.glob("*.semtrack"))
