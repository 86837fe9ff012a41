"""What the tests of performances do inside Blender; results are plain values."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from blender_addon.retarget.animation_file import Animation, AnimationUnreadable, KeyCurve, read_animation
from blender_addon.retarget.operator import CLASSES
from blender_addon.retarget.take import Placement, Targets, WrongTarget, apply_animation
from tests.blender_addon.scenery import keyed_mesh

Y_UP = Matrix.Rotation(math.radians(-90), 4, "X")  # from Blender's axes to those of imported characters


def _empty_scene(fps: str = "24") -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = int(fps)
    return scene


def armature(y_up: bool = False, roll: float = 0.7, turned: float = 0.0) -> bpy.types.Object:
    """Neck, head (both leaning and rolled, so that no axis is simple) and eyes."""
    data = bpy.data.armatures.new("Rig")
    owner = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(owner)
    bpy.context.view_layer.objects.active = owner
    bpy.ops.object.mode_set(mode="EDIT")
    turn = (Y_UP if y_up else Matrix.Identity(4)) @ Matrix.Rotation(turned, 4, "Z")
    places = {
        "root": ((0, 0, 0), (0, 0, 1), None),
        "neck": ((0, 0.02, 1.4), (0, 0.01, 1.5), "root"),
        "head": ((0, 0.01, 1.5), (0, -0.02, 1.7), "neck"),
        "eye.L": ((0.03, -0.08, 1.6), (0.035, -0.12, 1.61), "head"),
        "eye.R": ((-0.03, -0.08, 1.6), (-0.035, -0.12, 1.61), "head"),
    }
    for name, (head, tail, parent) in places.items():
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = turn @ Vector(head), turn @ Vector(tail)
        bone.roll = roll
        bone.parent = data.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    if y_up:
        owner.matrix_world = Y_UP.inverted()
    bpy.context.view_layer.update()
    return owner


def _curves(owner: bpy.types.ID) -> Any:
    data = owner.animation_data
    if not hasattr(bpy.types, "ActionSlot"):
        return data.action.fcurves
    return data.action.layers[0].strips[0].channelbag(data.action_slot).fcurves


def _told(owner: bpy.types.ID) -> dict[str, Any]:
    """Curves as path → keys."""
    return {
        f"{curve.data_path} {curve.array_index}": {
            "keys": [list(point.co) for point in curve.keyframe_points],
            "kinds": sorted({point.interpolation for point in curve.keyframe_points}),
        }
        for curve in _curves(owner)
    }


def shapes(path: str, fps: str, start: str, strip: str) -> dict[str, Any]:
    """Write an animation onto a head and teeth that have some of its keys; values as the scene plays them."""
    scene = _empty_scene(fps)
    head, teeth = keyed_mesh("head", ["jawOpen", "mouthSmileLeft", "extra"]), keyed_mesh("teeth", ["jawOpen"])
    animation = read_animation(path)
    placement = Placement(start=float(start), strip=strip == "yes")
    targets = Targets(meshes={"head": head, "teeth": teeth})
    actions = apply_animation(animation, targets, scene, placement)
    keys = head.data.shape_keys
    told = {} if strip == "yes" else {"head": _told(keys), "teeth": _told(teeth.data.shape_keys)}
    played = []
    for frame in range(1, 61):
        scene.frame_set(frame)
        played.append([keys.key_blocks["jawOpen"].value, teeth.data.shape_keys.key_blocks["jawOpen"].value])
    return {
        **told,
        "actions": [action.name for action in actions],
        "slots": hasattr(bpy.types, "ActionSlot"),
        "played": played,
        "strips": [
            [strip_.frame_start, strip_.frame_end, strip_.extrapolation]
            for track in keys.animation_data.nla_tracks
            for strip_ in track.strips
        ],
        "range": [keys.key_blocks["jawOpen"].slider_min, keys.key_blocks["jawOpen"].slider_max],
    }


def twice(path: str, other: str) -> dict[str, Any]:
    """A user's own keys, then a take among them; then another take in a new action."""
    scene = _empty_scene("25")
    head = keyed_mesh("head", ["jawOpen"])
    key = head.data.shape_keys.key_blocks["jawOpen"]
    for frame, value in ((-20, 0.25), (5, 0.9), (6, 0.8), (100, 0.5)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    before = [(p.co[0], p.co[1], p.interpolation) for p in _curves(key.id_data)[0].keyframe_points]
    mine = key.id_data.animation_data.action
    targets = Targets(meshes={"head": head})
    apply_animation(read_animation(path), targets, scene, Placement(start=1, keep=True))
    points = _curves(key.id_data)[0].keyframe_points
    after = [(p.co[0], p.co[1], p.interpolation) for p in points]
    same = key.id_data.animation_data.action == mine
    frames = [point.co[0] for point in points]
    apply_animation(read_animation(other), targets, scene, Placement(start=1))
    return {
        "same action": same,
        "frames": frames,
        "outside kept": before[0] == after[0] and before[-1] == after[-1],
        "new action": key.id_data.animation_data.action != mine,
        "old kept": mine.use_fake_user and mine.name in bpy.data.actions,
        "curves": len(_curves(key.id_data)),
        "second frames": [point.co[0] for point in _curves(key.id_data)[0].keyframe_points],
    }


def head_pose(path: str, how: str, mode: str, arrays_path: str) -> None:
    """Turn a head as an object or by bones; what the head and eyes then do in the world, frame by frame."""
    scene = _empty_scene("25")
    animation = read_animation(path)
    y_up = how.endswith("imported")
    if how.startswith("object"):
        owner, eyes = bpy.data.objects.new("Head", None), [bpy.data.objects.new(n, None) for n in "LR"]
        for item in (owner, *eyes):
            scene.collection.objects.link(item)
            item.rotation_mode = mode
        for item in eyes:
            item.parent = owner
        if y_up:  # as importers leave it: an upright parent in centimetres, everything else below in its axes
            holder = bpy.data.objects.new("Holder", None)
            scene.collection.objects.link(holder)
            holder.matrix_world = Y_UP.inverted() @ Matrix.Scale(0.01, 4)
            owner.parent = holder
            owner.location = Y_UP @ Vector((100, 200, 300))
        else:
            owner.location = (1, 2, 3)
        targets = Targets(head=owner, eyes=tuple(eyes), place=True)
        names = []
    else:
        owner = armature(y_up)
        for bone in owner.pose.bones:
            bone.rotation_mode = mode
        names = ["neck", "head", "eye.L", "eye.R"]
        neck = "neck" if how.startswith("split") else ""
        bones = ("eye.L", "eye.R")
        targets = Targets(head=owner, head_bone="head", neck_bone=neck, eye_bones=bones, place=how == "place")
    bpy.context.view_layer.update()
    rest = {name: owner.matrix_world @ owner.data.bones[name].matrix_local for name in names}
    if not names:
        rest = {item.name: item.matrix_world.copy() for item in (owner, *owner.children)}
    # Twice, so that a second take does not build on the first.
    for _ in range(2):
        apply_animation(animation, targets, scene, Placement(start=1))
    turns: dict[str, list[Any]] = {name: [] for name in rest}
    for frame in range(1, len(animation.times) + 1):
        scene.frame_set(frame)
        for name, before in rest.items():
            shown = bpy.data.objects.get(name)
            now = shown.matrix_world if shown else owner.matrix_world @ owner.pose.bones[name].matrix
            turns[name].append([list(row) for row in (now @ before.inverted())])
    np.savez(arrays_path, **{name: np.array(value) for name, value in turns.items()})


def _nod_and_turn() -> Animation:
    """Rest, a nod, and a turn to the left, each by 20 degrees; the eyes look as far."""
    nod, turn = (np.array(Matrix.Rotation(math.radians(20), 3, axis)) for axis in "XY")
    times = np.arange(3.0) / 25
    gaze = np.zeros((3, 2, 2))
    gaze[1, :, 1] = gaze[2, :, 0] = math.radians(20)
    jaw = KeyCurve("face", "jawOpen", times, np.zeros(3))
    rotations = np.stack([np.eye(3), nod, turn])
    return Animation(
        name="Test",
        fps=25.0,
        error=0.0,
        curves=(jaw,),
        times=times,
        head_rotation=rotations,
        head_translation=np.zeros((3, 3)),
        gaze=gaze,
    )


def looks(how: str, turned: str) -> dict[str, list[float]]:
    """Where a character that was built turned about Z looks after a nod and after a turn to its left."""
    scene = _empty_scene("25")
    built = Matrix.Rotation(math.radians(float(turned)), 4, "Z")
    owner = bpy.data.objects.new("Head", None)
    scene.collection.objects.link(owner)
    eyes = [bpy.data.objects.new(name, None) for name in ("L", "R")]
    if "bone" in how:
        owner = armature(turned=math.radians(float(turned)))
        targets = Targets(head=owner, head_bone="head")
    else:
        owner.location = (1, 2, 3)
        targets = Targets(head=owner)
    if how == "eye bones":
        targets = replace(targets, eye_bones=("eye.L", "eye.R"))
    elif how == "eye objects":
        for item, side in zip(eyes, (0.03, -0.03)):  # noqa: B905 (two of each)
            scene.collection.objects.link(item)
            item.parent, item.location = owner, built @ Vector((side, -0.08, 0.1))
        targets = replace(targets, eyes=tuple(eyes))
    else:
        mesh = keyed_mesh("face", ["jawOpen"])
        mesh.parent = owner
        height = 1.6 if "bone" in how else 0.1
        key = mesh.data.shape_keys.key_blocks["jawOpen"]
        for index, place in enumerate(((0.03, -0.09, 0), (-0.03, -0.09, 0), (0, 0.4, 0))):
            at = built @ Vector(place) + Vector((0, 0, height))
            mesh.data.shape_keys.reference_key.data[index].co = at
            key.data[index].co = at - Vector((0, 0, 0.02 if index < 2 else 0))  # the nape stays
        targets = replace(targets, meshes={"face": mesh})
    bpy.context.view_layer.update()
    animation = _nod_and_turn()
    shown: dict[str, list[float]] = {}
    front = built.to_3x3() @ Vector((0, -1, 0))
    # Once more with the head turned: what is in front must not be asked of the pose.
    for _ in range(2):
        apply_animation(animation, targets, scene, Placement(start=1))
        for frame, name in ((2, "nod"), (3, "turn")):
            scene.frame_set(frame)
            if "bone" in how:
                bone = owner.pose.bones["head"]
                moved = (bone.matrix @ bone.bone.matrix_local.inverted()).to_3x3()
            else:
                moved = owner.matrix_world.to_3x3()
            shown[name] = list(built.to_3x3().inverted() @ moved @ front)
            if targets.eyes:  # on top of the head
                by_eye = moved.inverted() @ eyes[0].matrix_world.to_3x3()
                shown[f"eye {name}"] = list(built.to_3x3().inverted() @ by_eye @ front)
    return shown


def fewer(path: str, how: str, mode: str) -> dict[str, list[float]]:
    """Curves of head and eyes with all keys and under the file's bound: furthest apart, keys of both."""
    animation = read_animation(path)
    told: list[dict[str, tuple[list[float], int]]] = []
    for error in (-1.0, animation.error):  # no line is within less than nothing
        scene = _empty_scene("24")
        if how == "object":
            owner = bpy.data.objects.new("Head", None)
            scene.collection.objects.link(owner)
            targets = Targets(head=owner, place=True)
            owner.rotation_mode = mode
            animated = [owner]
        else:
            owner = armature()
            for bone in owner.pose.bones:
                bone.rotation_mode = mode
            target = bpy.data.objects.new("Aim", None)
            scene.collection.objects.link(target)
            targets = Targets(head=owner, head_bone="head", eye_bones=("eye.L", "eye.R"), place=True)
            targets = replace(targets, aim=target if how == "aim" else None)
            animated = [owner, target] if how == "aim" else [owner]
        apply_animation(replace(animation, error=error), targets, scene)
        curves = {
            f"{item.name} {curve.data_path} {curve.array_index}": curve
            for item in animated
            for curve in _curves(item)
        }
        # Every frame that the scene plays within the take, and those between.
        told.append(
            {
                name: (
                    [curve.evaluate(1 + part / 4) for part in range(4 * 38)],
                    len(curve.keyframe_points),
                )
                for name, curve in curves.items()
            }
        )
    full, less = told
    return {
        name: [float(np.abs(np.subtract(full[name][0], less[name][0])).max()), full[name][1], less[name][1]]
        for name in full
    }


def aim(path: str, parented: str, arrays_path: str) -> None:
    """Where the aim target is in the world, and what the eyes' middle does."""
    scene = _empty_scene("25")
    animation = read_animation(path)
    owner = armature()
    owner.location = (0.5, 0, 0)
    target = bpy.data.objects.new("Aim", None)
    scene.collection.objects.link(target)
    if parented == "head":
        target.parent, target.parent_type, target.parent_bone = owner, "BONE", "head"
    elif parented == "rig":
        target.parent = owner
    bpy.context.view_layer.update()
    targets = Targets(
        head=owner, head_bone="head", neck_bone="neck", eye_bones=("eye.L", "eye.R"), aim=target
    )
    apply_animation(animation, targets, scene, Placement(start=1))
    bones = owner.data.bones
    middle = (bones["eye.L"].head_local + bones["eye.R"].head_local) / 2
    inside = bones["head"].matrix_local.inverted() @ middle
    places, origins = [], []
    for frame in range(1, len(animation.times) + 1):
        scene.frame_set(frame)
        places.append(list(target.matrix_world.translation))
        origins.append(list(owner.matrix_world @ owner.pose.bones["head"].matrix @ inside))
    np.savez(arrays_path, places=places, origins=origins)


def wrong(path: str) -> list[str]:
    """What users are told about targets that do not fit; and that nothing was changed."""
    scene = _empty_scene()
    plain = bpy.data.objects.new("plain", bpy.data.meshes.new("plain"))
    rig = armature()
    animation = read_animation(path)
    told = []
    for targets in (
        Targets(meshes={"head": plain}),
        Targets(head_bone="head"),
        Targets(head=plain, head_bone="head"),
        Targets(head=rig, head_bone="Kopf"),
        Targets(head=rig, neck_bone="neck"),
        Targets(head=rig, head_bone="head", aim=plain),
    ):
        try:
            apply_animation(animation, targets, scene)
        except WrongTarget as error:
            told.append(str(error))
    told.append(f"{len(bpy.data.actions)} actions")
    return told


def unreadable(*paths: str) -> list[str]:
    told = []
    for path in paths:
        try:
            read_animation(path)
        except AnimationUnreadable as error:
            told.append(str(error))
    return told


def wrinkles(path: str, keep: str) -> dict[str, Any]:
    """Custom properties of the face: in the same action as its keys, with limits; once more into it."""
    scene = _empty_scene("25")
    teeth, head = keyed_mesh("teeth", ["jawOpen"]), keyed_mesh("head", ["jawOpen", "mouthSmileLeft"])
    targets = Targets(meshes={"teeth": teeth, "head": head})
    animation = read_animation(path)
    actions = apply_animation(animation, targets, scene)
    curves = len(_curves(head))
    apply_animation(animation, targets, scene, Placement(keep=keep == "yes"))
    name = "wrinkle_smile_left"
    shown = head.id_properties_ui(name).as_dict()
    played = []
    for frame in range(1, 41):
        scene.frame_set(frame)
        played.append(head[name])
    return {
        "actions": len(actions),
        "same action": head.animation_data.action == head.data.shape_keys.animation_data.action,
        "slots": hasattr(bpy.types, "ActionSlot"),
        "curves": [curves, len(_curves(head))],
        "elsewhere": [key for key in teeth.keys() if key.startswith("wrinkle_")],  # noqa: SIM118 - no iterator
        "limits": [shown[key] for key in ("min", "max", "soft_min", "soft_max")],
        "text": shown["description"],
        "played": played,
    }


def operator(path: str) -> dict[str, Any]:
    """Apply through the operator, then undo once."""
    _empty_scene("25")
    keyed_mesh("head", ["jawOpen", "mouthSmileLeft"])
    rig = armature()
    rig.name = "Rig"
    for kind in CLASSES:
        bpy.utils.register_class(kind)
    bpy.ops.ed.undo_push(message="before")
    ended = bpy.ops.semblance.apply_animation(
        "EXEC_DEFAULT", True, filepath=path, meshes="head", head="Rig", head_bone="head"
    )
    applied = len(bpy.data.actions)
    bpy.ops.ed.undo()
    return {"ended": sorted(ended), "applied": applied, "after undo": len(bpy.data.actions)}
