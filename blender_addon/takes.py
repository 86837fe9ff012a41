# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances of the open file: finding them, what they ask the server for, and their mapping."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import bpy

from . import texts
from .anatomy import bone_named, common_parent, eye_bones, eye_objects, keys_turn_eyes
from .build.head import RIG_ID_PROPERTY
from .client.live_messages import StartLive
from .client.sending import safe_name
from .client.take_jobs import FindPeople, RetargetTrack, TrackClip
from .expressions import key_names
from .heads import head_of
from .preset_check import FORMAT, PARTS, SCHEMA, check_preset
from .properties import SemblanceChannel, SemblanceTake
from .retarget.take import Placement, Targets
from .texts import t


def all_takes() -> Iterator[tuple[bpy.types.Scene, SemblanceTake]]:
    """Every scene with its performance, if it has been touched."""
    for scene in bpy.data.scenes:
        if scene.semblance.take.uid:
            yield scene, scene.semblance.take


def with_id(take: SemblanceTake) -> SemblanceTake:
    """The performance, which has an id from now on. A copied scene gets one of its own."""
    if not take.uid or sum(other.uid == take.uid for _, other in all_takes()) > 1:
        take.uid = uuid.uuid4().hex
    return take


def set_neutral(take: SemblanceTake, values: Mapping[str, float]) -> None:
    """Take units as the performer's face at rest."""
    take.mapping_neutral = json.dumps({name: round(value, 4) for name, value in values.items()})


def set_character(take: SemblanceTake, objects: list[bpy.types.Object]) -> bool:
    """Choose meshes with shape keys, and find head, neck and eyes; false where there is no such mesh.

    The eyes are not turned where the shape keys do it already.
    """
    meshes: list[bpy.types.Object] = []
    armature = next((item for item in objects if item.type == "ARMATURE"), None)
    for item in objects:
        head = head_of(item)
        mesh = head.mesh if head else item
        if mesh.type == "MESH" and mesh.data.shape_keys is not None and mesh not in meshes:
            meshes.append(mesh)
            armature = armature or mesh.find_armature()
    if not meshes:
        return False
    take.meshes.clear()
    for mesh in meshes:
        row = take.meshes.add()
        row.name, row.item = mesh.name, mesh
    take.channels.clear()
    take.mapping = take.mapping_neutral = ""
    take.head = armature
    bones = armature.data.bones.keys() if armature else []
    take.head_bone, take.neck_bone = bone_named(bones, "head"), bone_named(bones, "neck")
    _find_eyes(take, meshes)
    return True


def _find_eyes(take: SemblanceTake, meshes: list[bpy.types.Object]) -> None:
    """Fill in the eyes, and the head where it is an object that carries them."""
    bones = eye_bones(take.head) if take.head is not None else None
    eyes = bones or eye_objects(meshes)
    take.left_eye, take.right_eye = eyes or ("", "")
    take.turn_eyes = eyes is None or not keys_turn_eyes(meshes, eyes, bones is not None)
    if eyes and take.head is None:
        take.head = common_parent([*meshes, *(bpy.data.objects[name] for name in eyes)])


def eyes_are_bones(take: SemblanceTake) -> bool:
    """Whether the eyes are chosen among the bones: where an armature has them, or has nothing else."""
    if take.head is None or take.head.type != "ARMATURE":
        return False
    named = [name for name in (take.left_eye, take.right_eye) if name]
    return all(name in take.head.data.bones for name in named) or not all(
        name in bpy.data.objects for name in named
    )


def mesh_keys(take: SemblanceTake) -> dict[str, list[str]]:
    """Mesh → names of its shape keys. Meshes that are gone, or have no keys any more, are left out."""
    found = {}
    for row in take.meshes:
        if row.item is not None and row.item.type == "MESH" and row.item.data.shape_keys is not None:
            row.name = row.item.name
            found[row.name] = [key.name for key in row.item.data.shape_keys.key_blocks]
    return found


def preset_of(take: SemblanceTake) -> dict[str, object] | None:
    """The mapping table as a preset; None where there is no table yet."""
    if not take.channels:
        return None
    channels = {
        row.name: {
            "weights": {unit.name: _short(unit.weight) for unit in row.units},
            **{part: _short(getattr(row, part)) for part in PARTS},
            **({"muted": True} if row.mute else {}),
        }
        for row in take.channels
    }
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "name": take.mapping,
        "mirrored": take.swap,
        "neutral": json.loads(take.mapping_neutral or "{}"),
        "channels": channels,
    }


def fill_channels(take: SemblanceTake, preset: Mapping[str, Any]) -> None:
    """Show a mapping preset in the table. Whether sides are swapped stays the user's own choice.

    Raises:
        ValueError: it is none; the table stays as it was.
    """
    check_preset(preset, key_names())
    take.channels.clear()
    take.mapping, take.mapping_neutral = preset["name"], json.dumps(preset["neutral"])
    for key, channel in preset["channels"].items():
        row = take.channels.add()
        row.name, row.mute = key, channel.get("muted", False)
        set_units(row, channel["weights"])
        for part in PARTS:
            setattr(row, part, channel[part])
    take.active_channel = 0


