# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells Blender about everything the add-on brings, and takes it back in the opposite order."""

from __future__ import annotations

import bpy

from . import german, operators, preferences, properties, thumbnails, ui
from .addon_id import ADDON
from .runtime import handlers
from .ui import menus

CLASSES = (*properties.CLASSES, *preferences.CLASSES, *operators.CLASSES, *ui.CLASSES)


def register() -> None:
    """Everything, or nothing if something fails."""
    done = []
    try:
        for cls in CLASSES:
            bpy.utils.register_class(cls)
            done.append(cls)
        properties.register()
    except BaseException:
        for cls in reversed(done):
            bpy.utils.unregister_class(cls)
        raise
    thumbnails.register()
    menus.register()
    bpy.app.translations.register(ADDON, german.translations())
    handlers.register()


def unregister() -> None:
    """Everything that :func:`register` did."""
    handlers.unregister()
    bpy.app.translations.unregister(ADDON)
    menus.unregister()
    thumbnails.unregister()
    properties.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
