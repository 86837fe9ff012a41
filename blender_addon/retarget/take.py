# SPDX-License-Identifier: GPL-3.0-or-later
"""One performance onto one character, in one step."""

from __future__ import annotations

from dataclasses import dataclass, field

import bpy
import numpy as np
from mathutils import Quaternion, Vector

from .actions import Take, add_strip
from .animation_file import Animation
from .custom_properties import owner_of_properties, write_properties
from .facing import Face, at_rest, bone_space, face_of_bones, face_of_keys, face_of_objects, facing, turned_to
from .pose import (
    Samples,
    armature_axes,
    gaze_rotation,
    object_axes,
    turns_in,
    write_bone_places,
    write_bone_turns,
    write_object_places,
    write_object_turns,
    write_split,
    write_vector,
)
from .sink import DirectSink, Sink

_WHOLE = 0.01  # a key this close to a whole frame is put on it
_AIM_DISTANCE = 1.0  # metres from the eyes to an aim target


class WrongTarget(Exception):
    """A target lacks what the animation needs; the sentence says what to do."""


@dataclass(frozen=True)
class Targets:
    """What to animate; anything may be left out.

    Attributes:
        meshes: name of the mesh in the animation → object with its shape keys.
        head: an object that turns as a whole, or the armature of the bones below.
        head_bone, neck_bone: the neck takes ``neck_share`` of each turn.
        eyes: the left and the right eye as objects of their own.
        eye_bones: of the left and the right eye.
        aim: an object that is put where the eyes look.
        place: also move the head, not only turn it.
    """

    meshes: dict[str, bpy.types.Object] = field(default_factory=dict)
    head: bpy.types.Object | None = None
    head_bone: str = ""
    neck_bone: str = ""
    neck_share: float = 0.4
    eyes: tuple[bpy.types.Object, bpy.types.Object] | None = None
    eye_bones: tuple[str, str] | None = None
    aim: bpy.types.Object | None = None
    place: bool = False


@dataclass(frozen=True)
class Placement:
    """Where in the scene's time a take goes.

    Attributes:
        start: frame of the take's first sample.
        keep: write into the actions that are there; keys outside the take stay.
        strip: put the take on an NLA track.
    """

    start: float = 1.0
    keep: bool = False
    strip: bool = False


def scene_frames(scene: bpy.types.Scene, times: np.ndarray, zero: float, start: float) -> np.ndarray:
    """Frames of the scene at times in seconds; ``zero`` falls on ``start``."""
    rate = scene.render.fps / scene.render.fps_base
    frames = start + (times - zero) * rate
    whole = np.round(frames)
    return np.where(np.abs(frames - whole) < _WHOLE, whole, frames)


def apply_animation(
    animation: Animation,
    targets: Targets,
    scene: bpy.types.Scene,
    placement: Placement = Placement(),
) -> tuple[bpy.types.Action, ...]:
    """Write an animation; nothing is changed when a target does not fit.

    Returns:
        The actions: one where Blender has slots, else one for each thing that moves.

    Raises:
        WrongTarget: an object has no shape keys, an armature no such bone, or an aim target no eyes to
        follow.
    """
    _check(targets)
    take = Take(animation.name.strip() or "Take", placement.keep)
    frames = scene_frames(scene, animation.times, float(animation.times[0]), placement.start)
    _write(take, animation, targets, scene, placement.start, face_in_front(animation, targets))
    if animation.properties and (face := owner_of_properties(animation, targets.meshes)) is not None:
        zero = float(animation.times[0])
        write_properties(
            take, animation, face, lambda times: scene_frames(scene, times, zero, placement.start)
        )
    actions = tuple(dict.fromkeys(owner.animation_data.action for owner in take.animated))
    if placement.strip:
        for owner in take.animated:
            add_strip(owner, take.name, int(frames[0]))
    return actions


