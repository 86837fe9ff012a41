# SPDX-License-Identifier: GPL-3.0-or-later
"""Head and eye movements on objects and bones of any rest orientation.

Semblance's axes (+X the person's left, +Y up, +Z out of the face) are laid onto an armature by what its bones
show: characters made in Blender stand along Z and face -Y, imported ones often stand along Y and face Z.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

from .sink import Sink

Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # Semblance's axes to Blender's
_Y_UP = np.eye(3)


def armature_axes(armature: bpy.types.Object, head: str) -> np.ndarray:
    """Rotation (3, 3) from Semblance's axes to an armature's space, from the way its head bone rises."""
    bone = armature.data.bones[head]
    root = bone
    while root.parent:
        root = root.parent
    rise = np.array(bone.tail_local - root.head_local)
    return Z_UP if abs(rise[2]) >= abs(rise[1]) else _Y_UP


def object_axes(owner: bpy.types.Object) -> np.ndarray:
    """Rotation (3, 3) from Semblance's axes to an object's own, from which of them stands upright."""
    upright = np.array(owner.matrix_world.to_3x3().normalized())[2]  # of each own axis, along the world's Z
    return Z_UP if abs(upright[2]) >= abs(upright[1]) else _Y_UP


def turns_in(rotation: np.ndarray, axes: np.ndarray) -> list[Quaternion]:
    """Rotations (F, 3, 3) in Semblance's axes as quaternions in another space."""
    return [Matrix((axes @ turn @ axes.T).tolist()).to_quaternion() for turn in rotation]


def gaze_rotation(gaze: np.ndarray) -> np.ndarray:
    """Rotations (F, 3, 3) of an eye away from straight ahead, of yaw and pitch (F, 2)."""
    (sy, sp), (cy, cp) = np.sin(gaze).T, np.cos(gaze).T
    zero = np.zeros_like(sy)
    rows = [[cy, sy * sp, sy * cp], [zero, cp, -sp], [-sy, cy * sp, cy * cp]]
    result: np.ndarray = np.moveaxis(np.array(rows), 2, 0)
    return result


def write_bone_turns(
    take: Sink, armature: bpy.types.Object, bone: str, turns: list[Quaternion], frames: np.ndarray
) -> None:
    """Turn a bone away from rest by rotations about the armature's axes; parents add theirs.

    Raises:
        KeyError: the armature has no such bone.
    """
    posed = armature.pose.bones[bone]
    rest = posed.bone.matrix_local.to_quaternion()
    local = [rest.conjugated() @ turn @ rest for turn in turns]
    path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"].'
    _write_turns(take, armature, path, posed.rotation_mode, local, frames, bone)


def write_bone_places(
    take: Sink, armature: bpy.types.Object, bone: str, places: np.ndarray, frames: np.ndarray
) -> None:
    """Move a bone away from rest by ways (F, 3) along the armature's axes, in the armature's units."""
    posed = armature.pose.bones[bone]
    rest = np.array(posed.bone.matrix_local.to_3x3())
    path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"].location'
    _write_vector(take, armature, path, places @ rest, frames, bone)


def write_split(
    take: Sink,
    armature: bpy.types.Object,
    neck: str,
    head: str,
    turns: list[Quaternion],
    share: float,
    frames: np.ndarray,
) -> None:
    """Turn neck and head so that the head turns by ``turns`` in all and the neck by ``share`` of each."""
    neck_turns = [Quaternion().slerp(turn, share) for turn in turns]
    rest_of = [first.conjugated() @ turn for first, turn in zip(neck_turns, turns)]  # noqa: B905 (by nature)
    write_bone_turns(take, armature, neck, neck_turns, frames)
    write_bone_turns(take, armature, head, rest_of, frames)


def write_object_turns(take: Sink, owner: bpy.types.Object, rotation: np.ndarray, frames: np.ndarray) -> None:
    """Turn an object by (F, 3, 3) in Semblance's axes, on top of how the user turned it."""
    now = _own_turn(owner)
    about = [now @ turn @ now.conjugated() for turn in turns_in(rotation, object_axes(owner))]
    _write_turns(take, owner, "delta_", owner.rotation_mode, about, frames, "")


def write_object_places(take: Sink, owner: bpy.types.Object, places: np.ndarray, frames: np.ndarray) -> None:
    """Move an object by ways (F, 3) in Semblance's axes, metres, on top of where the user put it."""
    turn = np.array(_own_turn(owner).to_matrix())
    scale = sum(owner.parent.matrix_world.to_scale()) / 3 if owner.parent else 1.0
    ways = places @ object_axes(owner).T @ turn.T / scale
    _write_vector(take, owner, "delta_location", ways, frames, "")


def _own_turn(owner: bpy.types.Object) -> Quaternion:
    """An object's rotation without its delta."""
    if owner.rotation_mode == "QUATERNION":
        return owner.rotation_quaternion.normalized()
    return owner.rotation_euler.to_quaternion()


def _write_turns(
    take: Sink,
    owner: bpy.types.Object,
    path: str,
    mode: str,
    turns: list[Quaternion],
    frames: np.ndarray,
    group: str,
) -> None:
    """Rotations in the owner's own mode, without jumps between ways to write the same turn."""
    if mode == "QUATERNION":
        values = np.array(turns)
        flips = np.cumprod(np.concatenate([[1.0], np.sign((values[1:] * values[:-1]).sum(1)) + 0.0]))
        values = values * np.where(flips == 0, 1.0, flips)[:, None]
        _write_vector(take, owner, path + "rotation_quaternion", values, frames, group)
    elif mode == "AXIS_ANGLE":
        pairs = [turn.to_axis_angle() for turn in turns]
        values = np.array([[angle, *axis] for axis, angle in pairs])
        _write_vector(take, owner, path + "rotation_axis_angle", values, frames, group)
    else:
        eulers: list[Any] = []
        for turn in turns:
            eulers.append(turn.to_euler(mode, eulers[-1]) if eulers else turn.to_euler(mode))
        _write_vector(take, owner, path + "rotation_euler", np.array(eulers), frames, group)


def _write_vector(
    take: Sink, owner: bpy.types.ID, path: str, values: np.ndarray, frames: np.ndarray, group: str
) -> None:
    for index, column in enumerate(values.T):
        take.write(owner, path, frames, column, index, group)
