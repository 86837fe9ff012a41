# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 sliders: the shape keys' own values, so that they can be keyed, driven and copied as any other."""

from __future__ import annotations

import bpy

from .. import texts
from ..expressions import ROWS, Row
from ..heads import keys_of
from ..people import head_in
from .parts import SidebarPanel


class SEMBLANCE_PT_expression(SidebarPanel, bpy.types.Panel):
    """Buttons for all regions; the regions are panels below it."""

    bl_idname = "SEMBLANCE_PT_expression"
    bl_parent_id = "SEMBLANCE_PT_head"
    bl_label = texts.EXPRESSION

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return head_in(context) is not None

    def draw(self, _context: bpy.types.Context) -> None:
        row = self.layout.row(align=True)
        row.operator("semblance.expression_reset").region = ""
        row.operator("semblance.expression_key")
        self.layout.menu("SEMBLANCE_MT_mirror")


class _RegionPanel(SidebarPanel):
    bl_parent_id = "SEMBLANCE_PT_expression"
    region_name = ""

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        row = self.layout.row(align=True)  # type: ignore[attr-defined]
        row.emboss = "NONE"
        row.operator("semblance.expression_reset", text="", icon="LOOP_BACK").region = self.region_name

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout  # type: ignore[attr-defined]
        keys = keys_of(head_in(context))
        rows = ROWS[self.region_name]
        if any(len(row.keys) == 2 for row in rows):
            _, sides = _split(layout)
            for side in (texts.LEFT, texts.RIGHT):
                cell = sides.row()
                cell.alignment = "CENTER"
                cell.active = False
                cell.label(text=side)
        column = layout.column(align=True)
        for row in rows:
            _draw_row(column, row, keys)


def _split(layout: bpy.types.UILayout) -> tuple[bpy.types.UILayout, bpy.types.UILayout]:
    split = layout.split(factor=0.38, align=True)
    return split.row(), split.row(align=True)


def _draw_row(layout: bpy.types.UILayout, row: Row, keys: bpy.types.bpy_prop_collection) -> None:
    label, sliders = _split(layout)
    label.alignment = "RIGHT"
    label.label(text=row.label)
    for name in row.keys:
        if name in keys:
            sliders.prop(keys[name], "value", text="", slider=True)


def _panel(region: str, order: int) -> type:
    return type(
        f"SEMBLANCE_PT_region_{region}",
        (_RegionPanel, bpy.types.Panel),
        {
            "__doc__": f"Sliders of the region {region}.",
            "bl_idname": f"SEMBLANCE_PT_region_{region}",
            "bl_label": texts.REGIONS[region],
            "bl_options": set() if region == "eyes" else {"DEFAULT_CLOSED"},
            "bl_order": order,
            "region_name": region,
        },
    )


CLASSES = (SEMBLANCE_PT_expression, *(_panel(region, order) for order, region in enumerate(ROWS)))
