# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys for a character that has none, as a part of the performance panel."""

from __future__ import annotations

import bpy

from .. import texts
from ..diagnosis import fix_of
from ..keyless.landmarks import landmarks_of
from ..owners import TRANSFER
from ..texts import t
from ..transfers import chosen_meshes
from .job_parts import draw_fix, draw_job
from .parts import SidebarPanel, sentence


class SEMBLANCE_PT_keys(SidebarPanel, bpy.types.Panel):
    """The mesh, its landmarks, and the job."""

    bl_idname = "SEMBLANCE_PT_keys"
    bl_label = texts.KEYLESS
    bl_parent_id = "SEMBLANCE_PT_take"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 5

    def draw(self, context: bpy.types.Context) -> None:
        layout, transfer = self.layout, context.scene.semblance.transfer
        meshes = chosen_meshes(context)
        if meshes:
            box = layout.box().column(align=True)
            for mesh in meshes:
                box.label(text=mesh.name, icon="MESH_DATA", translate=False)
        else:
            sentence(layout, context, t(texts.NO_MESH_SELECTED), "INFO")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(transfer, "source")
        row = layout.row(align=True)
        row.enabled = bool(meshes)
        row.operator("semblance.keys_landmarks", icon="EMPTY_DATA")
        if landmarks_of(meshes):
            row.operator("semblance.keys_hide_landmarks", text="", icon="HIDE_ON")
        if not draw_job(layout, context, TRANSFER, transfer):
            row = layout.row()
            row.scale_y = 1.4
            row.enabled = bool(meshes)
            row.operator("semblance.keys_make", icon="SHAPEKEY_DATA")
        if transfer.error_message:
            box = layout.box()
            sentence(box, context, transfer.error_message, "ERROR", alert=True)
            if transfer.error_code == "landmarks_missing":
                sentence(box, context, t(texts.PLACE_LANDMARKS))
            elif transfer.error_hint:
                sentence(box, context, transfer.error_hint)
            if fix_of(transfer.error_code):
                draw_fix(box, transfer.error_code)
        for line in transfer.warnings:
            sentence(layout, context, line.message, "INFO")


CLASSES = (SEMBLANCE_PT_keys,)
