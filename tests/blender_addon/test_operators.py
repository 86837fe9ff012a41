"""The switched-on add-on, in every Blender."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.rig import save_rig
from tests.blender_addon.givens import rig_with_photo
from tests.blenders import each_blender
from tests.rigs import make_rig

pytestmark = each_blender()
INSIDE = "inside_addon"


@pytest.fixture
def rig_path(tmp_path: Path) -> Path:
    save_rig(rig_with_photo(rig_id="first"), tmp_path / "head.semrig")
    return tmp_path / "head.semrig"


def test_it_comes_and_goes_cleanly_twice(run: Any) -> None:
    told = run("register_twice")
    first, after, second, end = told["states"]
    assert first == second > 20 and after == end == 0
    assert not told["on scenes"]


def test_an_import_is_one_step_to_undo(run: Any, rig_path: Path) -> None:
    told = run("import_undo_redo", rig_path)
    nothing, built, undone, redone = told["counts"]
    assert nothing == undone == [0, 0, 0, 0, 0]
    assert built == redone == [1, 1, 1, 6, 1]
    assert told["jaw"] == pytest.approx(0.25)


def test_heads_survive_saving_linking_and_appending(run: Any, rig_path: Path, tmp_path: Path) -> None:
    told = run("keep", rig_path, tmp_path)
    whole = {"rig": "first", "keys": 53, "armature": True, "photos": ["front.jpg"], "picture": [40, 36]}
    assert told["reloaded"] == told["append"] == told["link"] == whole
    assert told["people"] == [["Test head", "first"]]


def test_a_rebuilt_head_keeps_what_the_user_did(run: Any, rig_path: Path, tmp_path: Path) -> None:
    neutral = (make_rig().neutral * np.float32(1.1)).astype(np.float32)
    save_rig(rig_with_photo(rig_id="second", neutral=neutral), tmp_path / "other.semrig")
    told = run("rebuild", rig_path, tmp_path / "other.semrig")
    assert told["before"] == told["after"]
    assert told["jaw at 6"] == pytest.approx(0.6, abs=0.02)
    assert told["driven"] == 0.25 and told["mine"] and told["x"] == 2.0
    assert told["same shape"] < 1e-6
    assert told["person"] == [True, "Blurred."] and told["people"] == 1


def test_a_rebuild_with_another_model_keeps_the_animation(run: Any, rig_path: Path, tmp_path: Path) -> None:
    save_rig(make_rig(detail=2, rig_id="second"), tmp_path / "other.semrig")
    told = run("rebuild", rig_path, tmp_path / "other.semrig")
    assert told["before"][0] == told["after"][0] and told["before"][1] == told["after"][1]
    assert told["jaw at 6"] == pytest.approx(0.6, abs=0.02) and told["driven"] == 0.25
    assert told["same shape"] < 1e-6


def test_the_buttons_above_the_sliders(run: Any, rig_path: Path) -> None:
    told = run("expression_buttons", rig_path)
    smile_left, smile_right, blink_left, blink_right = told["LEFT"].values()
    assert (smile_left, smile_right, blink_left, blink_right) == (0.8, 0.8, 0.0, 0.0)
    assert list(told["SWAP"].values()) == [0.8, 0.8, 0.0, 0.0]
    assert told["reset mouth"] == [0.0, 0.7]
    assert told["curves"] == 52


@pytest.mark.parametrize("frame", [(1920, 1080), (1080, 1350)])
def test_the_fit_lies_over_the_photo(run: Any, rig_path: Path, frame: tuple[int, int]) -> None:
    told = run("photo_fit", rig_path, *frame)
    rig = rig_with_photo()
    photo = rig.photos[0]
    points = rig.neutral[[0, 100, 400]] @ photo.rotation.T + photo.translation
    pixels = points[:, :2] / points[:, 2:] * photo.camera.fx + [photo.camera.cx, photo.camera.cy]
    np.testing.assert_allclose(told["pixels"], (pixels - [100, 40]) * 0.1, atol=0.01)
    assert told["expression"] == pytest.approx(0.25)
    assert told["picture"] == [40, 36] and told["frame"] == "FIT"
    assert told["tongue after"] == pytest.approx(0.5) and told["cameras after"] == 0


def test_export_from_the_panel(run: Any, rig_path: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    smile, *files = run("export_both", rig_path, tmp_path / "out")
    assert smile == "0.5"
    assert files == ["out.glb", "out.mtl", "out.obj", "out_albedo.png", "out_eye.png"]


def test_photos_are_added_pasted_moved_and_removed(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.PNG", "c d.webp"):
        (folder / name).write_bytes(b"")
    told = run("photo_list", folder)
    assert told["listed"] == told["names"] == ["a.jpg", "b.PNG", "c d.webp"]
    assert told["moved"] == ["a.jpg", "c d.webp", "b.PNG"]
    assert told["left"] == ["c d.webp", "b.PNG"]
    assert told["too many"] == [18, True]


def test_a_lens_is_asked_for_as_the_command_line_writes_it(run: Any) -> None:
    assert run("lens_options") == [None, "85@36", "50@23.6"]


def test_jobs_undo_and_other_files(run: Any, portrait: Path) -> None:
    told = run("undo_during_a_job", portrait)
    assert told["accepted"] == "job-1"
    assert told["undone"] == ["job-1", "standard"]
    assert told["ended"] == ["", "no_face_found", "Use another."]
    assert told["redone"] == ""
    assert told["opened"] == [0, True]
    assert told["stopped in"] < 2.5


def test_every_owner_of_jobs_is_served_by_one_kind(run: Any) -> None:
    told = run("kinds")
    assert told["served"] == told["there"] != []
    assert all(told["found"]) and all(told["apply"]) and all(told["cancel"])


def test_a_fault_of_ours_does_not_end_the_timer(run: Any) -> None:
    told = run("faults")
    assert len(told["pauses"]) == 3 and min(told["pauses"]) > 0
    assert all("fault of its own" in notice for notice in told["notices"])
    assert told["left"] == [False, 0, False]


def test_remote_servers_need_leave_to_go_online(run: Any) -> None:
    told = run("addresses")
    assert told["local"] == "LocalServer"
    assert told["http://127.0.0.1:9"] == told["http://[::1]:9/"] == "RemoteServer"
    assert told["https://heads.example.org"] == ("RemoteServer" if told["may go online"] else "NoneType")


def test_a_saved_file_finds_its_job_again(run: Any, portrait: Path, tmp_path: Path) -> None:
    told = run("build_on_server", portrait, tmp_path, sys.executable)
    assert told["error"] == "" and told["job"] == ""
    assert told["keys"] == 53
    assert told["models"][0] == "anny"
    assert told["lenses"] == [["given", pytest.approx(50 / 23.6 * 36, rel=0.03)]]


def test_thumbnails_are_asked_for_once(run: Any, portrait: Path) -> None:
    """A photo that is missing must not keep the window redrawing."""
    assert run("thumbnails_come_to_rest", portrait)["asked"] == [True, False, False, False]
