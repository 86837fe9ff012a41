# SPDX-License-Identifier: GPL-3.0-or-later
"""Live tracking: start, stop, rest, recordings."""

import bpy
from bpy.props import StringProperty

from .. import texts
from ..owners import TAKE, clear_result, set_error
from ..retarget.take import WrongTarget, apply_animation
from ..runtime import live
from ..runtime.state import state
from ..takes import placement_of, targets_of
from ..texts import t


class SEMBLANCE_OT_live_start(bpy.types.Operator):
    bl_idname = "semblance.live_start"
    bl_label = texts.START_LIVE
    bl_description = texts.START_LIVE_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = context.scene.semblance.take
        clear_result(take)
        try:
            live.start(take)
        except ValueError as error:
            set_error(take, "incomplete", str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class _WhileLive:
    """Greyed out where nothing is live."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return live.is_live(context.scene.semblance.take.uid)


class SEMBLANCE_OT_live_stop(_WhileLive, bpy.types.Operator):
    bl_idname = "semblance.live_stop"
    bl_label = texts.STOP_LIVE
    bl_description = texts.STOP_LIVE_TIP
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        live.stop()
        return {"FINISHED"}


class SEMBLANCE_OT_live_rest(_WhileLive, bpy.types.Operator):
    bl_idname = "semblance.live_rest"
    bl_label = texts.SET_REST
    bl_description = texts.SET_REST_TIP
    bl_options = {"INTERNAL", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        done = live.set_rest(context.scene.semblance.take)
        return {"FINISHED"} if done else {"CANCELLED"}


class SEMBLANCE_OT_live_record(_WhileLive, bpy.types.Operator):
    bl_idname = "semblance.live_record"
    bl_label = texts.RECORD
    bl_description = texts.RECORD_TIP
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        live.record()
        return {"FINISHED"}


class SEMBLANCE_OT_live_record_stop(_WhileLive, bpy.types.Operator):
    bl_idname = "semblance.live_record_stop"
    bl_label = texts.STOP_RECORDING
    bl_description = texts.STOP_RECORDING_TIP
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        live.keep_recording()
        return {"FINISHED"}


class SEMBLANCE_OT_live_apply(bpy.types.Operator):
    bl_idname = "semblance.live_apply"
    bl_label = texts.APPLY_RECORDING
    bl_description = texts.APPLY_RECORDING_TIP
    bl_options = {"UNDO", "INTERNAL"}

    take: StringProperty(options={"HIDDEN"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        found = TAKE.find(self.take)
        if found is None:
            return {"CANCELLED"}
        scene, take = found
        try:
            animation = live.recorded_animation(self.take, take)
            if animation is None:
                return {"CANCELLED"}
            apply_animation(animation, targets_of(take), scene, placement_of(take))
        except (WrongTarget, ValueError) as error:
            set_error(take, "not_applied", str(error))
            return {"FINISHED"}
        state.notice = t(texts.TAKE_READY, name=animation.name, count=len(animation.curves))
        return {"FINISHED"}


CLASSES = (
    SEMBLANCE_OT_live_start,
    SEMBLANCE_OT_live_stop,
    SEMBLANCE_OT_live_rest,
    SEMBLANCE_OT_live_record,
    SEMBLANCE_OT_live_record_stop,
    SEMBLANCE_OT_live_apply,
)
