# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 keys: reset, mirrored, keyed, and taken from a photo."""

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from .. import texts
from ..expressions import key_names, mirrored
from ..heads import keys_of
from ..people import head_in
from .base import NeedsHead, head_and_photo, set_keys


class SEMBLANCE_OT_expression_reset(NeedsHead, bpy.types.Operator):
    bl_idname = "semblance.expression_reset"
    bl_label = texts.RESET
    bl_description = texts.RESET_TIP
    bl_options = {"REGISTER", "UNDO"}

    region: StringProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        set_keys(context, head_in(context), dict.fromkeys(key_names(self.region), 0.0))
        return {"FINISHED"}


class SEMBLANCE_OT_expression_mirror(NeedsHead, bpy.types.Operator):
    bl_idname = "semblance.expression_mirror"
    bl_label = texts.MIRROR
    bl_description = texts.MIRROR_TIP
    bl_options = {"REGISTER", "UNDO"}

    region: StringProperty(options={"HIDDEN"})
    direction: EnumProperty(name=texts.MIRROR, description=texts.MIRROR_TIP, items=texts.MIRRORS)

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = head_in(context)
        keys = keys_of(head)
        values = {name: keys[name].value for name in key_names(self.region) if name in keys}
        set_keys(context, head, mirrored(values, self.direction))
        return {"FINISHED"}


class SEMBLANCE_OT_expression_key(NeedsHead, bpy.types.Operator):
    bl_idname = "semblance.expression_key"
    bl_label = texts.KEY_ALL
    bl_description = texts.KEY_ALL_TIP
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        keys = keys_of(head_in(context))
        for name in key_names():
            if name in keys:
                keys[name].keyframe_insert("value")
        return {"FINISHED"}


class SEMBLANCE_OT_photo_pose(NeedsHead, bpy.types.Operator):
    bl_idname = "semblance.photo_pose"
    bl_label = texts.POSE
    bl_description = texts.POSE_TIP
    bl_options = {"REGISTER", "UNDO"}

    photo: IntProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        found = head_and_photo(context, self.photo)
        if found is None:
            return {"CANCELLED"}
        head, photo = found
        set_keys(context, head, {**dict.fromkeys(key_names(), 0.0), **photo.expression})
        return {"FINISHED"}


CLASSES = (
    SEMBLANCE_OT_expression_reset,
    SEMBLANCE_OT_expression_mirror,
    SEMBLANCE_OT_expression_key,
    SEMBLANCE_OT_photo_pose,
)