def show_moment(
    moment: Animation, targets: Targets, scene: bpy.types.Scene, sink: DirectSink, face: Face | None
) -> None:
    """Show one moment (an animation of one sample) in the scene's values, without keyframes.

    Args:
        face: see :func:`face_in_front`; moments come many a second, and it is the same for all.

    Raises:
        WrongTarget: as :func:`apply_animation`.
    """
    _check(targets)
    _write(sink, moment, targets, scene, 0.0, face)


def _write(
    take: Sink,
    animation: Animation,
    targets: Targets,
    scene: bpy.types.Scene,
    start: float,
    face: Face | None,
) -> None:
    zero = float(animation.times[0])
    frames = scene_frames(scene, animation.times, zero, start)
    for curve in animation.curves:
        owner = targets.meshes.get(curve.mesh)
        keys = owner.data.shape_keys if owner else None
        if keys is not None and curve.key in keys.key_blocks:
            path = f'key_blocks["{bpy.utils.escape_identifier(curve.key)}"].value'
            at = scene_frames(scene, curve.times, zero, start)
            _widen(keys.key_blocks[curve.key], curve.values)
            take.write(keys, path, at, curve.values)
    _write_pose(take, animation, targets, Samples(frames, animation.error), face)


def _write_pose(
    take: Sink, animation: Animation, targets: Targets, samples: Samples, face: Face | None
) -> None:
    """Head, eyes and aim target."""
    head = targets.head
    ahead = None  # where the face looks, in the world
    if head is not None:
        if targets.head_bone:
            axes = armature_axes(head, targets.head_bone, face)
            _write_bones(take, animation, head, targets, axes, samples)
            if targets.aim is not None:
                _write_aim(take, animation, head, targets.aim, targets, axes, samples)
        else:
            usual = object_axes(head)
            turned = None if face is None else turned_to(usual, face, np.zeros(3))
            axes = usual if turned is None else turned
            write_object_turns(take, head, animation.head_rotation, axes, samples)
            if targets.place:
                write_object_places(take, head, animation.head_translation, axes, samples)
        if face is not None:
            ahead = at_rest(head).to_3x3() @ Vector(axes[:, 2])
    for index, eye in enumerate(targets.eyes or ()):
        axes = object_axes(eye)
        if ahead is not None:
            axes = facing(axes, np.array(at_rest(eye).to_3x3().inverted_safe() @ ahead))
        write_object_turns(take, eye, gaze_rotation(animation.gaze[:, index]), axes, samples)


def face_in_front(animation: Animation, targets: Targets) -> Face | None:
    """What lies in front of the head, in its object's space, as far as the targets show it."""
    head = targets.head
    if head is None:
        return None
    if targets.eye_bones:
        return face_of_bones(head, targets.eye_bones)
    if targets.eyes:
        return face_of_objects(targets.eyes, head)
    for name, owner in targets.meshes.items():
        found = face_of_keys(owner, [curve.key for curve in animation.curves if curve.mesh == name], head)
        if found is not None:
            return found
    return None


def _check(targets: Targets) -> None:
    for owner in targets.meshes.values():
        if owner.type != "MESH" or owner.data.shape_keys is None:
            raise WrongTarget(f"{owner.name} has no shape keys. Choose the mesh that has them.")
    names = [name for name in (targets.head_bone, targets.neck_bone, *(targets.eye_bones or ())) if name]
    if names and (targets.head is None or targets.head.type != "ARMATURE"):
        raise WrongTarget("Bones are named, but no armature is chosen. Choose the character's armature.")
    for name in names:
        if targets.head is not None and name not in targets.head.data.bones:
            raise WrongTarget(f"{targets.head.name} has no bone {name}. Choose one of its bones.")
    if names and not targets.head_bone:
        raise WrongTarget("Neck and eyes need to know the head. Choose the head bone too.")
    for owner in (*(targets.eyes or ()), *([targets.head] if targets.head and not names else [])):
        if owner.rotation_mode == "AXIS_ANGLE":  # has no delta
            raise WrongTarget(f"{owner.name} turns by axis and angle. Choose another rotation mode for it.")
    if targets.aim is not None and targets.eye_bones is None:
        raise WrongTarget("The aim target needs to know where the eyes are. Choose the eye bones too.")


