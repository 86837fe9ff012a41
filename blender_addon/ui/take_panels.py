# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance: clip, character, mapping, options, and the job in work."""

from __future__ import annotations

from typing import Any

import bpy

from .. import texts
from ..diagnosis import fix_of
from ..owners import TAKE
from ..runtime import session
from ..takes import active_channel, eyes_are_bones
from ..texts import t
from .clip_parts import draw_people, draw_span
from .job_parts import draw_fix, draw_job
from .parts import SidebarPanel, sentence


class SEMBLANCE_PT_take(SidebarPanel, bpy.types.Panel):
    """Which clip, and whose face in it."""

    bl_idname = "SEMBLANCE_PT_take"
    bl_label = texts.PERFORMANCE
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, context.scene.semblance.take
        if session.running() is None and not bpy.app.background:
            session.worker()
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(take, "clip")
        column = layout.column(align=True)
        column.prop(take, "start")
        column.prop(take, "end")
        draw_span(layout, context, take)
        layout.prop(take, "follow")
        if take.follow == "POINT":
            column = layout.column(align=True)
            column.prop(take, "point")
            column.prop(take, "point_time")
        draw_people(layout, take)


class _TakePanel(SidebarPanel):
    bl_parent_id = "SEMBLANCE_PT_take"


class SEMBLANCE_PT_take_target(_TakePanel, bpy.types.Panel):
    """What the performance moves."""

    bl_idname = "SEMBLANCE_PT_take_target"
    bl_label = texts.TARGET

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, context.scene.semblance.take
        layout.operator("semblance.take_target", icon="RESTRICT_SELECT_OFF")
        if not take.meshes:
            sentence(layout, context, t(texts.NO_TARGET), "INFO")
            return
        box = layout.box().column(align=True)
        for row in take.meshes:
            gone = row.item is None
            name = row.name if gone else row.item.name
            box.label(text=name, icon="ERROR" if gone else "MESH_DATA", translate=False)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(take, "head")
        if take.head is not None and take.head.type == "ARMATURE":
            column = layout.column(align=True)
            column.prop_search(take, "head_bone", take.head.data, "bones", icon="BONE_DATA")
            column.prop_search(take, "neck_bone", take.head.data, "bones", icon="BONE_DATA")
            if take.neck_bone:
                column.prop(take, "neck_share")
        if take.head is not None:
            layout.prop(take, "place")
        _draw_eyes(layout, context, take)


def _draw_eyes(layout: bpy.types.UILayout, context: bpy.types.Context, take: Any) -> None:
    bones = eyes_are_bones(take)
    if bones:
        where, kind, icon = take.head.data, "bones", "BONE_DATA"
    else:
        where, kind, icon = context.scene, "objects", "OBJECT_DATA"
    column = layout.column(align=True)
    column.prop_search(take, "left_eye", where, kind, icon=icon)
    column.prop_search(take, "right_eye", where, kind, icon=icon)
    if not (take.left_eye and take.right_eye):
        return
    column.prop(take, "turn_eyes")
    if not take.turn_eyes and take.aim is None:
        sentence(layout, context, t(texts.EYES_BY_KEYS), "INFO")
    if bones:
        layout.prop(take, "aim")


class SEMBLANCE_PT_take_mapping(_TakePanel, bpy.types.Panel):
    """Which shape key follows what."""

    bl_idname = "SEMBLANCE_PT_take_mapping"
    bl_label = texts.MAPPING
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return len(context.scene.semblance.take.meshes) > 0

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, context.scene.semblance.take
        row = layout.row(align=True)
        row.operator("semblance.take_map", icon="VIEWZOOM")
        row.operator("semblance.mapping_load", text="", icon="FILEBROWSER")
        row.operator("semblance.mapping_save", text="", icon="FILE_TICK")
        if not take.channels:
            sentence(layout, context, t(texts.NO_MAPPING), "INFO")
        elif take.mapping:
            layout.label(text=take.mapping, translate=False)
        rows = 5 if take.channels else 2
        row = layout.row()
        row.template_list(
            "SEMBLANCE_UL_channels", "", take, "channels", take, "active_channel", rows=rows, maxrows=10
        )
        side = row.column(align=True)
        side.operator("semblance.channel_add", text="", icon="ADD")
        side.operator("semblance.channel_remove", text="", icon="REMOVE")
        if (channel := active_channel(take)) is not None:
            _draw_channel(layout, context, channel)


