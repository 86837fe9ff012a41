"""Live tracking in Blender: a real process, a real socket, in every Blender."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.blenders import each_blender
from tests.performances import tilting_portrait, write_video

pytestmark = each_blender()
INSIDE = "inside_live"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The part of the tilting portrait that shows her, there and back."""
    frames = tilting_portrait()[:15]
    return write_video(tmp_path_factory.mktemp("clip") / "talk.mp4", [*frames, *reversed(frames)])


def test_a_character_follows_is_recorded_and_goes_back(run: Any, clip: Path) -> None:
    told = run("follow", clip, sys.executable)
    assert told["error"] == ""
    keys = sorted(["jawOpen", "mouthSmile_L", "mouthSmile_R", "browInnerUp", "eyeBlink_L", "eyeBlink_R"])
    assert told["channels"] == keys
    assert max(told["moved"]) > 0.01 and told["smile"] > 0.2  # she smiles and tilts her head
    assert told["fps"] > 2 and told["pause"] <= 1 / 60 and told["tick"] < 0.05
    assert told["muted"] == 0.125
    assert told["curves"] == [f'key_blocks["{key}"].value' for key in keys]
    assert told["keys"] > 3 and told["recorded"] > 0.2 and told["still live"]
    assert told["undone"] == [{}, ["face"]]  # one step for the recording, none for the frames
    assert told["rest"] == ["FINISHED"]
    assert told["stopped"] == [[0.0] * 5, True]
    assert told["ended"] and not told["note"]


def test_a_killed_process_and_another_file_end_it(run: Any, clip: Path) -> None:
    told = run("killed", clip, sys.executable)
    assert told["code"] == "live_died" and told["noticed"] < 8
    assert told["put back"] == 0.25
    assert 'key_blocks["jawOpen"].value' in told["kept"]  # what was recorded until then
    assert told["again"] == ""
    assert told["other file"] == [True, True, True]


def test_what_lacks_is_said(run: Any) -> None:
    told = run("wrong", sys.executable)
    assert "shape keys" in told["no target"] and "clip" in told["no clip"]
    assert told["camera"][0] == "camera_unavailable" and "/dev/video63" in told["camera"][1]
    assert told["camera"][2] and told["nothing runs"] == "not_running"


def test_a_moment_moves_bones_and_objects_and_goes_back(run: Any) -> None:
    told = run("put_back")
    for mode in ("QUATERNION", "XYZ", "AXIS_ANGLE"):
        one = told[mode]
        assert one["changed"] > 6 and one["same"] and one["back"] and one["actions"] == 0
        assert one["turned"] == pytest.approx(told["angle"], abs=1e-4)
        assert one["key"] == 1.5  # beyond the slider's range, which was widened
    moved, back = told["box"]
    assert sum(abs(number) > 0.01 for number in moved) == 6 and back == [0.0] * 6