def _widen(key: bpy.types.ShapeKey, values: np.ndarray) -> None:
    """Make room for values beyond the key's range, which Blender would cut off."""
    key.slider_min = min(key.slider_min, float(values.min()))
    key.slider_max = max(key.slider_max, float(values.max()))


def _write_bones(
    take: Sink,
    animation: Animation,
    armature: bpy.types.Object,
    targets: Targets,
    axes: np.ndarray,
    samples: Samples,
) -> None:
    turns = turns_in(animation.head_rotation, axes)
    if targets.neck_bone:
        split = (targets.neck_bone, targets.head_bone, turns, targets.neck_share)
        write_split(take, armature, *split, samples)
    else:
        write_bone_turns(take, armature, targets.head_bone, turns, samples)
    if targets.place:
        ways = animation.head_translation @ axes.T
        write_bone_places(take, armature, targets.neck_bone or targets.head_bone, ways, samples)
    if targets.eye_bones and targets.aim is None:  # an aim target turns the eyes itself
        for index, bone in enumerate(targets.eye_bones):
            eye_turns = turns_in(gaze_rotation(animation.gaze[:, index]), axes)
            write_bone_turns(take, armature, bone, eye_turns, samples)


def _write_aim(
    take: Sink,
    animation: Animation,
    armature: bpy.types.Object,
    aim: bpy.types.Object,
    targets: Targets,
    axes: np.ndarray,
    samples: Samples,
) -> None:
    """Put the aim target where both eyes look on the mean, in the world or in its parent's space."""
    bones = armature.data.bones
    eyes = sum((bones[name].head_local for name in targets.eye_bones or ()), Vector()) / 2
    scale = sum(armature.matrix_world.to_scale()) / 3
    ahead = gaze_rotation(animation.gaze.mean(axis=1))[:, :, 2] @ axes.T
    points = np.array(eyes) + ahead * (_AIM_DISTANCE / scale)
    if not (aim.parent == armature and aim.parent_bone == targets.head_bone):
        points = _with_head(points, animation, armature, targets, axes)
        to_parent = (aim.parent.matrix_world @ aim.matrix_parent_inverse) if aim.parent else None
        world = armature.matrix_world if to_parent is None else to_parent.inverted() @ armature.matrix_world
    else:  # rides on the head: its space is the bone's, from the tail on
        world = (bone_space(bones[targets.head_bone]) @ aim.matrix_parent_inverse).inverted()
    matrix = np.array(world)
    places = points @ matrix[:3, :3].T + matrix[:3, 3]
    # As far off as the gaze may be: radians at the target's distance.
    bound = samples.error * _AIM_DISTANCE / scale * sum(world.to_scale()) / 3
    write_vector(take, aim, "location", places, samples.frames, bound)


def _with_head(
    points: np.ndarray,
    animation: Animation,
    armature: bpy.types.Object,
    targets: Targets,
    axes: np.ndarray,
) -> np.ndarray:
    """Points of the head at rest where neck and head carry them, in the armature's space."""
    bones = armature.data.bones
    head = np.array(bones[targets.head_bone].head_local)
    neck = np.array(bones[targets.neck_bone].head_local) if targets.neck_bone else head
    share = targets.neck_share if targets.neck_bone else 0.0
    carried = []
    for point, turn in zip(points, turns_in(animation.head_rotation, axes)):  # noqa: B905 (by nature)
        first = Quaternion().slerp(turn, share)
        moved = head + np.array((first.conjugated() @ turn).to_matrix()) @ (point - head)
        carried.append(neck + np.array(first.to_matrix()) @ (moved - neck))
    result = np.array(carried)
    if targets.place:
        scale = sum(armature.matrix_world.to_scale()) / 3
        result += animation.head_translation @ axes.T / scale
    return result
