# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved in a .blend: the people of a scene, their photos, options and jobs; the performance.

Nothing here is believed as an address: jobs are looked for on the server that the preferences name.
"""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import texts
from .build.head import RIG_ID_PROPERTY
from .runtime.state import state

MOST_PHOTOS = 20


class SemblanceWarning(bpy.types.PropertyGroup):
    """A sentence about a photo, or about all of them."""

    file: StringProperty()
    message: StringProperty()


class SemblancePhoto(bpy.types.PropertyGroup):
    """One photo of a person."""

    path: StringProperty(name=texts.PATH, description=texts.PATH_TIP, subtype="FILE_PATH")


def _progress(owner: bpy.types.PropertyGroup) -> float:
    """What Blender 3.4 shows as a bar."""
    job = state.jobs.get(owner.uid)
    return 100.0 * job.progress.fraction if job else 0.0


class WithJob:
    """An owner of jobs (see :mod:`.owners`): an id, the job in work, and how the last one ended."""

    uid: StringProperty()
    job: StringProperty()  # the server's id; empty where nothing is in work
    job_key: StringProperty()  # set from the press of the button to the job's end
    warnings: CollectionProperty(type=SemblanceWarning)
    error_code: StringProperty()
    error_message: StringProperty()
    error_hint: StringProperty()
    percent: FloatProperty(min=0, max=100, precision=0, subtype="PERCENTAGE", get=_progress)


class SemblancePerson(WithJob, bpy.types.PropertyGroup):
    """One person: photos, options, the job in work and the head that came of it."""

    name: StringProperty(name=texts.NAME, description=texts.NAME_TIP)
    photos: CollectionProperty(type=SemblancePhoto)
    active_photo: IntProperty(options={"SKIP_SAVE"})
    model: StringProperty(name=texts.MODEL, description=texts.MODEL_TIP, default="anny")
    quality: EnumProperty(
        name=texts.QUALITY, description=texts.QUALITY_TIP, items=texts.QUALITIES, default="standard"
    )
    texture_size: EnumProperty(
        name=texts.TEXTURE_SIZE, description=texts.TEXTURE_SIZE_TIP, items=texts.TEXTURE_SIZES
    )
    focal: FloatProperty(
        name=texts.FOCAL, description=texts.FOCAL_TIP, min=0, soft_max=200, precision=1, unit="CAMERA"
    )
    sensor: FloatProperty(
        name=texts.SENSOR, description=texts.SENSOR_TIP, default=36, min=1, precision=1, unit="CAMERA"
    )
    rig: StringProperty()  # of the head in the scene


def _has_keys(_take: bpy.types.PropertyGroup, item: bpy.types.Object) -> bool:
    return item.type == "MESH" and item.data.shape_keys is not None


class SemblanceTakeMesh(bpy.types.PropertyGroup):
    """A mesh that takes part; ``name`` is how the server knows it."""

    item: PointerProperty(type=bpy.types.Object, poll=_has_keys)


class SemblanceUnit(bpy.types.PropertyGroup):
    """How much of an ARKit expression, ``name``, drives a shape key."""

    weight: FloatProperty(
        name=texts.WEIGHT, description=texts.WEIGHT_TIP, default=1.0, soft_min=-1, soft_max=1
    )


class SemblanceChannel(bpy.types.PropertyGroup):
    """How a shape key, ``name``, is driven."""

    weights: StringProperty()  # JSON: ARKit name -> weight; in files from before units could be edited
    units: CollectionProperty(type=SemblanceUnit)
    active_unit: IntProperty(options={"SKIP_SAVE"})
    gain: FloatProperty(
        name=texts.GAIN, description=texts.CHANNEL_GAIN_TIP, default=1.0, soft_min=0, soft_max=3
    )
    offset: FloatProperty(name=texts.OFFSET, description=texts.OFFSET_TIP, soft_min=-1, soft_max=1)
    low: FloatProperty(name=texts.LOW, description=texts.LIMIT_TIP, soft_min=-1, soft_max=1)
    high: FloatProperty(name=texts.HIGH, description=texts.LIMIT_TIP, default=1.0, soft_min=0, soft_max=2)
    mute: BoolProperty(name=texts.MUTE, description=texts.MUTE_TIP)


def _other_clip(take: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """What was known about the clip holds no longer."""
    take.clip_seconds = 0.0
    state.people.pop(take.uid, None)


class SemblanceTake(WithJob, bpy.types.PropertyGroup):
    """A performance: the clip, the character, the mapping, and how it is written."""

    clip: StringProperty(name=texts.CLIP, description=texts.CLIP_TIP, subtype="FILE_PATH", update=_other_clip)
    start: FloatProperty(
        name=texts.CLIP_IN, description=texts.CLIP_IN_TIP, min=0, precision=2, subtype="TIME_ABSOLUTE"
    )
    end: FloatProperty(
        name=texts.CLIP_OUT, description=texts.CLIP_OUT_TIP, min=0, precision=2, subtype="TIME_ABSOLUTE"
    )
    follow: EnumProperty(name=texts.FOLLOW, description=texts.FOLLOW_TIP, items=texts.FOLLOWS)
    point: FloatVectorProperty(
        name=texts.FACE_AT, description=texts.FACE_AT_TIP, size=2, min=0, precision=0, default=(640.0, 360.0)
    )
    point_time: FloatProperty(
        name=texts.FACE_TIME, description=texts.FACE_TIME_TIP, min=0, precision=2, subtype="TIME_ABSOLUTE"
    )
    clip_seconds: FloatProperty()  # the length of the clip, once it was looked at
    track: StringProperty(name=texts.TRACK_FILE, description=texts.TRACK_FILE_TIP, subtype="FILE_PATH")
    meshes: CollectionProperty(type=SemblanceTakeMesh)
    head: PointerProperty(type=bpy.types.Object, name=texts.TAKE_HEAD, description=texts.TAKE_HEAD_TIP)
    head_bone: StringProperty(name=texts.HEAD_BONE, description=texts.HEAD_BONE_TIP)
    neck_bone: StringProperty(name=texts.NECK_BONE, description=texts.NECK_BONE_TIP)
    neck_share: FloatProperty(
        name=texts.NECK_SHARE, description=texts.NECK_SHARE_TIP, default=0.4, min=0, max=1, subtype="FACTOR"
    )
    left_eye: StringProperty(name=texts.LEFT_EYE, description=texts.EYE_TIP)
    right_eye: StringProperty(name=texts.RIGHT_EYE, description=texts.EYE_TIP)
    turn_eyes: BoolProperty(name=texts.TURN_EYES, description=texts.TURN_EYES_TIP, default=True)
    aim: PointerProperty(type=bpy.types.Object, name=texts.AIM, description=texts.AIM_TIP)
    place: BoolProperty(name=texts.PLACE, description=texts.PLACE_TIP)
    mapping: StringProperty()  # the mapping's name
    mapping_neutral: StringProperty()  # JSON: ARKit name -> value that counts as rest
    channels: CollectionProperty(type=SemblanceChannel)
    active_channel: IntProperty(options={"SKIP_SAVE"})
    smoothing: FloatProperty(
        name=texts.SMOOTHING, description=texts.SMOOTHING_TIP, default=1.0, min=0, max=5, precision=2
    )
    gain: FloatProperty(name=texts.GAIN, description=texts.GAIN_TIP, default=1.0, min=0, max=10, soft_max=3)
    error: FloatProperty(
        name=texts.KEY_ERROR,
        description=texts.KEY_ERROR_TIP,
        default=0.005,
        min=0,
        max=1,
        soft_max=0.1,
        precision=3,
    )
    swap: BoolProperty(name=texts.SWAP, description=texts.SWAP_TIP)
    wrinkles: BoolProperty(name=texts.WRINKLES, description=texts.WRINKLES_TIP)
    calibrate: BoolProperty(name=texts.CALIBRATE, description=texts.CALIBRATE_TIP)
    neutral: IntProperty(name=texts.NEUTRAL, description=texts.NEUTRAL_TIP, min=0)
    start_frame: IntProperty(name=texts.START_FRAME, description=texts.START_FRAME_TIP, default=1)
    into: EnumProperty(name=texts.INTO, description=texts.INTO_TIP, items=texts.INTOS)
    live_source: EnumProperty(
        name=texts.LIVE_SOURCE, description=texts.LIVE_SOURCE_TIP, items=texts.LIVE_SOURCES
    )
    live_camera: IntProperty(name=texts.CAMERA, description=texts.CAMERA_TIP, min=0, soft_max=8)


class SemblanceSentMesh(bpy.types.PropertyGroup):
    """A mesh that was sent for shape keys."""

    item: PointerProperty(type=bpy.types.Object)


def _is_ours(_transfer: bpy.types.PropertyGroup, item: bpy.types.Object) -> bool:
    return item.type == "MESH" and RIG_ID_PROPERTY in item


class SemblanceTransfer(WithJob, bpy.types.PropertyGroup):
    """Shape keys in the making: whose they are, and for which meshes."""

    source: PointerProperty(
        type=bpy.types.Object, name=texts.KEYS_SOURCE, description=texts.KEYS_SOURCE_TIP, poll=_is_ours
    )
    meshes: CollectionProperty(type=SemblanceSentMesh)


def _view_changed(_settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    for area in context.screen.areas if context.screen else ():
        area.tag_redraw()


class SemblancePreview(bpy.types.PropertyGroup):
    """How a photo that follows its rig is shown."""

    size: EnumProperty(
        name=texts.PREVIEW_SIZE,
        description=texts.PREVIEW_SIZE_TIP,
        items=texts.PREVIEW_SIZES,
        default="512",
    )
    place: EnumProperty(
        name=texts.PREVIEW_PLACE,
        description=texts.PREVIEW_PLACE_TIP,
        items=texts.PREVIEW_PLACES,
        update=_view_changed,
    )
    share: FloatProperty(
        name=texts.PREVIEW_SHARE,
        description=texts.PREVIEW_SHARE_TIP,
        default=0.4,
        min=0.1,
        max=1,
        subtype="FACTOR",
        update=_view_changed,
    )


class SemblanceScene(bpy.types.PropertyGroup):
    """The people of a scene, the performance, and the shape keys in the making."""

    people: CollectionProperty(type=SemblancePerson)
    active: IntProperty(name=texts.PERSON)
    take: PointerProperty(type=SemblanceTake)
    transfer: PointerProperty(type=SemblanceTransfer)
    preview: PointerProperty(type=SemblancePreview)


CLASSES = (
    SemblanceWarning,
    SemblancePhoto,
    SemblancePerson,
    SemblanceTakeMesh,
    SemblanceUnit,
    SemblanceChannel,
    SemblanceTake,
    SemblanceSentMesh,
    SemblanceTransfer,
    SemblancePreview,
    SemblanceScene,
)


def register() -> None:
    """Hang the people on scenes."""
    bpy.types.Scene.semblance = PointerProperty(type=SemblanceScene)


def unregister() -> None:
    """Take them away; what was saved stays in the file."""
    del bpy.types.Scene.semblance
