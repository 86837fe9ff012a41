# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances: choosing the character, tracking, and writing the curves."""

import uuid

import bpy
from bpy.props import StringProperty

from .. import texts
from ..client import messages as say
from ..people import clear_result, set_warnings
from ..properties import SemblanceTake
from ..retarget.animation_file import AnimationUnreadable, read_animation
from ..retarget.take import WrongTarget, apply_animation
from ..runtime import session, timer
from ..runtime.state import state
from ..takes import (
    clip_request,
    fill_channels,
    find_take,
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
from .base import cancel_job


def _begin(take: SemblanceTake, needs_file: str) -> bool:
    """Whether a job for the performance can start; what it lacks is shown in the panel."""
    if with_id(take).uid in state.progress:
        return False
    clear_result(take)
    path = bpy.path.abspath(getattr(take, needs_file)) if needs_file else ""
    lacks = texts.NO_TARGET if not mesh_keys(take) else texts.NO_CLIP if needs_file and not path else ""
    if not lacks and needs_file == "clip" and take.follow == "HEAD" and not rig_of(take):
        lacks = texts.NO_HEAD_TO_FOLLOW
    lacks = t(lacks) if lacks else wrong_span(take) if needs_file == "clip" else ""
    if lacks:
        take.error_code, take.error_message = "incomplete", lacks
        return False
    take.job_key = uuid.uuid4().hex
    state.progress[take.uid] = say.Progress(take.uid, "send", 0.0)
    state.notice = ""
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
        if not _begin(take, "clip"):
            return {"CANCELLED"}
        take.job = ""
        session.post(clip_request(take))
        return {"FINISHED"}


class SEMBLANCE_OT_take_again(bpy.types.Operator):
    bl_idname = "semblance.take_again"
    bl_label = texts.APPLY_AGAIN
    bl_description = texts.APPLY_AGAIN_TIP
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = context.scene.semblance.take
        if not _begin(take, "track"):
            return {"CANCELLED"}
        take.job_key = ""  # asks for seconds alone: it is not taken up again in another session
        session.post(track_request(take))
        return {"FINISHED"}


class SEMBLANCE_OT_take_map(bpy.types.Operator):
    bl_idname = "semblance.take_map"
    bl_label = texts.RECOGNISE
    bl_description = texts.RECOGNISE_TIP
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = context.scene.semblance.take
        if not _begin(take, ""):
            return {"CANCELLED"}
        key, take.job_key = take.job_key, ""
        session.post(say.MapKeys(take.uid, mesh_keys(take), key))
        return {"FINISHED"}


class SEMBLANCE_OT_take_cancel(bpy.types.Operator):
    bl_idname = "semblance.take_cancel"
    bl_label = texts.CANCEL
    bl_description = texts.CANCEL_TRACK_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        cancel_job(context.scene.semblance.take)
        return {"FINISHED"}


class SEMBLANCE_OT_take_dismiss(bpy.types.Operator):
    bl_idname = "semblance.take_dismiss"
    bl_label = texts.DISMISS
    bl_description = texts.DISMISS_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        clear_result(context.scene.semblance.take)
        return {"FINISHED"}


class SEMBLANCE_OT_take_apply(bpy.types.Operator):
    bl_idname = "semblance.take_apply"
    bl_label = texts.APPLY_TAKE
    bl_description = texts.APPLY_TAKE_TIP
    bl_options = {"UNDO", "INTERNAL"}

    take: StringProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        ready, found = state.takes.get(self.take), find_take(self.take)
        timer.forget_job(self.take)
        if ready is None or found is None:
            return {"CANCELLED"}
        scene, take = found
        earlier = [(row.file, row.message) for row in take.warnings]
        set_warnings(take, [*earlier, *(("", message) for message in ready.warnings)])
        try:
            if not take.channels:
                fill_channels(take, ready.preset)
            animation = read_animation(ready.path)
            apply_animation(animation, targets_of(take), scene, placement_of(take))
        except (AnimationUnreadable, WrongTarget, ValueError) as error:
            take.error_code, take.error_message = "not_applied", str(error)
            return {"FINISHED"}
        finally:
            ready.path.unlink(missing_ok=True)
        state.notice = t(texts.TAKE_READY, name=animation.name, count=len(animation.curves))
        return {"FINISHED"}


CLASSES = (
    SEMBLANCE_OT_take_target,
    SEMBLANCE_OT_take_track,
    SEMBLANCE_OT_take_again,
    SEMBLANCE_OT_take_map,
    SEMBLANCE_OT_take_cancel,
    SEMBLANCE_OT_take_dismiss,
    SEMBLANCE_OT_take_apply,
)
