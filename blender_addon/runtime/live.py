# SPDX-License-Identifier: GPL-3.0-or-later
"""The main thread's part of live tracking: the newest frame onto the character, recordings into actions.

One performance at a time is live. Things are looked up anew at every tick, since undo makes them anew; no
step of undo is made but for a recording.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

import bpy

from .. import texts
from ..client import live_messages as say
from ..client.live import LiveListener
from ..client.local.folder import server_folder
from ..owners import TAKE, clear_result, set_error, set_warnings
from ..retarget.animation_file import Animation
from ..retarget.facing import Face
from ..retarget.mapping import KeyTable, RestPose, animation_of
from ..retarget.sink import DirectSink
from ..retarget.take import Targets, WrongTarget, face_in_front, show_moment
from ..server_choice import preferences
from ..takes import (
    fill_channels,
    live_request,
    mesh_keys,
    preset_of,
    set_neutral,
    targets_of,
    with_id,
)
from ..texts import t
from . import session as worker_session
from .state import state
from .window import in_window, is_free, is_rendering, redraw, redraw_views

PAUSE = 1 / 60  # seconds between ticks while something is live
_END_PAUSE = 0.1


@dataclass
class _Live:
    """What is live now."""

    uid: str
    listener: LiveListener
    sink: DirectSink = field(default_factory=DirectSink)
    rest: RestPose | None = None
    newest: say.LiveFrame | None = None
    table: KeyTable | None = None
    made_of: str = ""  # what the table was made of
    preset: dict[str, Any] | None = None  # as recognised; undo may take it out of the file
    face: Face | None = None
    face_of: str = ""  # the table and the targets that showed the face


@dataclass(frozen=True)
class Recording:
    """Frames that wait to become keyframes."""

    frames: list[say.LiveFrame]
    rest: RestPose | None
    preset: dict[str, Any] | None  # if the file has none


recordings: dict[str, Recording] = {}
"""Take's id → what was recorded."""

_live: _Live | None = None
_ending: list[LiveListener] = []  # told to stop, not ended yet


def is_live(uid: str) -> bool:
    """Whether this performance is live."""
    return _live is not None and _live.uid == uid


def recording() -> float | None:
    """Seconds that are recorded so far; none while nothing is."""
    if _live is None or not _live.listener.recording:
        return None
    frames = _live.listener.recorded
    return frames[-1].time - frames[0].time if frames else 0.0


def start(take: Any) -> None:
    """Make a performance live; ends one that is.

    Raises:
        ValueError: it lacks something; says what.
    """
    global _live
    with_id(take)
    if not mesh_keys(take):
        raise ValueError(t(texts.NO_TARGET))
    if take.live_source == "FILE" and not take.clip:
        raise ValueError(t(texts.NO_CLIP))
    chosen = preferences()
    python = bpy.path.abspath(chosen.python) if chosen and chosen.python else ""
    request = live_request(take, server_folder(), python, worker_session.data_folder("rigs"))
    stop()
    clear_result(take)
    _live = _Live(take.uid, LiveListener(request))
    state.live, state.notice = say.LiveState("start"), ""


def stop(put_back: bool = True) -> None:
    """End what is live: at once here, soon in its thread. A recording waits for :func:`tick`."""
    global _live
    if _live is None:
        return
    ended, _live = _live, None
    keep_recording(ended)
    ended.listener.stop()
    _ending.append(ended.listener)
    state.live = None
    if put_back:
        ended.sink.put_back()
        redraw_views()


def shut_down() -> None:
    """The add-on is switched off: end everything, within two seconds."""
    stop()
    recordings.clear()
    for listener in _ending:
        listener.join()
    _ending.clear()


def record() -> None:
    """Keep the frames from now on."""
    if _live is not None:
        _live.listener.recorded = []
        _live.listener.recording = True


def keep_recording(live: _Live | None = None) -> None:
    """Stop recording; what there is becomes keyframes at one of the next ticks."""
    live = live or _live
    if live is None or not live.listener.recording:
        return
    live.listener.recording = False
    if frames := live.listener.recorded:
        recordings[live.uid] = Recording(frames, live.rest, live.preset)


