"""``semblance reenact``, here and on a server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.digital_source import read_source
from core.rig import save_rig
from core.track import save_track, write_livelink
from tests.films import pictures_of
from tests.performances import FRAMES, tilting_portrait, write_video
from tests.portraits import portrait_rig
from tests.server.cli.conftest import Run, events, start, wait_for_line
from tests.server.conftest import Server, start_server
from tests.tracks import make_track


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_server(tmp_path_factory.mktemp("real") / "server", real=True)
    yield server
    server.stop()


@pytest.fixture
def given(tmp_path: Path) -> None:
    """A rig and takes in the command's folder."""
    save_rig(portrait_rig(), tmp_path / "anna.semrig")
    save_track(make_track(8), tmp_path / "take.semtrack")
    write_livelink(make_track(8), tmp_path / "take.csv")


@pytest.mark.usefixtures("given")
def test_a_server_makes_the_same_film(run: Run, tmp_path: Path, server: Server) -> None:
    there = ("--server", server.url, "--token", server.token)
    near, far = (
        run("reenact", "anna.semrig", "take.semtrack", "-o", name, *where, "--json")
        for name, where in (("near.mp4", ()), ("far.mp4", there))
    )
    assert near.exit_code == far.exit_code == 0, near.output + far.output
    for done in (near, far):
        assert [e["event"] for e in events(done) if e["event"] != "progress"] == [
            "warning",
            "warning",
            "result",
        ]
    for a, b in zip(pictures_of(tmp_path / "near.mp4"), pictures_of(tmp_path / "far.mp4"), strict=True):
        np.testing.assert_array_equal(a, b)
    assert server.client.jobs() == [] and server.client.rigs() == []


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("far", [False, True])
def test_a_folder_takes_pictures_with_alpha(run: Run, tmp_path: Path, server: Server, far: bool) -> None:
    there = ("--server", server.url, "--token", server.token) if far else ()
    (tmp_path / "out").mkdir()
    done = run("reenact", "anna.semrig", "take.csv", "-o", "out", "--pose-only", "--absolute", *there)
    assert done.exit_code == 0, done.output
    pictures = sorted((tmp_path / "out").glob("*.png"))
    assert len(pictures) == 8 and Image.open(pictures[0]).mode == "RGBA"
    assert all(read_source(picture) for picture in pictures)
    assert {path.name for path in tmp_path.iterdir()} == {"anna.semrig", "take.semtrack", "take.csv", "out"}
    again = run("reenact", "anna.semrig", "take.csv", "-o", "out", "--force", "--json")
    assert again.exit_code == 2 and "not empty" in events(again)[-1]["message"]


def test_a_photo_and_a_clip_become_a_film_with_its_frames(run: Run, portrait: Path, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "talk.mp4", tilting_portrait())
    done = run("reenact", portrait, clip, "--expression-only", "--size", "160")
    assert done.exit_code == 0, done.output
    times, pictures = pictures_of(tmp_path / "astronaut-talk.mp4")
    assert len(times) == FRAMES and max(pictures.shape[1:3]) == 160
    assert "warning: The face was not seen" in done.stderr
    assert "reenact: rig" in done.stderr and "reenact: track" in done.stderr
    kept = run("reenact", "--sound", "keep", portrait, "take.csv", "--json")
    assert kept.exit_code == 2 and "take.csv has no sound" in events(kept)[-1]["message"]


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("anna.semrig", "take.semtrack", "-o", "a.avi"), 2, "bad_input"),
        (("anna.semrig", "take.semtrack", "-o", "none/a.mp4"), 9, "output_failed"),
        (("anna.semrig", "take.semtrack", "-o", "none/out"), 9, "output_failed"),
        (("anna.semrig", "take.semtrack", "--relative", "--absolute"), 2, "bad_input"),
        (("anna.semrig", "take.semtrack", "--pose-only", "--expression-only"), 2, "bad_input"),
        (("anna.semrig", "take.semtrack", "--photo", "2"), 2, "bad_input"),
        (("anna.semrig", "take.semtrack", "--rest", "99"), 2, "bad_input"),
        (("anna.semrig", "take.semtrack", "-o", "out", "--sound", "keep"), 2, "bad_input"),
        (("anna.semrig", "absent.semtrack"), 16, "track_unreadable"),
        (("absent.semrig", "take.semtrack"), 7, "rig_unreadable"),
        (("anna.semrig", "absent.mp4"), 3, "unreadable_media"),
        (("take.csv", "take.csv"), 2, "bad_input"),
        (("noise.png", "take.csv"), 4, "no_face_found"),
        (("noise.png", "take.csv", "--photo", "2"), 2, "bad_input"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    done = run("reenact", *arguments, "--json")
    assert done.exit_code == exit_code, done.output
    assert events(done)[-1]["code"] == code
    assert len(list(tmp_path.iterdir())) == 4


def test_ctrl_c_keeps_what_was_made(tmp_path: Path) -> None:
    save_rig(portrait_rig(), tmp_path / "anna.semrig")
    save_track(make_track(4000), tmp_path / "take.semtrack")
    command = start(tmp_path, "reenact", "anna.semrig", "take.semtrack", "-o", "a.mp4")
    wait_for_line(command, "reenact: pictures")
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=60)
    assert command.returncode == 0, said
    assert "Stopping; what is done so far is kept" in said and "pictures are kept" in said
    assert 0 < len(pictures_of(tmp_path / "a.mp4")[0]) < 4000


def test_ctrl_c_twice_keeps_nothing(tmp_path: Path) -> None:
    save_rig(portrait_rig(), tmp_path / "anna.semrig")
    save_track(make_track(4000), tmp_path / "take.semtrack")
    command = start(tmp_path, "reenact", "anna.semrig", "take.semtrack", "-o", "out")
    wait_for_line(command, "reenact: pictures")
    command.send_signal(signal.SIGINT)
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=60)
    names = {path.name for path in tmp_path.iterdir()}
    if command.returncode == 0:  # both signals were one to the system
        assert "pictures are kept" in said and "out" in names
    else:
        assert command.returncode == 130 and names == {"anna.semrig", "take.semtrack"}
