# SPDX-License-Identifier: GPL-3.0-or-later
"""Live tracking in the performance panel."""

from __future__ import annotations

import bpy

from .. import texts
from ..client import live_messages as say
from ..runtime import live
from ..runtime.state import state
from ..texts import t
from .parts import SidebarPanel, tell_to_leave_mode


class SEMBLANCE_PT_live(SidebarPanel, bpy.types.Panel):
    """The source and the buttons, or how it goes."""

    bl_idname = "SEMBLANCE_PT_live"
    bl_label = texts.LIVE
    bl_parent_id = "SEMBLANCE_PT_take"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, context.scene.semblance.take
        if take.uid in live.recordings:
            tell_to_leave_mode(layout, context, texts.LIVE_LEAVE_MODE)
        if live.is_live(take.uid) and state.live is not None:
            _draw_live(layout, state.live)
            return
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(take, "live_source")
        if take.live_source == "CAMERA":
            layout.prop(take, "live_camera")
        row = layout.row()
        row.scale_y = 1.4
        row.enabled = bool(take.meshes and (take.clip or take.live_source != "FILE"))
        row.operator("semblance.live_start", icon="PLAY")


def _draw_live(layout: bpy.types.UILayout, now: say.LiveState) -> None:
    icon = "HIDE_OFF" if now.found else "TIME" if now.stage != "run" else "HIDE_ON"
    row = layout.row()
    row.label(text=_words(now), icon=icon, translate=False)
    row.operator("semblance.live_stop", icon="PAUSE")
    if now.stage != "run":
        return
    row = layout.row(align=True)
    seconds = live.recording()
    if seconds is None:
        row.operator("semblance.live_record", icon="REC")
    else:
        row.alert = True
        row.operator("semblance.live_record_stop", icon="REC")
        layout.label(text=t(texts.LIVE_RECORDED, seconds=f"{seconds:.1f}"), translate=False)
    part = row.row(align=True)
    part.alert = False
    part.enabled = now.found
    part.operator("semblance.live_rest", icon="ARMATURE_DATA")


def _words(now: say.LiveState) -> str:
    if now.stage == "start":
        return t(texts.LIVE_STARTING)
    if now.stage == "wait":
        return t(texts.LIVE_WAITING)
    if not now.found:
        return t(texts.LIVE_NO_FACE, fps=round(now.fps))
    return t(texts.LIVE_FACE, fps=round(now.fps), latency=round(now.latency_ms))


CLASSES = (SEMBLANCE_PT_live,)
