"""What the tests of the preview do inside Blender. Imports nothing that Blender lacks."""

from __future__ import annotations

import time
from typing import Any

import bpy
import numpy as np

import blender_addon
from blender_addon.build.head import Head
from blender_addon.client.preview_messages import HeadState
from blender_addon.heads import head_of
from blender_addon.preview.head_state import read_state
from blender_addon.rig_file import read_rig
from blender_addon.runtime import preview, timer
from blender_addon.runtime.state import state
from tests.blender_addon.scenery import start_addon, until

NAMES = ("jawOpen", "mouthSmileLeft", "noSuchKey", "browInnerUp")
AXES = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def _import(rig: str) -> Head:
    bpy.ops.semblance.import_rig("EXEC_DEFAULT", True, filepath=rig)
    return _head()


def _head() -> Head:
    head = next(head for item in bpy.data.objects if item.type == "MESH" and (head := head_of(item)))
    return head


def _now() -> HeadState:
    return read_state(_head(), NAMES, bpy.context.evaluated_depsgraph_get())


def _key(name: str) -> Any:
    return _head().mesh.data.shape_keys.key_blocks[name]


def evaluated(rig: str) -> dict[str, Any]:
    """Keys by hand, muted, keyed, driven and on NLA; bones posed, keyed, constrained and scaled."""
    start_addon()
    head = _import(rig)
    told: dict[str, Any] = {"rest": _told(_now())}
    _key("jawOpen").value = 0.5
    _key("browInnerUp").value, _key("browInnerUp").mute = 0.7, True
    told["by hand"] = _now().coefficients.tolist()
    _key("jawOpen").value = 0.25
    _key("jawOpen").keyframe_insert("value", frame=1)
    _key("jawOpen").value = 0.75
    _key("jawOpen").keyframe_insert("value", frame=11)
    smile = _key("mouthSmileLeft").driver_add("value").driver
    variable = smile.variables.new()
    variable.type = "SINGLE_PROP"
    variable.targets[0].id_type = "KEY"
    variable.targets[0].id = head.mesh.data.shape_keys
    variable.targets[0].data_path = 'key_blocks["jawOpen"].value'
    smile.expression = f"{variable.name} / 2"
    bpy.context.scene.frame_set(11)
    told["keyed"] = _now().coefficients.tolist()
    bpy.context.scene.frame_set(1)
    told["earlier"] = _now().coefficients.tolist()
    return told


def bones(rig: str) -> dict[str, Any]:
    """Where the state puts vertices of the head and an eye, and where Blender puts them."""
    start_addon()
    head = _import(rig)
    file = read_rig(rig)
    posed = head.armature.pose.bones
    for bone in posed:
        bone.rotation_mode = "XYZ"
    posed["neck"].rotation_euler = (0.1, 0.05, -0.2)
    posed["head"].rotation_euler = (-0.2, 0.3, 0.1)
    posed["head"].location = (0.01, 0.02, 0.005)
    posed["eye.L"].rotation_euler = (0.2, 0.0, 0.3)
    head.armature.location, head.armature.rotation_euler = (3, 2, 1), (0.4, 0.5, 0.6)  # counts for nothing
    depsgraph = bpy.context.evaluated_depsgraph_get()
    now = read_state(head, NAMES, depsgraph)
    shown = head.mesh.evaluated_get(depsgraph).to_mesh()
    places = np.array([vertex.co for vertex in shown.vertices]) @ AXES  # Semblance's axes
    rest = file.neutral @ AXES
    eye = file.joint_names.index("eye_left")
    skull, ball = (file.skin_weights[:, file.joint_names.index(name)] > 0.99 for name in ("head", "eye_left"))
    joint = file.joints[eye] @ AXES
    moved = rest @ now.rotation.T + now.translation
    rolled = joint + (rest[ball] - joint) @ now.eyes[0].T
    told = {
        "head": float(np.abs(moved[skull] - places[skull]).max()),
        "eye": float(np.abs(rolled @ now.rotation.T + now.translation - places[ball]).max()),
        "turned": float(np.abs(places[skull] - rest[skull]).max()),
        "right eye": float(np.abs(now.eyes[1] - np.eye(3)).max()),
    }
    posed["head"].scale = (2, 1, 1)
    scaled = _now().rotation
    told["scaled"] = float(np.abs(scaled @ scaled.T - np.eye(3)).max())
    posed["head"].scale = (1, 1, 1)
    look = posed["eye.R"].constraints.new("COPY_ROTATION")
    look.target, look.subtarget = head.armature, "eye.L"
    told["constrained"] = float(np.abs(_now().eyes[1] - _now().eyes[0]).max())
    return told


