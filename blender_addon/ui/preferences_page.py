# SPDX-License-Identifier: GPL-3.0-or-later
"""Semblance's page in the preferences: where heads are made, and what is wrong."""

from __future__ import annotations

from typing import Any

import bpy

from .. import texts
from ..diagnosis import problems, versions
from ..runtime import session
from ..runtime.state import state
from ..server_choice import is_loopback
from ..texts import t
from .parts import sentence
from .person_panels import SERVER_TEXTS


def draw_preferences(layout: bpy.types.UILayout, chosen: Any, context: bpy.types.Context) -> None:
    """The whole page."""
    if session.running() is None:
        session.worker()
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.row().prop(chosen, "place", expand=True)
    if chosen.place == "LOCAL":
        _draw_local(layout, chosen, context)
    else:
        _draw_remote(layout, chosen, context)
    _draw_diagnosis(layout, context)
    if chosen.place == "LOCAL":
        _draw_log(layout)


def _draw_local(layout: bpy.types.UILayout, chosen: Any, context: bpy.types.Context) -> None:
    column = layout.column()
    row = column.row(align=True)
    row.prop(chosen, "python")
    row.operator("semblance.find_python", icon="VIEWZOOM")
    if state.pythons is not None:
        box = column.box().column(align=True)
        for path, version in state.pythons.found:
            row = box.row(align=True)
            row.label(text=f"{path}   {version}", icon="CONSOLE", translate=False)
            side = row.row(align=True)
            side.alignment = "RIGHT"
            side.operator("semblance.use_python", icon="CHECKMARK").path = path
        if not state.pythons.found:
            box.label(text=t(texts.FOUND_NONE, count=state.pythons.looked_at), icon="ERROR", translate=False)
    column.prop(chosen, "port")
    column.prop(chosen, "device")
    _draw_state(layout)
    row = layout.row(align=True)
    row.scale_y = 1.2
    running = state.server is not None and state.server.state in ("ready", "starting")
    start, stop = row.row(align=True), row.row(align=True)
    start.enabled, stop.enabled = not running, running
    start.operator("semblance.server_start", icon="PLAY")
    stop.operator("semblance.server_stop", icon="SNAP_FACE")
    row.operator("semblance.server_check", icon="FILE_REFRESH")


def _draw_remote(layout: bpy.types.UILayout, chosen: Any, context: bpy.types.Context) -> None:
    column = layout.column()
    column.prop(chosen, "url")
    column.prop(chosen, "token")
    if chosen.url.startswith("http://") and not is_loopback(chosen.url):
        sentence(layout, context, t(texts.ONLY_HTTPS), "ERROR")
    _draw_state(layout)
    row = layout.row()
    row.scale_y = 1.2
    row.operator("semblance.server_check", icon="FILE_REFRESH")


def _draw_state(layout: bpy.types.UILayout) -> None:
    server = state.server
    text, icon = SERVER_TEXTS.get(server.state if server else "", (texts.SERVER_UNKNOWN, "SORTTIME"))
    facts = [t(text), server.url, server.version, server.device] if server else [t(text)]
    layout.label(text="   ".join(fact for fact in facts if fact), icon=icon, translate=False)


def _draw_diagnosis(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    box = layout.box()
    row = box.row()
    row.label(text=texts.DIAGNOSIS, icon="HEART")
    side = row.row()
    side.alignment = "RIGHT"
    side.operator("semblance.copy_report", icon="COPYDOWN")
    found = problems()
    for problem in found:
        row = box.row()
        sentence(row, context, f"{problem.message} {problem.hint}".strip(), "ERROR", margin=230)
        if problem.operator:
            side = row.row()
            side.alignment = "RIGHT"
            side.operator(problem.operator)
    if not found:
        box.label(text=texts.FINE, icon="CHECKMARK")
    line = box.row()
    line.active = False
    line.label(text=versions(), translate=False)


def _draw_log(layout: bpy.types.UILayout) -> None:
    box = layout.box()
    box.label(text=texts.LOG, icon="TEXT")
    lines = box.column(align=True)
    lines.scale_y = 0.8
    for line in state.log:
        lines.label(text=line[:160], translate=False)
    if not state.log:
        lines.label(text=texts.LOG_EMPTY)
