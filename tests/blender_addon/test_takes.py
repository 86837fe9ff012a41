"""The performance panel's work, in every Blender."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import PresetUnreadable
from core.retarget.preset import load_preset
from core.retarget.wrinkles import WRINKLES
from core.rig import save_rig
from core.track import save_track
from tests.blender_addon.givens import rig_with_photo
from tests.blenders import each_blender
from tests.core.capture.faces import two_people
from tests.performances import GONE, tilting_portrait, write_video
from tests.real_data import real_data
from tests.tracks import make_track

pytestmark = each_blender()
INSIDE = "inside_take"


def test_the_character_is_found(run: Any, tmp_path: Path) -> None:
    save_rig(rig_with_photo(rig_id="first"), tmp_path / "head.semrig")
    told = run("target", tmp_path / "head.semrig")
    (mesh,), armature, head, neck, eye = told["ours"]
    assert (head, neck, eye) == ("head", "neck", "eye.L") and armature.startswith(mesh)
    assert told["rig"] == "first" and told["keys"] == {mesh: 53}
    assert told["theirs"] == [["body", "teeth"], True]
    assert told["none"] == ["CANCELLED"]


def test_the_eyes_of_a_head_of_ours_are_left_to_its_keys(run: Any, portrait_rig_file: Path) -> None:
    told = run("target", portrait_rig_file)
    assert told["ours"][2:] == ["head", "neck", "eye.L"]
    assert told["eyes turn"] == [False, None]


def test_heads_necks_and_eyes_are_known_by_many_names(run: Any) -> None:
    told = run("names")
    assert told["found"] == [[pair] for pair in told["pairs"]]
    assert all(told["heads"]) and all(told["necks"]) and told["none"] == ["", []]


def test_an_imported_character_performs(run: Any, tmp_path: Path) -> None:
    """Its eyes are objects, named as the viewer sees them, below an object that is a hundredth in size."""
    save_track(make_track(), tmp_path / "take.semtrack")
    fbx = real_data("characters/FaceCapHeadGeneric.fbx")
    told = run("imported", fbx, tmp_path / "take.semtrack", sys.executable)
    if "skipped" in told:
        pytest.skip(told["skipped"])
    assert told["chosen"] == ["grp_transform", "grp_eyeRight", "grp_eyeLeft", True]
    assert told["error"] == "" and told["keys"] == 52
    assert set(told["eyes"]) == {"delta_rotation_euler"}
    track = make_track()
    np.testing.assert_allclose(told["jaw"], track.curve("jawOpen"), atol=1e-5)
    upright = np.diag([1.0, -1.0, -1.0]) @ track.head_rotation
    to_blender = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    np.testing.assert_allclose(told["turn"], to_blender @ upright @ to_blender.T, atol=1e-5)
    for eye in (0, 1):
        yaw, pitch = track.gaze[:, eye].T
        ahead = np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)
        np.testing.assert_allclose(np.array(told["looks"])[:, eye], ahead @ to_blender.T, atol=1e-5)


def test_what_is_missing_is_said_before_anything_is_sent(run: Any) -> None:
    no_target, no_clip, no_head, jobs, idle = run("lacking")
    assert "shape keys" in no_target and "clip" in no_clip and "no head" in no_head
    assert (jobs, idle) == ("0", "True")


def test_mappings_are_saved_and_loaded(run: Any, tmp_path: Path) -> None:
    told = run("presets", tmp_path)
    assert list(told["saved"]["channels"]) == ["A", "B"] and told["saved"]["channels"]["A"]["gain"] == 0.5
    assert told["again"] == told["saved"] and told["muted"] == ["B"]
    assert told["saved"]["neutral"] == {"jawOpen": 0.25} and told["swap"]
    assert load_preset(tmp_path / "mine.json").channels["B"].muted
    for name in ("list", "deep", "other"):
        assert "Cannot read the preset" in told[name] and f"{name}.json" in told[name]
    for name in ("newer", "unknown", "upside"):  # in the words of the command line
        with pytest.raises(PresetUnreadable) as refused:
            load_preset(tmp_path / f"{name}.json")
        assert str(refused.value) in told[name]
    assert told["kept"] == [["A", "B"], True]
    assert not told["swap of a plain one"]


def test_the_table_is_edited_by_hand(run: Any, tmp_path: Path) -> None:
    told = run("table", tmp_path)
    assert told["polls"] == [False, False]
    assert told["free"] == ["jawOpen", "Smile"] and told["free after"] == []
    twice, nameless, unit = told["refused"]
    assert "Smile is in the table already." in twice and "Name a shape key." in nameless
    assert "cheekPuff drives this shape key already." in unit
    assert told["chosen"] == 1 and told["removed"] == ["jawOpen"] and told["undone"]
    assert {key: channel["weights"] for key, channel in told["saved"].items()} == {
        "jawOpen": {"jawOpen": 1.0},
        "Smile": {"mouthSmileLeft": 1.0, "mouthSmileRight": 0.3},
    }
    assert set(load_preset(tmp_path / "made.json").channels) == {"jawOpen", "Smile"}
    assert told["older file"] == [{"jawLeft": 0.5}, ""]


def test_a_clip_is_tracked_applied_undone_and_applied_again(run: Any, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "talk.mp4", tilting_portrait()[:14])
    told = run("perform", clip, sys.executable)
    assert told["error"] == "" and told["job"] == ""
    assert "faces" in told["stages"]
    assert "face: nothing drives blush." in told["warnings"]
    keys = ["jawOpen", "mouthSmile_L", "mouthSmile_R"]
    assert sorted(told["channels"]) == sorted(told["recognised"]) == keys
    assert told["paths"] == [f'key_blocks["{key}"].value' for key in keys]
    assert told["frames"] == [11.0, pytest.approx(11 + 12, abs=1.01)]
    assert "talk" in told["notice"]
    assert told["undone"] == [{}, True, True]
    assert told["wrinkles"] == [len(WRINKLES), 0]
    assert told["again"] == [f'key_blocks["{key}"].value' for key in keys[:2]]
    assert told["smile"] > 0.1 and told["halved"] < 1e-5
    assert [Path(name).suffix for name in told["left over"]] == [".semtrack"]
    assert told["no video"] == ["unsupported_media", ""]


def test_people_are_shown_to_choose_from(run: Any, tmp_path: Path) -> None:
    alone, both, _ = two_people()
    clip = write_video(tmp_path / "two.mp4", [alone] * 10 + [both] * 8)
    told = run("people", clip, sys.executable)
    assert told["error"] == "" and "out point" in told["wrong"] and "0.72 s" in told["late"]
    assert told["numbers"] == [1, 2] and told["pictures"] == [True] * 3
    assert told["length"] == pytest.approx(18 / 25, abs=0.02)
    follow, (x, y) = told["chosen"]
    assert follow == "POINT" and abs(x - 634) < 30 and abs(y - 174) < 30
    assert told["asked"]["point_time"] == pytest.approx(told["time"])
    assert told["files"] == told["files again"] == 4
    assert told["forgotten"] == [0, 0.0]


def test_cancel_keeps_what_is_tracked_and_twice_keeps_nothing(run: Any, tmp_path: Path) -> None:
    pictures = [picture for index, picture in enumerate(tilting_portrait()) if index not in GONE]
    told = run("stop", write_video(tmp_path / "long.mp4", pictures * 30), sys.executable)
    size, brightest, spread = told["picture"]
    assert size == [224, 224] and brightest > 0.9 and spread > 0.1
    assert told["says so at once"] and told["answered after"] < 1.5
    assert told["error"] == "" and told["track"]["partial"]
    count = told["track"]["frames"]
    assert 20 <= count < 30 * 28
    assert any(f"{count} of about" in text for text in told["warnings"])
    assert told["frames"] == pytest.approx(1 + (count - 1) / 25 * 24, abs=0.1)
    assert told["after"] == [0, True]
    assert told["twice"] == [True, "", ""]


def test_jobs_outlive_undo_and_closed_files(run: Any, tmp_path: Path) -> None:
    told = run("undo_and_reopen", tmp_path)
    assert told["undone"][0] == "job-1" and told["undone"][1] != 2.0
    assert told["elsewhere"] == 0
    assert told["back"] == [True, "job-1", "job-1"]
    assert told["cancelled"] == [0, "", ""]
