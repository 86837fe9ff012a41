# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about the clip: its length, and the people in it to choose from."""

from __future__ import annotations

import math
from typing import Any

import bpy

from .. import texts, thumbnails
from ..runtime.state import state
from ..takes import wrong_span
from ..texts import t
from .parts import sentence

_COLUMNS = 4


def draw_span(layout: bpy.types.UILayout, context: bpy.types.Context, take: Any) -> None:
    """Whether the in and out points lie in the clip."""
    length = f"{take.clip_seconds:.2f}"
    if wrong := wrong_span(take):
        sentence(layout, context, wrong, "ERROR", alert=True)
    elif 0 < take.clip_seconds < take.end:
        sentence(layout, context, t(texts.OUT_AFTER_END, seconds=length), "INFO")
    elif take.clip_seconds > 0:
        sentence(layout, context, t(texts.CLIP_LENGTH, seconds=length))


def draw_people(layout: bpy.types.UILayout, take: Any) -> None:
    """The button that looks for people; then a picture of them, and a button for each."""
    row = layout.row()
    row.enabled = bool(take.clip) and take.uid not in state.jobs
    row.operator("semblance.take_people", icon="COMMUNITY")
    found = state.people.get(take.uid)
    if found is None:
        return
    box = layout.box().column()
    if icon := thumbnails.icon(str(found.picture)):
        box.template_icon(icon_value=icon, scale=9)
    box.label(text=t(texts.PEOPLE_AT, seconds=f"{found.time:.2f}"), translate=False)
    grid = box.grid_flow(row_major=True, columns=min(_COLUMNS, len(found.people)), even_columns=True)
    for person in found.people:
        cell = grid.column(align=True)
        if icon := thumbnails.icon(str(person.crop)):
            cell.template_icon(icon_value=icon, scale=3.5)
        chosen = take.follow == "POINT" and math.dist(take.point, person.point) < 1
        button = cell.operator("semblance.take_person", text=str(person.number), depress=chosen)
        button.number = person.number
