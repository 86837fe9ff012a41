# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's bones: neck, head, jaw, eye.L and eye.R.

Names end in ``.L`` and ``.R`` where a joint has a side, which is what Blender's mirrored posing looks for.
Every bone's X axis points to the person's left, so that a positive X rotation always means down: the head
nods, the jaw opens, the eyes look down.
"""

from __future__ import annotations

import bpy
import numpy as np

from ..rig_file import RigFile

_CHIN = 152  # MediaPipe's landmark at the tip of the chin
_SHORTEST = 0.005  # metres; Blender drops bones without length
_FALLBACK = {"jaw": (0.0, -0.06, -0.05), "eye": (0.0, -0.03, 0.0)}  # offsets from a joint to its tail


def bone_name(joint_name: str) -> str:
    """The bone of a joint: ``eye_left`` becomes ``eye.L``."""
    for ending, side in (("_left", ".L"), ("_right", ".R")):
        if joint_name.endswith(ending):
            return joint_name[: -len(ending)] + side
    return joint_name


def build_armature(rig: RigFile, name: str) -> bpy.types.Object:
    """An armature object with the rig's joints, in no collection yet."""
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    owner = bpy.data.objects.new(name, armature)
    owner.show_in_front = True
    set_bones(rig, owner)
    return owner


def set_bones(rig: RigFile, owner: bpy.types.Object) -> None:
    """Give an armature the rig's joints; bones that are there already are moved, others go."""
    # Bones can only be made in edit mode. A scene of its own keeps the user's mode and selection as they are.
    mode = owner.mode
    scene = bpy.data.scenes.new("Semblance bones")
    try:
        scene.collection.objects.link(owner)
        layer = scene.view_layers[0]
        layer.objects.active = owner
        with bpy.context.temp_override(scene=scene, view_layer=layer, object=owner, active_object=owner):
            bpy.ops.object.mode_set(mode="EDIT")
            _set_bones(rig, owner.data)
            bpy.ops.object.mode_set(mode="POSE" if mode == "POSE" else "OBJECT")
    finally:
        bpy.data.scenes.remove(scene)


def _set_bones(rig: RigFile, armature: bpy.types.Armature) -> None:
    bones: list[bpy.types.EditBone] = []
    for index, joint in enumerate(rig.joint_names):
        name = bone_name(joint)
        bone = armature.edit_bones.get(name) or armature.edit_bones.new(name)
        bone.head = rig.joints[index]
        bone.tail = _tail(rig, index)
        along = np.array(bone.tail - bone.head)
        bone.align_roll(np.cross((1.0, 0.0, 0.0), along))
        parent = rig.joint_parents[index]
        bone.parent = bones[parent] if parent >= 0 else None
        bones.append(bone)
    for bone in set(armature.edit_bones) - set(bones):
        armature.edit_bones.remove(bone)


def _tail(rig: RigFile, index: int) -> np.ndarray:
    """Where a joint's bone ends: the neck at the head, the head at the crown, the jaw at the chin."""
    joint, name = rig.joints[index], rig.joint_names[index]
    if name == "jaw":
        tail = np.array([joint[0], *rig.landmarks[_CHIN][1:]])
    elif name.startswith("eye"):
        tail = joint + np.array([0.0, -2 * _eye_radius(rig, index), 0.0])
    elif index in rig.joint_parents and name != "head":
        tail = rig.joints[rig.joint_parents.index(index)]
    else:
        tail = np.array([joint[0], joint[1], rig.neutral[:, 2].max()])
    if np.linalg.norm(tail - joint) < _SHORTEST:
        tail = joint + np.array(_FALLBACK.get(name.split("_")[0], (0.0, 0.0, 0.08)))
    return tail


def _eye_radius(rig: RigFile, index: int) -> float:
    """Distance from the joint to the vertices that follow it."""
    ball = rig.skin_weights[:, index] > 0.99
    if not ball.any():
        return 0.0
    return float(np.median(np.linalg.norm(rig.neutral[ball] - rig.joints[index], axis=1)))
