# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo that follows its rig: start, stop."""

import bpy
from bpy.props import IntProperty

from .. import texts
from ..runtime import preview
from ..runtime.state import state
from .base import NeedsHead, head_and_photo


class SEMBLANCE_OT_preview_start(NeedsHead, bpy.types.Operator):
    bl_idname = "semblance.preview_start"
    bl_label = texts.PREVIEW_START
    bl_description = texts.PREVIEW_START_TIP
    bl_options = {"INTERNAL"}

    photo: IntProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        found = head_and_photo(context, self.photo)
        if found is None:
            return {"CANCELLED"}
        preview.start(found[0], self.photo, int(context.scene.semblance.preview.size))
        return {"FINISHED"}


class SEMBLANCE_OT_preview_stop(bpy.types.Operator):
    bl_idname = "semblance.preview_stop"
    bl_label = texts.PREVIEW_STOP
    bl_description = texts.PREVIEW_STOP_TIP
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return state.preview is not None

    def execute(self, _context: bpy.types.Context) -> set[str]:
        preview.stop()
        return {"FINISHED"}


CLASSES = (SEMBLANCE_OT_preview_start, SEMBLANCE_OT_preview_stop)
