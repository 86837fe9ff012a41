# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances: choosing the character, tracking, and writing the curves."""

import uuid

import bpy

from .. import texts
from ..client.take_jobs import MapKeys, TakeReady
from ..owners import TAKE, clear_result, set_error, set_warnings
from ..properties import SemblanceTake
from ..retarget.animation_file import AnimationUnreadable, read_animation
from ..retarget.take import WrongTarget, apply_animation
from ..runtime import jobs
from ..runtime.state import state
from ..takes import (
    clip_request,
    fill_channels,
    mesh_keys,
    placement_of,
    rig_of,
    set_character,
    targets_of,
    track_request,
    with_id,
    wrong_span,
)
from ..texts import t
from .base import AppliesResult


def _can_begin(take: SemblanceTake, needs_file: str) -> bool:
    """Whether a job for the performance can start; what it lacks is shown in the panel."""
    if with_id(take).uid in state.jobs:
        return False
    clear_result(take)
    path = bpy.path.abspath(getattr(take, needs_file)) if needs_file else ""
    lacks = texts.NO_TARGET if not mesh_keys(take) else texts.NO_CLIP if needs_file and not path else ""
    if not lacks and needs_file == "clip" and take.follow == "HEAD" and not rig_of(take):
        lacks = texts.NO_HEAD_TO_FOLLOW
    lacks = t(lacks) if lacks else wrong_span(take) if needs_file == "clip" else ""
    if lacks:
        set_error(take, "incomplete", lacks)
        return False
    return True


class SEMBLANCE_OT_take_target(bpy.types.Operator):
    bl_idname = "semblance.take_target"
    bl_label = texts.USE_SELECTED
    bl_description = texts.USE_SELECTED_TIP
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = with_id(context.scene.semblance.take)
        chosen = list(context.selected_objects)
        if context.object is not None and context.object not in chosen:
            chosen.append(context.object)
        if not set_character(take, chosen):
            self.report({"WARNING"}, t(texts.NO_KEYS_SELECTED))
            return {"CANCELLED"}
        return {"FINISHED"}


class SEMBLANCE_OT_take_track(bpy.types.Operator):
    bl_idname = "semblance.take_track"
    bl_label = texts.TRACK
    bl_description = texts.TRACK_TIP
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = context.scene.semblance.take
        if not _can_begin(take, "clip"):
            return {"CANCELLED"}
        take.job, take.job_key = "", uuid.uuid4().hex
        jobs.begin(take, clip_request(take))
        return {"FINISHED"}


class SEMBLANCE_OT_take_again(bpy.types.Operator):
    bl_idname = "semblance.take_again"
    bl_label = texts.APPLY_AGAIN
    bl_description = texts.APPLY_AGAIN_TIP
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = context.scene.semblance.take
        if not _can_begin(take, "track"):
            return {"CANCELLED"}
        take.job_key = ""  # asks for seconds alone: it is not taken up again in another session
        jobs.begin(take, track_request(take))
        return {"FINISHED"}


class SEMBLANCE_OT_take_map(bpy.types.Operator):
    bl_idname = "semblance.take_map"
    bl_label = texts.RECOGNISE
    bl_description = texts.RECOGNISE_TIP
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = context.scene.semblance.take
        if not _can_begin(take, ""):
            return {"CANCELLED"}
        take.job_key = ""
        jobs.begin(take, MapKeys(take.uid, mesh_keys(take), uuid.uuid4().hex))
        return {"FINISHED"}


class SEMBLANCE_OT_take_cancel(bpy.types.Operator):
    bl_idname = "semblance.take_cancel"
    bl_label = texts.CANCEL
    bl_description = texts.CANCEL_TRACK_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        jobs.cancel(context.scene.semblance.take)
        return {"FINISHED"}


class SEMBLANCE_OT_take_dismiss(bpy.types.Operator):
    bl_idname = "semblance.take_dismiss"
    bl_label = texts.DISMISS
    bl_description = texts.DISMISS_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        clear_result(context.scene.semblance.take)
        return {"FINISHED"}


class SEMBLANCE_OT_take_apply(AppliesResult, bpy.types.Operator):
    bl_idname = "semblance.take_apply"
    bl_label = texts.APPLY_TAKE
    bl_description = texts.APPLY_TAKE_TIP
    kind = TAKE

    def apply(self, result: TakeReady, scene: bpy.types.Scene, owner: SemblanceTake) -> None:
        earlier = [(row.file, row.message) for row in owner.warnings]
        set_warnings(owner, [*earlier, *(("", message) for message in result.warnings)])
        try:
            if not owner.channels:
                fill_channels(owner, result.preset)
            animation = read_animation(result.path)
            apply_animation(animation, targets_of(owner), scene, placement_of(owner))
        except (AnimationUnreadable, WrongTarget, ValueError) as error:
            set_error(owner, "not_applied", str(error))
            return
        finally:
            result.path.unlink(missing_ok=True)
        state.notice = t(texts.TAKE_READY, name=animation.name, count=len(animation.curves))


CLASSES = (
    SEMBLANCE_OT_take_target,
    SEMBLANCE_OT_take_track,
    SEMBLANCE_OT_take_again,
    SEMBLANCE_OT_take_map,
    SEMBLANCE_OT_take_cancel,
    SEMBLANCE_OT_take_dismiss,
    SEMBLANCE_OT_take_apply,
)