def set_units(channel: SemblanceChannel, weights: Mapping[str, float]) -> None:
    """Choose what drives a shape key."""
    channel.units.clear()
    for name, weight in weights.items():
        unit = channel.units.add()
        unit.name, unit.weight = name, weight


def take_over_weights() -> None:
    """Make units of what files from before units could be edited say."""
    for _, take in all_takes():
        for row in take.channels:
            if row.weights:
                set_units(row, json.loads(row.weights))
                row.weights = ""


def free_keys(take: SemblanceTake) -> list[str]:
    """The shape keys that have no row in the table, each mesh's first one, its rest, left out."""
    names = dict.fromkeys(name for keys in mesh_keys(take).values() for name in keys[1:])
    return [name for name in names if name not in take.channels]


def active_channel(take: SemblanceTake) -> Any:
    """The chosen row of the table, or None."""
    return take.channels[take.active_channel] if 0 <= take.active_channel < len(take.channels) else None


def _short(value: float) -> float:
    """A number as the user typed it, without what Blender's single precision adds."""
    return float(f"{value:.7g}")


def live_request(take: SemblanceTake, folder: Path, python: str, rigs: Path) -> StartLive:
    """Track live as the performance's options say.

    Raises:
        ValueError: it follows the person of a head that is not there; says so.
    """
    options = ["--smoothing", f"{take.smoothing:g}"]
    source = str(take.live_camera) if take.live_source == "CAMERA" else ""
    if take.live_source == "FILE":
        source = bpy.path.abspath(take.clip)
        options.append("--loop")
    if take.follow == "POINT":
        options += ["--at", f"{take.point[0]:g},{take.point[1]:g}"]
    elif take.follow == "HEAD" and source:
        rig = rigs / f"{safe_name(rig_of(take))}.semrig"
        if not rig.is_file():
            raise ValueError(t(texts.NO_HEAD_TO_FOLLOW))
        options += ["--rig", str(rig)]
    meshes = {} if take.channels else mesh_keys(take)
    return StartLive(take.uid, folder, python, source, tuple(options), meshes)


def track_request(take: SemblanceTake) -> RetargetTrack:
    """Put the track that is there onto the character."""
    neutral = take.neutral if take.calibrate else None
    options: dict[str, object] = {
        "meshes": mesh_keys(take),
        "preset": preset_of(take),
        "smoothing": take.smoothing,
        "error": take.error,
        "gain": take.gain,
        "swap": take.swap,
        "wrinkles": take.wrinkles,
        "rest": neutral,
        "neutral": neutral,
    }
    return RetargetTrack(take.uid, Path(bpy.path.abspath(take.track)), options, uuid.uuid4().hex)


def clip_request(take: SemblanceTake) -> TrackClip:
    """Track the clip, or follow the job that does."""
    options: dict[str, object] = {"start": take.start}
    if take.end > 0:
        options["end"] = take.end
    if take.follow == "POINT":
        options["point"] = list(take.point)
        if take.point_time > take.start:
            options["point_time"] = take.point_time
    rig = rig_of(take) if take.follow == "HEAD" else ""
    clip = Path(bpy.path.abspath(take.clip))
    return TrackClip(take.uid, clip, rig, options, take.job_key, track_request(take), job=take.job)


def people_request(take: SemblanceTake) -> FindPeople:
    """Find out who is in the clip."""
    options: dict[str, object] = {"start": take.start, **({"end": take.end} if take.end > 0 else {})}
    return FindPeople(take.uid, Path(bpy.path.abspath(take.clip)), options, uuid.uuid4().hex)


def wrong_span(take: SemblanceTake) -> str:
    """What is wrong with the in and out points, as far as is known here; empty where they fit."""
    if 0 < take.end <= take.start:
        return t(texts.OUT_BEFORE_IN)
    if 0 < take.clip_seconds <= take.start:
        return t(texts.IN_AFTER_END, seconds=f"{take.clip_seconds:.2f}")
    return ""


def rig_of(take: SemblanceTake) -> str:
    """The rig of the first chosen head that Semblance made."""
    found = (row.item.get(RIG_ID_PROPERTY, "") for row in take.meshes if row.item is not None)
    return str(next(filter(None, found), ""))


def targets_of(take: SemblanceTake) -> Targets:
    """What the performance moves."""
    eyes = (take.left_eye, take.right_eye) if take.left_eye and take.right_eye else None
    if not take.turn_eyes and take.aim is None:
        eyes = None
    bones = take.head is not None and take.head.type == "ARMATURE"
    in_bones = bones and eyes_are_bones(take)
    objects = tuple(bpy.data.objects.get(name) for name in eyes) if eyes and not in_bones else ()
    return Targets(
        meshes={row.name: row.item for row in take.meshes if row.item is not None},
        head=take.head,
        head_bone=take.head_bone if bones else "",
        neck_bone=take.neck_bone if bones else "",
        neck_share=take.neck_share,
        eyes=(objects[0], objects[1]) if len(objects) == 2 and all(objects) else None,
        eye_bones=eyes if in_bones else None,
        aim=take.aim,
        place=take.place,
    )


def placement_of(take: SemblanceTake) -> Placement:
    """Where it goes in time."""
    return Placement(float(take.start_frame), take.into == "CURRENT", take.into == "STRIP")
