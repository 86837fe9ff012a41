# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server the user has chosen, and whether Blender may talk to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import bpy

from .addon_id import ADDON
from .client import messages as say
from .client.local.folder import server_folder

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


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
    try:
        return urlsplit(url).hostname in _LOOPBACK
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
