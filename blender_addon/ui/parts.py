# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pieces that several panels draw."""

from __future__ import annotations

import textwrap

import bpy

from .. import texts
from ..runtime.window import blocking_mode
from ..texts import t

CATEGORY = "Semblance"
_LETTER = 6.0  # pixels of an average letter, at scale 1


class SidebarPanel:
    """In the sidebar of the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY


def sentence(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    text: str,
    icon: str = "NONE",
    alert: bool = False,
    margin: int = 58,
) -> None:
    """A text on as many lines as the region's width asks for; ``margin``: pixels that are not for letters."""
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.85
    scale = context.preferences.system.ui_scale
    width = context.region.width / scale - margin - (20 if icon != "NONE" else 0)
    for number, line in enumerate(textwrap.wrap(text, max(14, int(width / _LETTER)))):
        if icon == "NONE":
            column.label(text=line, translate=False)
        else:
            column.label(text=line, icon=icon if number == 0 else "BLANK1", translate=False)


def tell_to_leave_mode(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> bool:
    """Say that something finished waits for the user to leave a mode; false where none is in the way."""
    mode = blocking_mode()
    if mode:
        name = t(mode.replace("_", " ").title())
        sentence(layout.box(), context, t(text, mode=name), "INFO")
    return bool(mode)


def time_left(seconds: float | None) -> str:
    """Seconds in words, empty where they are not known."""
    if seconds is None or seconds < 0.5:
        return ""
    if seconds < 90:
        return t(texts.SECONDS_LEFT, seconds=round(seconds))
    return t(texts.MINUTES_LEFT, minutes=round(seconds / 60))
