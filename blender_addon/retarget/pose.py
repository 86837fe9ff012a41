# SPDX-License-Identifier: GPL-3.0-or-later
"""Head and eye movements on objects and bones of any rest orientation.

Semblance's axes (+X the person's left, +Y up, +Z out of the face) are laid onto an armature by what its bones
show: characters made in Blender stand along Z and face -Y, imported ones often stand along Y and face Z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

from .facing import Y_UP, Z_UP, Face, own_turn, turned_to
from .keys import reduced_keys
from .sink import Sink

HEAD_SIZE = 0.2  # metres, about a head's height


def armature_axes(armature: bpy.types.Object, head: str, face: Face | None) -> np.ndarray:
    """Rotation (3, 3) from Semblance's axes to an armature's space, from the way its head bone rises.

    Args:
        face: what lies in front of the head bone, in the armature's space; -Y or Z is in front without it.
    """
    bone = armature.data.bones[head]
    root = bone
    while root.parent:
        root = root.parent
    rise = np.array(bone.tail_local - root.head_local)
    usual = Z_UP if abs(rise[2]) >= abs(rise[1]) else Y_UP
    turned = None if face is None else turned_to(usual, face, np.array(bone.head_local))
    return usual if turned is None else turned


def object_axes(owner: bpy.types.Object) -> np.ndarray:
    """Rotation (3, 3) from Semblance's axes to an object's own, from which of them stands upright."""
    upright = np.array(owner.matrix_world.to_3x3().normalized())[2]  # of each own axis, along the world's Z
    return Z_UP if abs(upright[2]) >= abs(upright[1]) else Y_UP


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


@dataclass(frozen=True, eq=False)
class Samples:
    """When samples are, in the scene's frames, and how far curves with fewer keys may be off them.

    Attributes:
        error: radians of turns, and parts of a head's size (0.2 m) of ways.
    """

    frames: np.ndarray
    error: float


def write_bone_turns(
    take: Sink, armature: bpy.types.Object, bone: str, turns: list[Quaternion], samples: Samples
) -> None:
    """Turn a bone away from rest by rotations about the armature's axes; parents add theirs.

    Raises:
        KeyError: the armature has no such bone.
    """
    posed = armature.pose.bones[bone]
    rest = posed.bone.matrix_local.to_quaternion()
    local = [rest.conjugated() @ turn @ rest for turn in turns]
    path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"].'
    _write_turns(take, armature, path, posed.rotation_mode, local, samples, bone)


def write_bone_places(
    take: Sink, armature: bpy.types.Object, bone: str, places: np.ndarray, samples: Samples
) -> None:
    """Move a bone away from rest by ways (F, 3), metres, along the armature's axes."""
    scale = sum(armature.matrix_world.to_scale()) / 3
    posed = armature.pose.bones[bone]
    rest = np.array(posed.bone.matrix_local.to_3x3())
    path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"].location'
    bound = samples.error * HEAD_SIZE / scale
    write_vector(take, armature, path, places @ rest / scale, samples.frames, bound, bone)


def write_split(
    take: Sink,
    armature: bpy.types.Object,
    neck: str,
    head: str,
    turns: list[Quaternion],
    share: float,
    samples: Samples,
) -> None:
    """Turn neck and head so that the head turns by ``turns`` in all and the neck by ``share`` of each."""
    neck_turns = [Quaternion().slerp(turn, share) for turn in turns]
    rest_of = [first.conjugated() @ turn for first, turn in zip(neck_turns, turns)]  # noqa: B905 (by nature)
    write_bone_turns(take, armature, neck, neck_turns, samples)
    write_bone_turns(take, armature, head, rest_of, samples)


def write_object_turns(
    take: Sink, owner: bpy.types.Object, rotation: np.ndarray, axes: np.ndarray, samples: Samples
) -> None:
    """Turn an object by (F, 3, 3) in Semblance's axes, on top of how the user turned it."""
    now = own_turn(owner)
    about = [now @ turn @ now.conjugated() for turn in turns_in(rotation, axes)]
    _write_turns(take, owner, "delta_", owner.rotation_mode, about, samples, "")


def write_object_places(
    take: Sink, owner: bpy.types.Object, places: np.ndarray, axes: np.ndarray, samples: Samples
) -> None:
    """Move an object by ways (F, 3) in Semblance's axes, metres, on top of where the user put it."""
    turn = np.array(own_turn(owner).to_matrix())
    scale = sum(owner.parent.matrix_world.to_scale()) / 3 if owner.parent else 1.0
    ways = places @ axes.T @ turn.T / scale
    write_vector(take, owner, "delta_location", ways, samples.frames, samples.error * HEAD_SIZE / scale)


def _write_turns(
    take: Sink,
    owner: bpy.types.Object,
    path: str,
    mode: str,
    turns: list[Quaternion],
    samples: Samples,
    group: str,
) -> None:
    """Rotations in the owner's own mode, without jumps between ways to write the same turn."""
    frames, error = samples.frames, samples.error
    if mode == "QUATERNION":
        values = np.array(turns)
        flips = np.cumprod(np.concatenate([[1.0], np.sign((values[1:] * values[:-1]).sum(1)) + 0.0]))
        values = values * np.where(flips == 0, 1.0, flips)[:, None]
        half = error / 2  # a turn is twice what its quaternion's numbers say
        write_vector(take, owner, path + "rotation_quaternion", values, frames, half, group)
    elif mode == "AXIS_ANGLE":
        pairs = [turn.to_axis_angle() for turn in turns]
        values = np.array([[angle, *axis] for axis, angle in pairs])
        write_vector(take, owner, path + "rotation_axis_angle", values, frames, error, group)
    else:
        eulers: list[Any] = []
        for turn in turns:
            eulers.append(turn.to_euler(mode, eulers[-1]) if eulers else turn.to_euler(mode))
        write_vector(take, owner, path + "rotation_euler", np.array(eulers), frames, error, group)


def write_vector(
    take: Sink,
    owner: bpy.types.ID,
    path: str,
    values: np.ndarray,
    frames: np.ndarray,
    bound: float,
    group: str = "",
) -> None:
    """Write vectors (F, N) with as few keys as leave each number within ``bound``."""
    for index, column in enumerate(values.T):
        kept = reduced_keys(frames, column, bound)
        take.write(owner, path, frames[kept], column[kept], index, group)
