"""Performances as Blender plays them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.retarget.animation import Animation, retarget, save_animation
from core.retarget.recognise import recognise
from core.retarget.wrinkles import WRINKLES, wrinkle_table
from tests.blenders import each_blender, run_in_blender
from tests.tracks import make_track

pytestmark = each_blender()

MESHES = {"head": ["jawOpen", "mouthSmileLeft", "not on the head"], "teeth": ["jawOpen"]}
TO_BLENDER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def made(error: float = 0.0, frames: int = 40) -> Animation:
    tables = {mesh: recognise(keys).table for mesh, keys in MESHES.items()}
    return retarget(make_track(frames), MESHES, tables, strength=0.0, error=error)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_animation(made(), tmp_path / "take.npz")
    return tmp_path / "take.npz"


def curve(track_name: str) -> np.ndarray:
    values: np.ndarray = make_track().curve(track_name)
    return values


@pytest.mark.parametrize("fps, start", [(24, 1.0), (60, 10.0)])
def test_curves_follow_time_not_frames(blender: str, path: Path, fps: int, start: float) -> None:
    told = run_in_blender(blender, "retargeting.shapes", path, fps, start, "no")
    times = make_track().times
    for mesh, keys in (("head", ["jawOpen", "mouthSmileLeft"]), ("teeth", ["jawOpen"])):
        assert set(told[mesh]) == {f'key_blocks["{key}"].value 0' for key in keys}
        for key in keys:
            written = told[mesh][f'key_blocks["{key}"].value 0']
            frames, values = np.array(written["keys"]).T
            assert written["kinds"] == ["LINEAR"]
            assert frames[0] == start and frames[-1] == pytest.approx(start + times[-1] * fps, abs=0.011)
            expected = np.interp(frames, start + times * fps, curve(key))
            np.testing.assert_allclose(values, expected, atol=2e-3)
    played = np.array(told["played"])
    expected = np.interp(np.arange(1, 61), start + times * fps, curve("jawOpen"))
    np.testing.assert_allclose(played, np.stack([expected, expected], axis=1), atol=2e-3)
    assert len(told["actions"]) == (1 if told["slots"] else 2)


def test_reduced_keys_play_within_the_bound(blender: str, tmp_path: Path) -> None:
    save_animation(made(error=0.02), tmp_path / "take.npz")
    told = run_in_blender(blender, "retargeting.shapes", tmp_path / "take.npz", 25, 1, "no")
    assert len(told["head"]['key_blocks["jawOpen"].value 0']["keys"]) < 25
    played = np.array(told["played"])[:40, 0]
    assert np.abs(played - curve("jawOpen")).max() <= 0.02 + 1e-5


def test_a_take_on_an_nla_strip_plays_the_same(blender: str, path: Path) -> None:
    told = run_in_blender(blender, "retargeting.shapes", path, 25, 5, "yes")
    assert [strip[:2] for strip in told["strips"]] == [[5.0, 44.0]]
    np.testing.assert_allclose(np.array(told["played"])[4:44, 0], curve("jawOpen"), atol=1e-5)


def test_values_beyond_the_range_are_shown(blender: str, tmp_path: Path) -> None:
    animation = made()
    louder = tuple(replace(one, values=one.values * 1.5) for one in animation.curves)
    save_animation(replace(animation, curves=louder), tmp_path / "take.npz")
    told = run_in_blender(blender, "retargeting.shapes", tmp_path / "take.npz", 25, 1, "no")
    np.testing.assert_allclose(np.array(told["played"])[:40, 0], 1.5 * curve("jawOpen"), atol=1e-5)
    assert told["range"][0] == 0 and told["range"][1] > 1


def test_keys_outside_the_take_stay(blender: str, path: Path, tmp_path: Path) -> None:
    save_animation(made(frames=10), tmp_path / "short.npz")
    told = run_in_blender(blender, "retargeting.twice", path, tmp_path / "short.npz")
    assert told["same action"] and told["outside kept"]
    assert told["frames"][0] == -20 and told["frames"][-1] == 100
    assert told["frames"][1:-1] == sorted(set(told["frames"][1:-1])) and told["frames"][1] == 1
    assert told["new action"] and told["old kept"] and told["curves"] == 1
    assert told["second frames"][0] == 1 and told["second frames"][-1] == 10


def expected_turn(animation: Animation) -> np.ndarray:
    turn: np.ndarray = TO_BLENDER @ animation.head_rotation @ TO_BLENDER.T
    return turn


def check_eyes(moved: dict[str, np.ndarray], eyes: tuple[str, str], animation: Animation) -> None:
    """Both eyes, seen from the turned head, look where the person looked."""
    turn = expected_turn(animation)
    for index, eye in enumerate(eyes):
        relative = turn.transpose(0, 2, 1) @ moved[eye][:, :3, :3]
        yaw, pitch = animation.gaze[:, index].T
        ahead = np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)
        shown = relative @ (TO_BLENDER @ [0.0, 0.0, 1.0])
        np.testing.assert_allclose(shown, ahead @ TO_BLENDER.T, atol=2e-5)


@pytest.mark.parametrize(
    "how, mode", [("object", "QUATERNION"), ("object", "ZXY"), ("object, imported", "XYZ")]
)
def test_a_head_that_is_an_object(blender: str, path: Path, tmp_path: Path, how: str, mode: str) -> None:
    run_in_blender(blender, "retargeting.head_pose", path, how, mode, tmp_path / "out.npz")
    moved = dict(np.load(tmp_path / "out.npz"))
    animation = made()
    np.testing.assert_allclose(moved["Head"][:, :3, :3], expected_turn(animation), atol=2e-5)
    check_eyes(moved, ("L", "R"), animation)
    place = np.array([1.0, 2.0, 3.0])
    now = np.einsum("fij,j->fi", moved["Head"][:, :3, :3], place) + moved["Head"][:, :3, 3]
    np.testing.assert_allclose(now - place, animation.head_translation @ TO_BLENDER.T, atol=2e-5)


@pytest.mark.parametrize(
    "how, mode",
    [
        ("bone", "QUATERNION"),
        ("bone, imported", "YZX"),
        ("split", "AXIS_ANGLE"),
        ("split, imported", "QUATERNION"),
    ],
)
def test_a_head_of_bones_at_any_rest(blender: str, path: Path, tmp_path: Path, how: str, mode: str) -> None:
    """Whatever the bones' own axes, the head turns in the world as the person's did, and the eyes on top."""
    run_in_blender(blender, "retargeting.head_pose", path, how, mode, tmp_path / "out.npz")
    moved = dict(np.load(tmp_path / "out.npz"))
    animation = made()
    turn = expected_turn(animation)
    np.testing.assert_allclose(moved["head"][:, :3, :3], turn, atol=2e-5)
    share = np.linalg.norm(moved["neck"][:, :3, :3] - np.eye(3), axis=(1, 2))
    assert (share.max() > 0.1) == how.startswith("split")
    check_eyes(moved, ("eye.L", "eye.R"), animation)


def test_a_head_bone_moves_too_when_asked(blender: str, path: Path, tmp_path: Path) -> None:
    run_in_blender(blender, "retargeting.head_pose", path, "place", "QUATERNION", tmp_path / "out.npz")
    moved = np.load(tmp_path / "out.npz")["head"]
    pivot = np.array([0.0, 0.01, 1.5])
    now = np.einsum("fij,j->fi", moved[:, :3, :3], pivot) + moved[:, :3, 3]
    np.testing.assert_allclose(now - pivot, made().head_translation @ TO_BLENDER.T, atol=1e-5)


@pytest.mark.parametrize("turned", [0, 180, 90])  # the face along -Y, +Y and +X
@pytest.mark.parametrize("how", ["eye bones", "keys, bone", "eye objects", "keys, object"])
def test_heads_nod_and_turn_the_way_they_face(blender: str, how: str, turned: int) -> None:
    told = run_in_blender(blender, "retargeting.looks", how, turned)
    sine, cosine = np.sin(np.radians(20)), np.cos(np.radians(20))
    assert len(told) == (4 if how == "eye objects" else 2)
    for name, shown in told.items():
        expected = [0, -cosine, -sine] if name.endswith("nod") else [sine, -cosine, 0]
        np.testing.assert_allclose(shown, expected, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    "how, mode", [("object", "XYZ"), ("bones", "QUATERNION"), ("bones", "AXIS_ANGLE"), ("aim", "YZX")]
)
def test_head_and_eyes_get_fewer_keys_within_the_bound(
    blender: str, tmp_path: Path, how: str, mode: str
) -> None:
    error = 0.02
    save_animation(made(error=error), tmp_path / "take.npz")
    told = run_in_blender(blender, "retargeting.fewer", tmp_path / "take.npz", how, mode)
    for name, (apart, before, after) in told.items():
        if "Aim" in name:
            bound = error  # a metre away
        elif "location" in name:
            bound = 0.2 * error
        else:
            bound = error / 2 if mode == "QUATERNION" else error
        assert apart <= bound + 1e-6, name
        assert before == 40 and after <= before, name
    assert sum(after for _, _, after in told.values()) < 0.6 * sum(before for _, before, _ in told.values())


@pytest.mark.parametrize("parented", ["no", "rig", "head"])
def test_an_aim_target_is_where_the_eyes_look(
    blender: str, path: Path, tmp_path: Path, parented: str
) -> None:
    run_in_blender(blender, "retargeting.aim", path, parented, tmp_path / "out.npz")
    told = np.load(tmp_path / "out.npz")
    animation = made()
    yaw, pitch = animation.gaze.mean(axis=1).T
    ahead = np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)
    expected = np.einsum("fij,fj->fi", expected_turn(animation), ahead @ TO_BLENDER.T)
    np.testing.assert_allclose(told["places"] - told["origins"], expected, atol=1e-4)


def test_targets_that_do_not_fit(blender: str, path: Path) -> None:
    told = run_in_blender(blender, "retargeting.wrong", path)
    assert ["shape keys" in told[0], "armature" in told[1], "armature" in told[2], "Kopf" in told[3]] == [
        True
    ] * 4
    assert "head bone" in told[4] and "eye bones" in told[5] and told[6] == "0 actions"


@pytest.mark.parametrize("keep", ["no", "yes"])
def test_wrinkles_are_custom_properties_of_the_face(blender: str, tmp_path: Path, keep: str) -> None:
    tables = {mesh: recognise(keys).table for mesh, keys in MESHES.items()}
    animation = retarget(make_track(40), MESHES, tables, strength=0.0, error=0.0, wrinkles=wrinkle_table())
    save_animation(animation, tmp_path / "take.npz")
    told = run_in_blender(blender, "retargeting.wrinkles", tmp_path / "take.npz", keep)
    assert told["curves"] == [len(WRINKLES)] * 2 and told["elsewhere"] == []
    assert told["limits"] == [0, 1, 0, 1] and "nose to the mouth" in told["text"]
    assert told["same action"] == told["slots"]
    track = make_track()
    expected = np.clip(0.9 * track.curve("mouthSmileLeft") + 0.4 * track.curve("mouthUpperUpLeft"), 0, 1)
    np.testing.assert_allclose(told["played"], expected, atol=1e-5)


def test_files_that_are_no_animation(blender: str, path: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(path))
    cases: list[Path] = []
    for name, change in (
        ("times", np.zeros(40)),
        ("starts", np.array([0, 3])),
        ("gaze", np.zeros((3, 2, 2))),
        ("document", np.array('{"format": "semblance-animation", "schema": 2}')),
        ("document", np.array("[]")),
    ):
        cases.append(tmp_path / f"{len(cases)}.npz")
        np.savez(cases[-1], **{**arrays, name: change})
    cases.append(tmp_path / "missing.npz")
    (tmp_path / "noise.npz").write_bytes(b"noise")
    cases.append(tmp_path / "noise.npz")
    told = run_in_blender(blender, "retargeting.unreadable", *cases)
    assert len(told) == len(cases) and all(str(case) in text for case, text in zip(cases, told, strict=True))
    assert "newer Semblance" in told[3]


def test_a_take_is_one_step_to_undo(blender: str, path: Path) -> None:
    told = run_in_blender(blender, "retargeting.operator", path)
    assert told["ended"] == ["FINISHED"] and told["applied"] > 0 and told["after undo"] == 0
