# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a head for other programs."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from .. import export, texts
from ..people import head_in
from ..texts import t
from .base import NeedsHead


class SEMBLANCE_OT_export(NeedsHead, bpy.types.Operator, ExportHelper):
    bl_idname = "semblance.export"
    bl_label = texts.EXPORT
    bl_description = texts.EXPORT_TIP
    bl_options = {"REGISTER"}

    filename_ext = ".glb"
    filter_glob: StringProperty(default="*.glb;*.obj", options={"HIDDEN"})
    ending: EnumProperty(
        items=((".glb", texts.EXPORT_GLB, texts.EXPORT_TIP), (".obj", texts.EXPORT_OBJ, texts.EXPORT_TIP)),
        options={"HIDDEN"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        beside = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        self.filepath = str(beside / f"{head_in(context).mesh.name}{self.ending}")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, _context: bpy.types.Context) -> bool:
        right = str(Path(self.filepath).with_suffix(self.ending))
        changed, self.filepath = right != self.filepath, right
        return changed

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(self.filepath).with_suffix(self.ending)
        write = export.write_glb if self.ending == ".glb" else export.write_obj
        try:
            write(head_in(context), path)
        except (OSError, RuntimeError, AttributeError) as error:  # Blender's exporters raise all three
            self.report({"ERROR"}, t(texts.EXPORT_FAILED, reason=error))
            return {"CANCELLED"}
        self.report({"INFO"}, t(texts.EXPORTED, path=path))
        return {"FINISHED"}


CLASSES = (SEMBLANCE_OT_export,)
