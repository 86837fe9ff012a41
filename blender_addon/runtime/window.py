# SPDX-License-Identifier: GPL-3.0-or-later
"""What the timer asks of Blender's windows."""

from __future__ import annotations

from typing import Any

import bpy


def in_window(operator: Any, **properties: str) -> None:
    """Run an operator as one step to undo; timers have no window of their own."""
    windows = bpy.context.window_manager.windows
    if bpy.context.window is None and len(windows):
        with bpy.context.temp_override(window=windows[0]):
            operator("EXEC_DEFAULT", True, **properties)
    else:
        operator("EXEC_DEFAULT", True, **properties)


def blocking_mode() -> str:
    """The mode, such as edit mode, in which an undo step of ours would tear the user's own steps apart."""
    windows = bpy.context.window_manager.windows
    layer = windows[0].view_layer if len(windows) else bpy.context.view_layer
    active = layer.objects.active
    return active.mode if active is not None and active.mode not in ("OBJECT", "POSE") else ""


def in_the_middle() -> bool:
    """Whether something is being dragged, or a render runs."""
    windows = bpy.context.window_manager.windows
    if any(len(getattr(window, "modal_operators", ())) for window in windows):
        return True
    return is_rendering()


def is_free() -> bool:
    """Whether a result can be taken into the scene now without disturbing the user."""
    return not (blocking_mode() or in_the_middle())


def redraw() -> None:
    """Draw the sidebars and the preferences again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
            elif area.type == "PREFERENCES":
                area.tag_redraw()


def is_rendering() -> bool:
    """Whether a render runs, which reads what would be changed."""
    asked = getattr(bpy.app, "is_job_running", None)
    return bool(asked and asked("RENDER"))


def redraw_views() -> None:
    """Draw the 3D views again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "WINDOW":
                        region.tag_redraw()
