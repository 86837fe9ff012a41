# SPDX-License-Identifier: GPL-3.0-or-later
"""Mapping presets: saved, shared and loaded."""

import json
from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from .. import texts
from ..preset_check import PresetNewer
from ..takes import fill_channels, preset_of
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


CLASSES = (SEMBLANCE_OT_mapping_load, SEMBLANCE_OT_mapping_save)