def follow(rig: str, python: str) -> dict[str, Any]:
    """Start, change a key by hand, play a keyed range twice, stop; with a real server."""
    start_addon(python)
    _import(rig)
    told: dict[str, Any] = {}
    bpy.context.scene.semblance.preview.size = "256"
    bpy.ops.semblance.preview_start("EXEC_DEFAULT", True, photo=0)
    until(lambda: state.preview_ended, 20)
    told["no server"] = state.preview_ended.code if state.preview_ended else ""
    bpy.ops.semblance.server_start("EXEC_DEFAULT", True)
    until(lambda: state.server and state.server.state == "ready", 60)
    bpy.ops.semblance.preview_start("EXEC_DEFAULT", True, photo=0)
    told["stage"] = state.preview.stage if state.preview else ""
    until(_settled, 150)
    rest = _pixels().astype(float)
    _key("jawOpen").value = 1.0
    bpy.context.view_layer.update()
    preview.tick()
    until(_settled, 60)
    told["changed"] = float(np.abs(_pixels() - rest).mean())
    _key("jawOpen").value = 0.0
    bpy.context.view_layer.update()
    preview.tick()
    told["from cache"] = _settled() and bool((_pixels() == rest).all())
    for frame, value in ((1, 0.0), (9, 1.0)):
        _key("mouthSmileLeft").value = value
        _key("mouthSmileLeft").keyframe_insert("value", frame=frame)
    for frame in range(1, 10):
        bpy.context.scene.frame_set(frame)
        preview.tick()
        until(_settled, 60)
    asked = _running().line._number
    ticks = []
    for frame in range(1, 10):
        bpy.context.scene.frame_set(frame)
        began = time.perf_counter()
        preview.tick()
        ticks.append(time.perf_counter() - began)
        assert _settled()
    told["asked again"] = _running().line._number - asked
    told["tick"] = float(np.median(ticks))
    line = _running().line
    bpy.ops.semblance.preview_stop("EXEC_DEFAULT", True)
    told["stopped"] = [state.preview is None, line.join(), preview.tick() is None]
    bpy.ops.semblance.preview_start("EXEC_DEFAULT", True, photo=0)
    until(_settled, 60)
    bpy.data.objects.remove(_head().mesh)
    until(lambda: state.preview is None, 5)
    bpy.ops.semblance.server_stop("EXEC_DEFAULT", True)
    until(lambda: state.server and state.server.state == "stopped", 20)
    told["timer"] = timer.tick() <= timer.IDLE
    blender_addon.unregister()
    return told


def _running() -> Any:
    assert preview._preview is not None, state.preview_ended
    return preview._preview


def _pixels() -> Any:
    """What is drawn, bytes."""
    return _running().overlay._square.pixels


def _settled() -> bool:
    now = _running()
    return bool(now.wanted != b"" and now.shown == now.wanted)


def _told(now: HeadState) -> list[Any]:
    still = np.abs(now.rotation - np.eye(3)).max() + np.abs(now.eyes - np.eye(3)).max()
    return [now.coefficients.tolist(), float(still), float(np.abs(now.translation).max())]
