# SPDX-License-Identifier: GPL-3.0-or-later
"""The mapping table: edited by hand, and as presets saved, shared and loaded."""

import json
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from .. import texts
from ..expressions import key_names
from ..preset_check import PresetNewer
from ..takes import active_channel, fill_channels, free_keys, preset_of, set_units
from ..texts import t

_MOST_BYTES = 16 << 20


class SEMBLANCE_OT_mapping_load(bpy.types.Operator, ImportHelper):
    bl_idname = "semblance.mapping_load"
    bl_label = texts.LOAD_MAPPING
    bl_description = texts.LOAD_MAPPING_TIP
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        path, take = Path(self.filepath), context.scene.semblance.take
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError("the file is too large")
            preset = json.loads(path.read_text(encoding="utf-8"))
            fill_channels(take, preset)
        except PresetNewer as error:
            self.report({"ERROR"}, f"{error} {t(texts.MAPPING_NEWER_HINT)}")
            return {"CANCELLED"}
        except (OSError, ValueError, RecursionError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
            said = t(texts.MAPPING_UNREADABLE, path=path, reason=reason)
            self.report({"ERROR"}, f"{said} {t(texts.MAPPING_UNREADABLE_HINT)}")
            return {"CANCELLED"}
        take.swap = preset["mirrored"]
        return {"FINISHED"}


class SEMBLANCE_OT_mapping_save(bpy.types.Operator, ExportHelper):
    bl_idname = "semblance.mapping_save"
    bl_label = texts.SAVE_MAPPING
    bl_description = texts.SAVE_MAPPING_TIP
    bl_options = {"REGISTER"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return len(context.scene.semblance.take.channels) > 0

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(self.filepath)
        preset = preset_of(context.scene.semblance.take)
        try:
            path.write_text(json.dumps(preset, indent=1, ensure_ascii=False), encoding="utf-8")
        except OSError as error:
            self.report({"ERROR"}, t(texts.MAPPING_NOT_SAVED, path=path, reason=error.strerror))
            return {"CANCELLED"}
        self.report({"INFO"}, t(texts.EXPORTED, path=path))
        return {"FINISHED"}


def _free_keys(_operator: bpy.types.Operator, context: bpy.types.Context, _typed: str) -> list[str]:
    return free_keys(context.scene.semblance.take)


class SEMBLANCE_OT_channel_add(bpy.types.Operator):
    bl_idname = "semblance.channel_add"
    bl_label = texts.ADD_CHANNEL
    bl_description = texts.ADD_CHANNEL_TIP
    bl_options = {"REGISTER", "UNDO"}

    key: StringProperty(
        name=texts.SHAPE_KEY,
        description=texts.SHAPE_KEY_TIP,
        search=_free_keys,
        search_options={"SUGGESTION"},
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return len(context.scene.semblance.take.meshes) > 0

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if not self.key:
            self.key = next(iter(free_keys(context.scene.semblance.take)), "")
        return set(context.window_manager.invoke_props_dialog(self))

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = context.scene.semblance.take
        if not self.key or self.key in take.channels:
            said = texts.CHANNEL_THERE if self.key else texts.NO_CHANNEL_NAME
            self.report({"ERROR"}, t(said, name=self.key))
            return {"CANCELLED"}
        row = take.channels.add()
        row.name = self.key
        set_units(row, {self.key: 1.0} if self.key in key_names() else {})
        take.active_channel = len(take.channels) - 1
        return {"FINISHED"}


class _NeedsChannel:
    """Greyed out where no row is chosen."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_channel(context.scene.semblance.take) is not None


class SEMBLANCE_OT_channel_remove(_NeedsChannel, bpy.types.Operator):
    bl_idname = "semblance.channel_remove"
    bl_label = texts.REMOVE_CHANNEL
    bl_description = texts.REMOVE_CHANNEL_TIP
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = context.scene.semblance.take
        take.channels.remove(take.active_channel)
        take.active_channel = max(0, min(take.active_channel, len(take.channels) - 1))
        return {"FINISHED"}


class SEMBLANCE_OT_unit_add(_NeedsChannel, bpy.types.Operator):
    bl_idname = "semblance.unit_add"
    bl_label = texts.ADD_UNIT
    bl_description = texts.ADD_UNIT_TIP
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "unit"

    unit: EnumProperty(name=texts.EXPRESSION, items=[(name, name, "") for name in sorted(key_names())])

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        channel = active_channel(context.scene.semblance.take)
        if self.unit in channel.units:
            self.report({"ERROR"}, t(texts.UNIT_THERE, name=self.unit))
            return {"CANCELLED"}
        channel.units.add().name = self.unit
        channel.active_unit = len(channel.units) - 1
        return {"FINISHED"}


class SEMBLANCE_OT_unit_remove(bpy.types.Operator):
    bl_idname = "semblance.unit_remove"
    bl_label = texts.REMOVE_UNIT
    bl_description = texts.REMOVE_UNIT_TIP
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        channel = active_channel(context.scene.semblance.take)
        return channel is not None and 0 <= channel.active_unit < len(channel.units)

    def execute(self, context: bpy.types.Context) -> set[str]:
        channel = active_channel(context.scene.semblance.take)
        channel.units.remove(channel.active_unit)
        channel.active_unit = max(0, min(channel.active_unit, len(channel.units) - 1))
        return {"FINISHED"}


CLASSES = (
    SEMBLANCE_OT_mapping_load,
    SEMBLANCE_OT_mapping_save,
    SEMBLANCE_OT_channel_add,
    SEMBLANCE_OT_channel_remove,
    SEMBLANCE_OT_unit_add,
    SEMBLANCE_OT_unit_remove,
)