def set_rest(take: Any) -> bool:
    """Take the newest frame as rest; false where none shows a face."""
    if _live is None or _live.newest is None or not _live.newest.found:
        return False
    newest = _live.newest
    _refill(_live, take)  # first, since it brings a rest of its own
    set_neutral(take, dict(zip(newest.names, newest.coefficients.tolist())))  # noqa: B905 (as many)
    _live.rest = RestPose(newest.head_rotation, newest.head_translation)
    return True


def tick() -> float | None:
    """Show the newest frame; seconds until the next tick, none where nothing is live."""
    _ending[:] = [listener for listener in _ending if listener.alive]
    if recordings:
        _apply_one()
    if _live is None:
        return _END_PAUSE if recordings else None
    found = TAKE.find(_live.uid)
    if found is None:  # its scene is gone, or the step that made it was undone
        stop()
        return None
    scene, take = found
    while _live is not None and (report := _live.listener.reports.take()) is not None:
        _receive(report, take)
    if _live is None or is_rendering():
        return PAUSE
    frame = _live.listener.frames.take()
    if frame is not None:
        _live.newest = frame
        try:
            _show(_live, frame, scene, take)
        except Exception as error:  # it would fail in every frame: the take says why it has ended
            _fail(take, "not_applied", str(error) if isinstance(error, WrongTarget) else repr(error))
    return PAUSE


def _receive(report: Any, take: Any) -> None:
    if isinstance(report, say.LiveState):
        state.live = report
    elif isinstance(report, say.LiveMapping):
        set_warnings(take, [("", message) for message in report.warnings])
        if _live is not None:
            _live.preset = report.preset
    elif isinstance(report, say.LiveEnded):
        if report.code:
            _fail(take, report.code, report.message, report.hint)
        else:
            stop()
    redraw()


def _fail(take: Any, code: str, message: str, hint: str = "") -> None:
    stop()
    set_error(take, code, message, hint)
    redraw()


def _refill(live: _Live, take: Any) -> None:
    """Put the recognised mapping into the table where there is none; undo takes it out again."""
    if not take.channels and live.preset is not None:
        with contextlib.suppress(ValueError):
            fill_channels(take, live.preset)


def _table(live: _Live, take: Any, names: tuple[str, ...]) -> KeyTable | None:
    """The mapping as it is now; made again where the user has changed it."""
    _refill(live, take)
    preset = preset_of(take)
    if preset is None:
        return None
    made_of = json.dumps([preset, take.gain])
    if live.table is None or live.made_of != made_of:
        live.table, live.made_of = KeyTable(preset, names, take.gain), made_of
    return live.table


def _show(live: _Live, frame: say.LiveFrame, scene: bpy.types.Scene, take: Any) -> None:
    table = _table(live, take, frame.names)
    if table is None:
        return  # the keys are being recognised
    moment = animation_of([frame], table, mesh_keys(take), live.rest)
    targets = targets_of(take)
    show_moment(moment, targets, scene, live.sink, _face(live, moment, targets))
    redraw_views()


def _face(live: _Live, moment: Animation, targets: Targets) -> Face | None:
    """What lies in front of the head; looked for again where table or targets have changed."""
    face_of = f"{live.made_of} {targets!r}"  # objects by name: undo makes everything anew
    if live.face_of != face_of:
        live.face, live.face_of = face_in_front(moment, targets), face_of
    return live.face


def _apply_one() -> None:
    """Write one recording as keyframes, as soon as it disturbs nothing."""
    for uid in list(recordings):
        if TAKE.find(uid) is None:
            recordings.pop(uid)
        elif is_free():
            in_window(bpy.ops.semblance.live_apply, take=uid)
            return


def recorded_animation(uid: str, take: Any) -> Any:
    """The animation of what was recorded; none where there is nothing. It is let go of.

    Raises:
        WrongTarget: the performance has no mapping.
    """
    kept = recordings.pop(uid, None)
    if kept is None:
        return None
    preset = preset_of(take) or kept.preset
    if preset is None:
        raise WrongTarget(t(texts.NO_MAPPING))
    table = KeyTable(preset, kept.frames[0].names, take.gain)
    return animation_of(kept.frames, table, mesh_keys(take), kept.rest, texts.LIVE)
