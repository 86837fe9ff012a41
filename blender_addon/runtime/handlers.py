# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what runs and what the file says together when files are opened and steps undone."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from .. import thumbnails
from ..client import messages as say
from ..people import all_people
from ..takes import all_takes, find_take, owner_of, take_over_weights
from ..transfers import all_transfers
from . import live, session, timer
from .state import state


@persistent
def file_opened(*_: Any) -> None:
    """Jobs of the old file go on at the server, unwatched; those of the new one are followed."""
    if worker := session.running():
        for uid in state.progress:
            worker.post(say.Forget(uid))
    live.stop(put_back=False)
    state.clear_people()
    take_over_weights()
    thumbnails.clear()
    timer.resume_jobs()


@persistent
def step_undone(*_: Any) -> None:
    """An undone step knows nothing of a job that was started after it, and one that has ended may return."""
    for uid, job in state.jobs.items():
        if owner := owner_of(uid):
            owner.job = job
    for _, owner in (*all_people(), *all_takes(), *all_transfers()):
        if owner.job and owner.uid not in state.jobs:
            owner.job = owner.job_key = ""
    for uid, path in state.tracks.items():  # tracking took long: what it made does not get lost
        if found := find_take(uid):
            found[1].track = path


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
    timer.resume_jobs()


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
    session.stop()
