# SPDX-License-Identifier: GPL-3.0-or-later
"""Where heads are made: what the user chose, and what follows from it."""

from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from . import texts
from .addon_id import ADDON
from .client import messages as say
from .client.local.folder import server_folder

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _changed(_self: Any, _context: Any) -> None:
    from .runtime import session

    session.use_chosen_server()


class SemblancePreferences(bpy.types.AddonPreferences):
    """Semblance's page in Blender's preferences."""

    bl_idname = ADDON

    place: EnumProperty(name=texts.WHERE, description=texts.WHERE_TIP, items=texts.PLACES, update=_changed)
    python: StringProperty(name=texts.PYTHON, description=texts.PYTHON_TIP, subtype="FILE_PATH")
    port: IntProperty(name=texts.PORT, description=texts.PORT_TIP, min=0, max=65535)
    device: EnumProperty(name=texts.DEVICE, description=texts.DEVICE_TIP, items=texts.DEVICES)
    url: StringProperty(name=texts.URL, description=texts.URL_TIP, update=_changed)
    token: StringProperty(name=texts.TOKEN, description=texts.TOKEN_TIP, subtype="PASSWORD", update=_changed)

    def draw(self, context: bpy.types.Context) -> None:
        """Drawn by the window's part of the add-on."""
        from .ui.preferences_page import draw_preferences

        draw_preferences(self.layout, self, context)


CLASSES = (SemblancePreferences,)


def preferences() -> Any:
    """The user's choices; None while Blender does not count the add-on among its own (some headless runs)."""
    addon = bpy.context.preferences.addons.get(ADDON)
    return addon.preferences if addon else None


def is_local() -> bool:
    """Whether heads are made on this computer."""
    chosen = preferences()
    return chosen is None or chosen.place == "LOCAL"


def is_loopback(url: str) -> bool:
    """Whether an address stays on this computer, so that it needs nobody's leave to go online."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False


def online_allowed() -> bool:
    """Blender's own switch, which exists since 4.2."""
    return bool(getattr(bpy.app, "online_access", True))


def target() -> say.Target:
    """The server to use; None where Blender may not go online and the server is elsewhere."""
    if is_local():
        return say.LocalServer(server_folder())
    chosen = preferences()
    if chosen.url and not is_loopback(chosen.url) and not online_allowed():
        return None
    return say.RemoteServer(chosen.url.strip().rstrip("/"), chosen.token.strip())
