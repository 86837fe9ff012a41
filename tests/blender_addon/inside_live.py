"""What the tests of live tracking do inside Blender. Imports nothing that Blender lacks."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import bpy
import numpy as np
from mathutils import Euler

import blender_addon
from blender_addon.client.local.folder import server_folder
from blender_addon.retarget.animation_file import Animation, KeyCurve
from blender_addon.retarget.sink import DirectSink
from blender_addon.retarget.take import Targets, face_in_front, show_moment
from blender_addon.runtime import live, timer
from blender_addon.runtime.state import state
from tests.blender_addon import retargeting
from tests.blender_addon.scenery import curves, keyed_mesh, performance, select, start_addon, until

KEYS = ["jawOpen", "mouthSmile_L", "mouthSmile_R", "browInnerUp", "eyeBlink_L", "eyeBlink_R"]


def _values(owner: Any) -> list[float]:
    return [owner.data.shape_keys.key_blocks[key].value for key in KEYS]


def _begin(clip: str, python: str) -> Any:
    """A character of six keys that follows a clip."""
    start_addon(python)
    bpy.context.scene.render.fps = 25
    face = keyed_mesh("face", KEYS)
    for key in KEYS:  # new keys are at 1 since Blender 5.0
        face.data.shape_keys.key_blocks[key].value = 0.25 if key == "jawOpen" else 0.0
    select(face)
    bpy.ops.semblance.take_target("EXEC_DEFAULT", True)
    take = performance()
    take.clip, take.live_source = clip, "FILE"
    bpy.ops.ed.undo_push(message="chosen")
    bpy.ops.semblance.live_start("EXEC_DEFAULT", True)
    return face


def follow(clip: str, python: str) -> dict[str, Any]:
    """Start, watch the keys, record, undo, stop."""
    face = _begin(clip, python)
    told: dict[str, Any] = {"error": performance().error_message}
    began = time.monotonic()
    until(lambda: state.live and state.live.stage == "run" and state.live.found, 90)
    told["started"] = time.monotonic() - began
    told["channels"] = sorted(row.name for row in performance().channels)
    seen: list[list[float]] = []
    ticks: list[float] = []
    ends = time.monotonic() + 1.5
    bpy.ops.semblance.live_record("EXEC_DEFAULT", True)
    while time.monotonic() < ends:
        before = time.perf_counter()
        pause = timer.tick()
        ticks.append(time.perf_counter() - before)
        seen.append(_values(face))
        time.sleep(pause)
    told["moved"] = np.ptp(np.array(seen), axis=0).tolist()
    told["smile"] = float(np.array(seen)[:, 1:3].mean())
    told["pause"] = pause
    told["tick"] = float(np.median(ticks))
    told["fps"] = state.live.fps if state.live else 0.0
    told["recorded"] = live.recording()
    # a key that is muted stays; a gain counts at once
    performance().channels["jawOpen"].mute = True
    face.data.shape_keys.key_blocks["jawOpen"].value = 0.125
    performance().gain = 0.0
    until(lambda: max(_values(face)[1:]) == 0.0, 10)
    told["muted"] = _values(face)[0]
    performance().gain = 1.0
    performance().channels["jawOpen"].mute = False
    bpy.ops.semblance.live_record_stop("EXEC_DEFAULT", True)
    until(lambda: not live.recordings, 10)
    written = curves(face.data.shape_keys)
    told["curves"] = sorted(written)
    told["keys"] = len(next(iter(written.values()), []))
    told["still live"] = live.is_live(performance().uid)
    bpy.ops.ed.undo()
    face = bpy.data.objects["face"]
    told["undone"] = [curves(face.data.shape_keys), [row.name for row in performance().meshes]]
    until(lambda: max(_values(bpy.data.objects["face"])[1:]) > 0.0, 10)  # and it goes on
    told["rest"] = list(bpy.ops.semblance.live_rest("EXEC_DEFAULT", True))
    until(_smile_is_rest, 10)
    pid = json.loads((server_folder() / "live.json").read_text())["pid"]
    bpy.ops.semblance.live_stop("EXEC_DEFAULT", True)
    told["stopped"] = [_values(bpy.data.objects["face"])[1:], state.live is None]
    told["ended"] = _ends(pid, 10)
    told["note"] = (server_folder() / "live.json").exists()
    blender_addon.unregister()
    return told


def _smile_is_rest() -> bool:
    """Whether the keys show less of a smile than the performer's face of the same moment."""
    assert live._live and live._live.newest
    newest = live._live.newest
    raw = newest.coefficients[newest.names.index("mouthSmileLeft")]
    return bool(_values(bpy.data.objects["face"])[1] < 0.6 * raw)


