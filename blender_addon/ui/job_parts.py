# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's progress, and the button that mends an error; the same for every kind of owner."""

from __future__ import annotations

from typing import Any

import bpy

from .. import texts, thumbnails
from ..client import messages as say
from ..diagnosis import fix_of
from ..owners import OwnerKind
from ..runtime.jobs import frame_picture
from ..runtime.state import Job, state
from ..server_choice import is_local
from ..texts import t
from .parts import sentence, tell_to_leave_mode, time_left


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, kind: OwnerKind, owner: Any) -> bool:
    """Draw how far an owner's job is, or what its result waits for; false where none is in work."""
    job = state.jobs.get(owner.uid)
    if job is None:
        return False
    if job.result is None or not tell_to_leave_mode(layout, context, kind.leave_mode):
        _draw_progress(layout, context, owner, job, kind.cancel)
    return True


def _draw_progress(
    layout: bpy.types.UILayout, context: bpy.types.Context, owner: Any, job: Job, cancel: str
) -> None:
    """Stage, time left, bar and the button ``cancel``; below it, why nothing moves."""
    now = job.progress
    column = layout.column(align=True)
    stage = t(texts.STAGES.get(now.stage, now.stage.replace("_", " ").capitalize() or texts.STARTING))
    row = column.row(align=True)
    row.label(text=stage, translate=False)
    if left := time_left(now.seconds_left):
        side = row.row()
        side.alignment = "RIGHT"
        side.label(text=left, translate=False)
    row = column.row(align=True)
    row.scale_y = 1.3
    if hasattr(row, "progress"):
        percent = t(texts.PROGRESS, percent=round(100 * now.fraction))
        row.progress(factor=now.fraction, type="BAR", text=percent, translate=False)
    else:  # before 4.0
        row.prop(owner, "percent", text="", slider=True)
    row.operator(cancel, text="", icon="X")
    if now.frame is not None:
        _draw_frame(column, context, job, now.frame)
    if now.note:
        box = layout.box()
        sentence(box, context, t(texts.STILL_TRYING, reason=now.note), "ERROR")
        server = state.server
        if server and server.state == "stopped" and is_local():
            box.operator("semblance.server_start", icon="PLAY")
        elif server and server.state != "ready":
            draw_fix(box, server.code)


def _draw_frame(
    layout: bpy.types.UILayout, context: bpy.types.Context, job: Job, frame: say.VideoFrame
) -> None:
    """The frame in work, with its picture; or that it is the last one."""
    if job.stopping:
        sentence(layout, context, t(texts.STOPPING, count=frame.number))
        sentence(layout, context, t(texts.STOPPING_HINT))
        return
    told = t(texts.FRAME_OF, number=frame.number, count=frame.count, seconds=f"{frame.time:.2f}")
    layout.label(text=told, translate=False)
    if icon := thumbnails.icon_of_pixels(frame_picture(job.progress.owner)):
        layout.template_icon(icon_value=icon, scale=8)


def draw_fix(layout: bpy.types.UILayout, code: str) -> None:
    """The button that helps against an error, if there is one."""
    if operator := fix_of(code):
        layout.operator(operator)
