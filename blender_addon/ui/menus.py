# SPDX-License-Identifier: GPL-3.0-or-later
"""Menus: photos, face models, mirroring, and File > Import."""

import bpy

from .. import texts
from ..runtime.state import state
from ..texts import t


class SEMBLANCE_MT_photos(bpy.types.Menu):
    bl_idname = "SEMBLANCE_MT_photos"
    bl_label = texts.PHOTOS

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator("semblance.photos_paste", icon="PASTEDOWN")
        self.layout.operator("semblance.photos_clear", icon="TRASH")


class SEMBLANCE_MT_models(bpy.types.Menu):
    """The server's face models with their licences; those it does not have are greyed out."""

    bl_idname = "SEMBLANCE_MT_models"
    bl_label = texts.MODEL

    def draw(self, _context: bpy.types.Context) -> None:
        for name, licence, available, _ in state.models or (("anny", "", "ready", ""),):
            row = self.layout.row()
            absent = available == "missing"
            row.enabled = not absent
            text = t(texts.MODEL_ABSENT if absent else texts.MODEL_READY, name=name, licence=licence)
            row.operator("semblance.model_set", text=text.rstrip(": "), translate=False).model = name


class SEMBLANCE_MT_mirror(bpy.types.Menu):
    bl_idname = "SEMBLANCE_MT_mirror"
    bl_label = texts.MIRROR

    def draw(self, _context: bpy.types.Context) -> None:
        for direction, label, _ in texts.MIRRORS:
            chosen = self.layout.operator("semblance.expression_mirror", text=label)
            chosen.direction, chosen.region = direction, ""


def _in_import_menu(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator("semblance.import_rig", text=texts.IMPORT)


def register() -> None:
    """Add the entry of File > Import."""
    bpy.types.TOPBAR_MT_file_import.append(_in_import_menu)


def unregister() -> None:
    """Take it away."""
    bpy.types.TOPBAR_MT_file_import.remove(_in_import_menu)


CLASSES = (SEMBLANCE_MT_photos, SEMBLANCE_MT_models, SEMBLANCE_MT_mirror)
