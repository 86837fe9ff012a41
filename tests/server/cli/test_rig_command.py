"""``semblance rig`` and ``sheet``: files, options, errors and what machines read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import NoFaceFound
from core.rig import load_rig
from tests.server.cli.conftest import Run, events

DRAFT = ("--quality", "draft")


def test_a_photo_becomes_a_file_and_nothing_else(run: Run, portrait: Path, tmp_path: Path) -> None:
    done = run("rig", portrait, "-o", "head.semrig", "--name", "Eileen", "--sheet", "head.png", *DRAFT)
    assert done.exit_code == 0, done.output
    assert "head.semrig" in done.stdout and "in all" in done.stdout
    assert sorted(file.name for file in tmp_path.iterdir()) == ["head.png", "head.semrig"]
    assert load_rig(tmp_path / "head.semrig").name == "Eileen"
    assert "rig: photos" in done.stderr and "warning: astronaut.png" in done.stderr


def test_names_follow_the_photo_and_files_are_not_replaced(run: Run, portrait: Path, tmp_path: Path) -> None:
    (tmp_path / "astronaut.semrig").write_text("mine")
    refused = run("rig", portrait, *DRAFT)
    assert refused.exit_code == 2 and "--force" in refused.stderr
    assert (tmp_path / "astronaut.semrig").read_text() == "mine"
    assert run("rig", portrait, "--force", *DRAFT).exit_code == 0
    assert load_rig(tmp_path / "astronaut.semrig").name == "astronaut"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder in which nobody may write")
def test_a_folder_that_nothing_can_be_written_to_is_told_before_the_work(run: Run, portrait: Path) -> None:
    refused = run("rig", portrait, "-o", "/proc/head.semrig", *DRAFT)
    assert refused.exit_code == 9 and "Choose another folder" in refused.stderr
    assert "photos" not in refused.stdout + refused.stderr  # no stage had begun


def test_a_photo_is_not_replaced_by_the_sheet(run: Run, portrait: Path, tmp_path: Path) -> None:
    photo = tmp_path / "mine.png"
    photo.write_bytes(portrait.read_bytes())
    assert run("rig", photo, "--sheet", photo, "--force").exit_code == 2
    assert photo.read_bytes() == portrait.read_bytes()


def test_a_folder_means_its_photos(run: Run, portrait: Path, tmp_path: Path) -> None:
    (tmp_path / "Eileen").mkdir()
    (tmp_path / "Eileen" / "front.png").write_bytes(portrait.read_bytes())
    (tmp_path / "Eileen" / "notes.txt").write_text("in orange")
    done = run("rig", "Eileen", *DRAFT)
    assert done.exit_code == 0, done.output
    rig = load_rig(tmp_path / "Eileen.semrig")
    assert rig.name == "Eileen" and [photo.file for photo in rig.photos] == ["front.png"]


def test_machines_read_a_json_object_a_line(run: Run, portrait: Path) -> None:
    done = run("rig", portrait, "-o", "head.semrig", "--json", *DRAFT)
    told = events(done)
    progress = [event for event in told if event["event"] == "progress"]
    fractions = [event["fraction"] for event in progress]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert all(event["seconds_left"] >= 0 and event["job"] == "rig" for event in progress)
    assert {event["event"] for event in told} == {"progress", "warning", "result"}
    assert told[-1]["written"] == ["head.semrig"]
    assert set(told[-1]["seconds"]) == {event["stage"] for event in progress}


def test_a_lens_that_is_given_binds_and_what_was_taken_is_said(
    run: Run, portrait: Path, tmp_path: Path
) -> None:
    assumed = run("rig", portrait, "-o", "assumed.semrig", *DRAFT)
    assert any(line.startswith("lens, ") and "assumed" in line for line in assumed.stderr.splitlines())
    told = run("rig", portrait, "-o", "given.semrig", "--focal", "50@23.6", "--json", *DRAFT)
    (lens,) = events(told)[-1]["lenses"]
    assert lens["source"] == "given" and lens["file"] == "astronaut.png"
    assert lens["equivalent_mm"] == pytest.approx(50 / 23.6 * 36, rel=0.03)
    (photo,) = load_rig(tmp_path / "given.semrig").photos
    assert photo.camera.fx == pytest.approx(50 / 23.6 * 512, rel=0.03)


def test_what_libraries_print_does_not_spoil_the_json(
    run: Run, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chatty(*arguments: object) -> None:
        print("Some library 1.0 initialized")
        raise NoFaceFound("There is none.", "Look again.")

    monkeypatch.setattr("core.photos_to_rig.build_rig", chatty)
    done = run("rig", portrait, "--json", *DRAFT)
    assert [event["event"] for event in events(done)] == ["error"]
    assert "Some library" in done.stderr


def _noise(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)).save(path)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("noise.png",), 4, "no_face_found"),
        (("empty.png",), 3, "unreadable_media"),
        (("absent.png",), 3, "unreadable_media"),
        (("nothing",), 2, "bad_input"),
        (("none*.png",), 2, "bad_input"),
        (("noise.png", "-o", "head.blend"), 2, "bad_input"),
        (("noise.png", "--model", "nobody"), 2, "bad_input"),
        (("noise.png", "--texture-size", "1000"), 2, "bad_input"),
        (("noise.png", "--focal", "wide"), 2, "bad_input"),
        (("noise.png", "--focal", "50@0"), 2, "bad_input"),
        (("noise.png", "-o", "absent/head.semrig"), 9, "output_failed"),
    ],
)
def test_errors_have_a_code_a_sentence_and_a_hint(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    _noise(tmp_path / "noise.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "nothing").mkdir()
    before = sorted(tmp_path.iterdir())
    spoken = run("rig", *arguments)
    assert spoken.exit_code == exit_code
    assert f"error [{code}]: " in spoken.stderr and "Traceback" not in spoken.stderr
    assert len(spoken.stderr.splitlines()) > 1
    error = events(run("rig", *arguments, "--json"))[-1]
    assert error["event"] == "error" and error["code"] == code and error["message"] and error["hint"]
    assert "Traceback" in run("rig", *arguments, "--debug").stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_model_that_was_not_added(
    run: Run, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path / "cache"))
    done = run("rig", portrait, "--model", "flame", *DRAFT)
    assert done.exit_code == 5 and "semblance models add flame PATH" in done.stderr


def test_a_fault_of_our_own_is_told_as_such(
    run: Run, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("loose wire")

    monkeypatch.setattr("core.photos_to_rig.build_rig", fail)
    done = run("rig", portrait, *DRAFT)
    assert done.exit_code == 1 and "loose wire" in done.stderr and "--debug" in done.stderr


def test_a_sheet_is_drawn_again_from_the_rig_alone(run: Run, portrait_rig_file: Path, tmp_path: Path) -> None:
    done = run("sheet", portrait_rig_file, "-o", "sheet.png")
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert min(sheet.size) > 1500
    assert run("sheet", portrait_rig_file, "-o", "sheet.png").exit_code == 2
    absent = run("sheet", "absent.semrig")
    assert absent.exit_code == 7 and "absent.semrig" in absent.stderr
