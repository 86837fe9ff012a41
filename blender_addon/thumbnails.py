# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of photos for the list. Panels only ask; the timer loads, a few at a time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bpy.utils.previews

_MOST = 400
_previews: Any = None
_waiting: dict[str, None] = {}  # an ordered set of paths
_without: set[str] = set()  # paths that get no picture: no file, or one too many


def icon(path: str) -> int:
    """The icon of a photo, 0 until it is there. Called while drawing: only asks for what is missing."""
    if _previews is None or path in _without:
        return 0
    preview = _previews.get(path)
    if preview is None:
        _waiting.setdefault(path)
        return 0
    return int(preview.icon_id)


def waiting() -> bool:
    """Whether panels asked for pictures that are not loaded."""
    return bool(_waiting)


def load_waiting(deadline: float) -> None:
    """Load until ``deadline`` (of ``time.perf_counter``). Blender decodes in a thread of its own."""
    while _waiting and time.perf_counter() < deadline:
        path = next(iter(_waiting))
        del _waiting[path]
        if _previews is None or path in _previews:
            continue
        if len(_previews) >= _MOST or not Path(path).is_file():
            _without.add(path)  # or every redraw would ask for it again
        else:
            _previews.load(path, path, "IMAGE")


def clear() -> None:
    """Another file was opened."""
    _waiting.clear()
    _without.clear()
    if _previews is not None:
        _previews.clear()


def register() -> None:
    """Open the collection."""
    global _previews
    _previews = bpy.utils.previews.new()


def unregister() -> None:
    """Close it."""
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
    _previews = None
    _waiting.clear()
