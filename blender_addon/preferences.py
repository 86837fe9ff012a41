# SPDX-License-Identifier: GPL-3.0-or-later
"""Semblance's page in Blender's preferences: what is kept there."""

from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from . import texts
from .addon_id import ADDON
from .runtime import session
from .ui.preferences_page import draw_preferences


def _changed(_self: Any, _context: Any) -> None:
    session.use_chosen_server()


class SemblancePreferences(bpy.types.AddonPreferences):
    """Where heads are made, as the user chose it."""

    bl_idname = ADDON

    place: EnumProperty(name=texts.WHERE, description=texts.WHERE_TIP, items=texts.PLACES, update=_changed)
    python: StringProperty(name=texts.PYTHON, description=texts.PYTHON_TIP, subtype="FILE_PATH")
    port: IntProperty(name=texts.PORT, description=texts.PORT_TIP, min=0, max=65535)
    device: EnumProperty(name=texts.DEVICE, description=texts.DEVICE_TIP, items=texts.DEVICES)
    url: StringProperty(name=texts.URL, description=texts.URL_TIP, update=_changed)
    token: StringProperty(name=texts.TOKEN, description=texts.TOKEN_TIP, subtype="PASSWORD", update=_changed)

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        draw_preferences(self.layout, self, context)


CLASSES = (SemblancePreferences,)
