# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way a character looks, from what lies in front of its head: the eyes, or what the shape keys move.

Nothing but a bone's or an object's axes tells front from back otherwise, and those are anyone's choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # Semblance's axes to Blender's
Y_UP = np.eye(3)  # ... to those of most imported characters
_MOST_KEYS = 6  # of a mesh that are looked at: enough, and large meshes take milliseconds for each
_CLEAR = 0.5  # a face not this far in front of its pivot, in its own spreads, says nothing
_ROUNDING = 1e-3  # of places, in the rig's units; what is no further in front is at the pivot


@dataclass(frozen=True, eq=False)
class Face:
    """Points in front of a head: places (N, 3) and how much each counts (N,)."""

    points: np.ndarray
    weights: np.ndarray

    def seen_from(self, to_space: Matrix) -> Face:
        """The same points in another space."""
        matrix = np.array(to_space)
        return Face(self.points @ matrix[:3, :3].T + matrix[:3, 3], self.weights)


def turned_to(usual: np.ndarray, face: Face, pivot: np.ndarray) -> np.ndarray | None:
    """Axes (3, 3) turned about what rises until they face where the face is; ``None`` where it does not say.

    Quarter turns only: characters are built along axes, and no face lies exactly in front of its bone.

    Args:
        usual: rotation from Semblance's axes that says what rises.
        pivot: what the head turns about.
    """
    level = ((face.points - pivot) @ usual)[:, [0, 2]]
    middle = np.average(level, axis=0, weights=face.weights)
    spread = np.sqrt(np.average(((level - middle) ** 2).sum(axis=1), weights=face.weights))
    if np.linalg.norm(middle) <= max(_CLEAR * spread, _ROUNDING):
        return None
    return facing(usual, usual @ [middle[0], 0.0, middle[1]])


def facing(usual: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Axes (3, 3) turned about what rises, by quarters, until they face ``ahead``."""
    left, _, out = usual.T @ ahead
    front = np.array([np.sign(left), 0.0, 0.0] if abs(left) > abs(out) else [0.0, 0.0, np.sign(out)])
    up = np.array([0.0, 1.0, 0.0])
    result: np.ndarray = usual @ np.stack([np.cross(up, front), up, front], axis=1)
    return result


def face_of_bones(armature: bpy.types.Object, names: tuple[str, str]) -> Face:
    """The eyes, in the armature's space."""
    return Face(np.array([armature.data.bones[name].head_local for name in names]), np.ones(2))


def face_of_objects(eyes: tuple[bpy.types.Object, bpy.types.Object], root: bpy.types.Object) -> Face:
    """The eyes, in the space of the head or the armature that they belong to."""
    to_root = at_rest(root).inverted_safe()
    return Face(np.array([(to_root @ at_rest(eye)).translation for eye in eyes]), np.ones(2))


def face_of_keys(owner: bpy.types.Object, names: list[str], root: bpy.types.Object) -> Face | None:
    """What a mesh's shape keys move, in the space of ``root``; ``None`` where they move nothing."""
    keys = owner.data.shape_keys.key_blocks
    found = [keys[name] for name in names if name in keys]
    moved = np.zeros(len(owner.data.vertices))
    for key in found[:: -(-len(found) // _MOST_KEYS) or 1]:
        moved += np.linalg.norm(_places(key) - _places(key.relative_key), axis=1)
    chosen = moved > 0.0
    if not chosen.any():
        return None
    face = Face(_places(owner.data.shape_keys.reference_key)[chosen], moved[chosen])
    return face.seen_from(at_rest(root).inverted_safe() @ at_rest(owner))


def at_rest(owner: bpy.types.Object) -> Matrix:
    """Where an object is in the world, but for how takes turn it and the bones that carry it.

    Otherwise a head that looks over its shoulder now would count as facing there.
    """
    turn = own_turn(owner) if owner.rotation_mode != "AXIS_ANGLE" else owner.matrix_basis.to_quaternion()
    basis = Matrix.LocRotScale(owner.location + owner.delta_location, turn, owner.matrix_basis.to_scale())
    parent = owner.parent
    if parent is None:
        return basis
    if owner.parent_type == "BONE" and parent.type == "ARMATURE" and owner.parent_bone in parent.data.bones:
        below = bone_space(parent.data.bones[owner.parent_bone])
    elif owner.parent_type in ("OBJECT", "ARMATURE"):
        below = Matrix.Identity(4)
    else:
        return owner.matrix_world.copy()
    return at_rest(parent) @ below @ owner.matrix_parent_inverse @ basis


def bone_space(bone: bpy.types.Bone) -> Matrix:
    """The space of what is parented to a bone, at rest: the bone's, from the tail on."""
    space = bone.matrix_local.copy()
    space.translation = bone.tail_local
    return space


def own_turn(owner: bpy.types.Object) -> Quaternion:
    """An object's rotation without its delta."""
    if owner.rotation_mode == "QUATERNION":
        return owner.rotation_quaternion.normalized()
    return owner.rotation_euler.to_quaternion()


def _places(key: bpy.types.ShapeKey) -> np.ndarray:
    values = np.empty(3 * len(key.data), np.float32)
    key.data.foreach_get("co", values)
    return values.reshape(-1, 3).astype(np.float64)