def _ends(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def killed(clip: str, python: str) -> dict[str, Any]:
    """The process is killed while it is recorded; later a file is opened while something is live."""
    _begin(clip, python)
    until(lambda: state.live and state.live.stage == "run" and state.live.found, 90)
    bpy.ops.semblance.live_record("EXEC_DEFAULT", True)
    until(lambda: (live.recording() or 0) > 0.3, 20)
    os.kill(json.loads((server_folder() / "live.json").read_text())["pid"], signal.SIGKILL)
    began = time.monotonic()
    until(lambda: performance().error_code, 20)
    told: dict[str, Any] = {"noticed": time.monotonic() - began, "code": performance().error_code}
    told["put back"] = _values(bpy.data.objects["face"])[0]
    until(lambda: not live.recordings, 10)
    told["kept"] = sorted(curves(bpy.data.objects["face"].data.shape_keys))
    bpy.ops.semblance.live_start("EXEC_DEFAULT", True)
    told["again"] = performance().error_message
    until(lambda: state.live and state.live.stage != "start", 90)
    pid = json.loads((server_folder() / "live.json").read_text())["pid"]
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    told["other file"] = [state.live is None, _ends(pid, 15), timer.tick() <= timer.IDLE]
    blender_addon.unregister()
    return told


def wrong(python: str) -> dict[str, Any]:
    """What cannot be tracked, and what lacks."""
    start_addon(python)
    bpy.ops.semblance.live_start("EXEC_DEFAULT", True)
    told: dict[str, Any] = {"no target": performance().error_message}
    select(keyed_mesh("face", KEYS))
    bpy.ops.semblance.take_target("EXEC_DEFAULT", True)
    performance().live_source = "FILE"
    bpy.ops.semblance.live_start("EXEC_DEFAULT", True)
    told["no clip"] = performance().error_message
    performance().live_source, performance().live_camera = "CAMERA", 63
    bpy.ops.semblance.live_start("EXEC_DEFAULT", True)
    until(lambda: performance().error_code, 60)
    told["camera"] = [performance().error_code, performance().error_message, state.live is None]
    performance().live_source = "RUNNING"
    bpy.ops.semblance.live_start("EXEC_DEFAULT", True)
    until(lambda: performance().error_code, 10)
    told["nothing runs"] = performance().error_code
    blender_addon.unregister()
    return told


def put_back() -> dict[str, Any]:
    """One moment on a rig of bones and on objects, in every rotation mode, and what it was before."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    turn = np.array(Euler((0.1, 0.2, 0.3)).to_matrix())
    moment = Animation(
        name="Live",
        fps=0.0,
        error=0.0,
        curves=(KeyCurve("face", 'a."b', np.zeros(1), np.array([1.5])),),
        times=np.zeros(1),
        head_rotation=turn[None],
        head_translation=np.array([[0.1, 0.2, 0.3]]),
        gaze=np.full((1, 2, 2), 0.1),
    )
    told: dict[str, Any] = {}
    for mode in ("QUATERNION", "XYZ", "AXIS_ANGLE"):
        face, armature = keyed_mesh("face", ['a."b']), retargeting.armature()
        for bone in armature.pose.bones:
            bone.rotation_mode = mode
        sink = DirectSink()
        targets = Targets({"face": face}, armature, "head", "neck", eye_bones=("eye.L", "eye.R"), place=True)
        before = _pose(armature, face)
        show_moment(moment, targets, bpy.context.scene, sink, face_in_front(moment, targets))
        after = _pose(armature, face)
        show_moment(moment, targets, bpy.context.scene, sink, face_in_front(moment, targets))
        again = _pose(armature, face)
        bpy.context.view_layer.update()
        head = armature.pose.bones["head"]
        turned = (head.matrix @ head.bone.matrix_local.inverted()).to_quaternion().angle
        sink.put_back()
        told[mode] = {
            "changed": sum(a != b for a, b in zip(before, after)),  # noqa: B905 (as many)
            "same": after == again,
            "back": _pose(armature, face) == before,
            "turned": turned,
            "key": after[-1],
            "actions": len(bpy.data.actions),
        }
    told["angle"] = Euler((0.1, 0.2, 0.3)).to_quaternion().angle
    box = bpy.data.objects.new("box", None)
    bpy.context.scene.collection.objects.link(box)
    sink = DirectSink()
    targets = Targets(head=box, place=True)
    show_moment(moment, targets, bpy.context.scene, sink, face_in_front(moment, targets))
    moved = [*box.delta_rotation_euler, *box.delta_location]
    sink.put_back()
    told["box"] = [moved, [*box.delta_rotation_euler, *box.delta_location]]
    return told


def _pose(armature: Any, face: Any) -> list[float]:
    numbers: list[float] = []
    for bone in armature.pose.bones:
        numbers += [
            *bone.rotation_quaternion,
            *bone.rotation_euler,
            *bone.rotation_axis_angle,
            *bone.location,
        ]
    return [*numbers, face.data.shape_keys.key_blocks['a."b'].value]
