# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what runs and what the file says together when files are opened and steps undone."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from .. import owners, thumbnails
from ..client import messages as say
from ..takes import take_over_weights
from . import jobs, live, preview, session, timer
from .state import state


@persistent
def file_opened(*_: Any) -> None:
    """Jobs of the old file go on at the server, unwatched; those of the new one are followed."""
    if worker := session.running():
        for uid in state.jobs:
            worker.post(say.Forget(uid))
    live.stop(put_back=False)
    preview.stop()
    state.forget_file()
    take_over_weights()
    thumbnails.clear()
    jobs.resume_all()


@persistent
def step_undone(*_: Any) -> None:
    """What came from the server after the step that is shown now does not get lost."""
    jobs.remember_all()
    for uid, path in state.tracks.items():  # tracking took long
        if take := owners.owner_of(uid):
            take.track = path


_HANDLERS = (("load_post", file_opened), ("undo_post", step_undone), ("redo_post", step_undone))


def register() -> None:
    """Start the timer and hook the handlers in."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    bpy.app.timers.register(timer.tick, first_interval=timer.IDLE, persistent=True)
    bpy.app.timers.register(_first, first_interval=0.0)


def _first() -> None:
    """The add-on may be switched on in a file that waits for jobs; data cannot be read while it registers."""
    take_over_weights()
    jobs.resume_all()


def unregister() -> None:
    """Take them away, and end the worker."""
    for call in (timer.tick, _first):
        if bpy.app.timers.is_registered(call):
            bpy.app.timers.unregister(call)
    for name, handler in _HANDLERS:
        hooked = getattr(bpy.app.handlers, name)
        if handler in hooked:
            hooked.remove(handler)
    live.shut_down()
    preview.shut_down()
    session.stop()
