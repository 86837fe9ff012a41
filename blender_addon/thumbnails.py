# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of photos for the list. Panels only ask; the timer loads, a few at a time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bpy.utils.previews
import numpy as np

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


def show_pixels(name: str, width: int, height: int, pixels: bytes) -> None:
    """Make or change a picture of RGB rows from the top."""
    if _previews is None:
        return
    rows = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)[::-1]
    packed = np.full((height, width, 4), 255, np.uint8)
    packed[..., :3] = rows
    preview = _previews.get(name) or _previews.new(name)
    preview.image_size = (width, height)
    preview.image_pixels.foreach_set(packed.reshape(-1, 4).view(np.int32).ravel())


def icon_of_pixels(name: str) -> int:
    """The icon of what :func:`show_pixels` made, 0 where there is none."""
    preview = _previews.get(name) if _previews is not None else None
    return int(preview.icon_id) if preview is not None else 0


def drop(name: str) -> None:
    """Forget a picture."""
    if _previews is not None and name in _previews:
        del _previews[name]


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