def _draw_channel(layout: bpy.types.UILayout, context: bpy.types.Context, channel: Any) -> None:
    sentence(layout, context, f"{channel.name} = {_units(channel)}")
    row = layout.row()
    row.template_list("SEMBLANCE_UL_units", "", channel, "units", channel, "active_unit", rows=2, maxrows=5)
    side = row.column(align=True)
    side.operator("semblance.unit_add", text="", icon="ADD")
    side.operator("semblance.unit_remove", text="", icon="REMOVE")
    column = layout.column(align=True)
    column.use_property_split = True
    column.use_property_decorate = False
    for name in ("gain", "offset", "low", "high"):
        column.prop(channel, name)


def _units(channel: Any) -> str:
    return " + ".join(
        unit.name if unit.weight == 1 else f"{unit.weight:g} {unit.name}" for unit in channel.units
    )


class SEMBLANCE_UL_channels(bpy.types.UIList):
    """Shape keys with what drives them, how much, and whether at all."""

    def draw_item(
        self,
        _context: Any,
        layout: bpy.types.UILayout,
        _take: Any,
        channel: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
    ) -> None:
        row = layout.row(align=True)
        row.active = not channel.mute
        row.label(text=channel.name, translate=False)
        if (units := _units(channel)) != channel.name:
            side = row.row()
            side.active = False
            side.label(text=units, translate=False)
        if channel.gain != 1:  # it is set below the list, where there is room for it
            side = row.row()
            side.alignment = "RIGHT"
            side.label(text=f"\u00d7 {channel.gain:.2g}", translate=False)
        icon = "HIDE_ON" if channel.mute else "HIDE_OFF"
        row.prop(channel, "mute", text="", icon=icon, emboss=False, invert_checkbox=True)


class SEMBLANCE_UL_units(bpy.types.UIList):
    """What drives a shape key, and how much."""

    def draw_item(
        self,
        _context: Any,
        layout: bpy.types.UILayout,
        _channel: Any,
        unit: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
    ) -> None:
        row = layout.split(factor=0.66, align=True)
        row.label(text=unit.name, translate=False)
        row.prop(unit, "weight", text="")


class SEMBLANCE_PT_take_options(_TakePanel, bpy.types.Panel):
    """How the curves are made, and where they go."""

    bl_idname = "SEMBLANCE_PT_take_options"
    bl_label = texts.OPTIONS
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, context.scene.semblance.take
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(align=True)
        column.prop(take, "gain")
        column.prop(take, "smoothing")
        column.prop(take, "error")
        layout.prop(take, "swap")
        layout.prop(take, "wrinkles")
        layout.prop(take, "calibrate")
        if take.calibrate:
            layout.prop(take, "neutral")
        column = layout.column(align=True)
        column.prop(take, "start_frame")
        column.prop(take, "into")
        layout.prop(take, "track")


class SEMBLANCE_PT_take_job(_TakePanel, bpy.types.Panel):
    """The buttons, or the job's progress; then what came of it."""

    bl_idname = "SEMBLANCE_PT_take_job"
    bl_label = texts.TRACK
    bl_options = {"HIDE_HEADER"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, context.scene.semblance.take
        if not draw_job(layout, context, TAKE, take):
            column = layout.column(align=True)
            column.scale_y = 1.4
            row = column.row(align=True)
            row.enabled = bool(take.clip and take.meshes)
            row.operator("semblance.take_track", icon="TRACKER")
            if take.track:
                row = column.row(align=True)
                row.enabled = bool(take.meshes)
                row.operator("semblance.take_again", icon="FILE_REFRESH")
        if take.error_message:
            _draw_error(layout, context, take)
        for line in take.warnings:
            sentence(layout, context, line.message, "INFO")


def _draw_error(layout: bpy.types.UILayout, context: bpy.types.Context, take: Any) -> None:
    box = layout.box()
    row = box.row(align=True)
    row.alert = True
    row.label(text=texts.TAKE_FAILED, icon="ERROR")
    row.operator("semblance.take_dismiss", text="", icon="X", emboss=False)
    sentence(box, context, take.error_message)
    if take.error_hint:
        sentence(box, context, take.error_hint)
    if fix_of(take.error_code):
        draw_fix(box, take.error_code)


CLASSES = (
    SEMBLANCE_UL_channels,
    SEMBLANCE_UL_units,
    SEMBLANCE_PT_take,
    SEMBLANCE_PT_take_target,
    SEMBLANCE_PT_take_mapping,
    SEMBLANCE_PT_take_options,
    SEMBLANCE_PT_take_job,
)
