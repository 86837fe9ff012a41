# SPDX-License-Identifier: GPL-3.0-or-later
"""The main thread's part of a preview: what the rig does now to the server, pictures of it onto the views.

One photo at a time. Things are looked up anew at every tick, since undo makes them anew; nothing in the file
is changed. A tick waits for nothing.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import bpy

from .. import texts
from ..build import Head
from ..client import messages
from ..client import preview_messages as say
from ..client.preview import PreviewLine
from ..heads import SHOWN_PROPERTY, find_head, fit_camera, head_of, photos_of, picture_of
from ..preview.cache import PictureCache
from ..preview.head_state import read_state
from ..preview.overlay import Overlay
from ..server_choice import is_loopback, target
from ..texts import t
from . import session
from .state import state
from .window import is_rendering, redraw, redraw_views

PAUSE = 1 / 60  # seconds between ticks while a preview runs
_WINDOW = 2.0  # seconds over which pictures are counted


@dataclass
class _Preview:
    """What runs now."""

    rig: str
    mesh: str  # its object's name: a file may have several heads of a rig
    photo: int
    line: PreviewLine
    overlay: Overlay
    cache: PictureCache = field(default_factory=PictureCache)
    wanted: bytes = b""  # the key of what the rig does
    shown: bytes = b""  # the key of what is drawn
    times: deque[float] = field(default_factory=deque)  # when pictures were drawn anew


_preview: _Preview | None = None
_ending: list[PreviewLine] = []  # told to stop, not ended yet


def shows(head: Head, photo: int) -> bool:
    """Whether this photo of the head follows it now."""
    return _preview is not None and _preview.photo == photo and _preview.mesh == head.mesh.name


def pictures_a_second() -> float:
    """How many pictures of the last two seconds were new, each second."""
    if _preview is None:
        return 0.0
    _forget_old(_preview)
    return len(_preview.times) / _WINDOW


def start(head: Head, photo: int, size: int) -> None:
    """Let a photo of a head follow it; ends a preview that runs."""
    global _preview
    stop()
    chosen = target()
    packed = isinstance(chosen, messages.RemoteServer) and not is_loopback(chosen.url)
    rig = str(head.mesh["semblance_rig_id"])
    request = say.StartPreview(chosen, session.data_folder("rigs"), rig, photo, size, packed)
    overlay = Overlay(_camera, _backdrop)
    _preview = _Preview(rig, head.mesh.name, photo, PreviewLine(request), overlay)
    overlay.open()
    state.preview, state.preview_ended = say.PreviewStage("connect"), None


def stop() -> None:
    """End the preview: at once here, soon in its thread."""
    global _preview
    if _preview is None:
        return
    ended, _preview = _preview, None
    ended.overlay.close()
    ended.line.stop()
    _ending.append(ended.line)
    state.preview = None
    redraw_views()


def shut_down() -> None:
    """The add-on is switched off: end everything, within two seconds."""
    stop()
    for line in _ending:
        line.join()
    _ending.clear()


def tick() -> float | None:
    """Draw what has come, ask for what the rig does; seconds until the next tick, none without a preview."""
    _ending[:] = [line for line in _ending if line.alive]
    while _preview is not None and (report := _preview.line.reports.take()) is not None:
        _receive(_preview, report)
    if _preview is None:
        return None
    if _preview.overlay.failure:
        ended = say.PreviewEnded("not_drawn", t(texts.PREVIEW_NOT_DRAWN, error=_preview.overlay.failure))
        stop()
        state.preview_ended = ended
        redraw()
        return None
    _take_pictures(_preview)
    if not is_rendering() and _preview.overlay.layout is not None:
        head = _head(_preview)
        if head is None:  # deleted, or the step that made it was undone
            stop()
            return None
        _follow(_preview, head)
    return PAUSE


def _receive(preview: _Preview, report: Any) -> None:
    if isinstance(report, say.PreviewStage):
        state.preview = report
        preview.overlay.layout = report.layout
    elif isinstance(report, say.PreviewEnded):
        stop()
        state.preview_ended = report if report.code else None
    redraw()


def _take_pictures(preview: _Preview) -> None:
    """Keep all that have come; draw the newest, unless what is wanted is drawn already."""
    while (picture := preview.line.pictures.take()) is not None:
        if picture.key:  # picture 0 is of no state
            preview.cache.put(picture.key, picture.pixels)
        if not preview.wanted or preview.shown != preview.wanted:
            _show(preview, picture.key, picture.pixels)


def _follow(preview: _Preview, head: Head) -> None:
    assert preview.overlay.layout is not None
    now = read_state(head, preview.overlay.layout.names, _depsgraph(head))
    key = now.key()
    if key == preview.wanted:
        return
    preview.wanted = key
    pixels = preview.cache.get(key)
    if pixels is None:
        preview.line.ask(now)
    elif key != preview.shown:
        _show(preview, key, pixels)


def _show(preview: _Preview, key: bytes, pixels: Any) -> None:
    preview.shown = key
    preview.overlay.show(pixels)
    _forget_old(preview)
    preview.times.append(time.monotonic())
    redraw_views()


def _forget_old(preview: _Preview) -> None:
    while preview.times and preview.times[0] < time.monotonic() - _WINDOW:
        preview.times.popleft()


def _head(preview: _Preview) -> Head | None:
    head = head_of(bpy.data.objects.get(preview.mesh))
    if head is not None and head.mesh["semblance_rig_id"] == preview.rig:
        return head
    return find_head(preview.rig)


def _depsgraph(head: Head) -> bpy.types.Depsgraph:
    """That of a window which shows the head's scene, as it was last evaluated."""
    layers = [window.view_layer for window in bpy.context.window_manager.windows]
    for layer in layers:
        if head.armature.name in layer.objects and layer.depsgraph is not None:
            return layer.depsgraph
    return bpy.context.view_layer.depsgraph or bpy.context.evaluated_depsgraph_get()


def _camera() -> bpy.types.Object | None:
    """The camera of the photo, where it may be filled."""
    head = _head(_preview) if _preview is not None else None
    if head is None or _preview is None or bpy.context.scene.semblance.preview.place != "CAMERA":
        return None
    camera = fit_camera(head)
    return camera if camera is not None and camera.get(SHOWN_PROPERTY) == _preview.photo else None


def _backdrop() -> bpy.types.Image | None:
    head = _head(_preview) if _preview is not None else None
    if head is None or _preview is None:
        return None
    photos = photos_of(head)
    return picture_of(head, photos[_preview.photo]) if _preview.photo < len(photos) else None
