# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a job on Blender's side, the same for every kind of owner: begun, followed, ended, applied."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import bpy

from .. import owners, thumbnails
from ..client import messages as say
from ..client.job import JobRequest
from ..texts import t
from . import session
from .state import Job, state
from .window import in_window, is_free


def begin(owner: Any, request: JobRequest) -> None:
    """Hand a job over; the panels show it at once."""
    state.jobs[owner.uid] = Job(say.Progress(owner.uid, "send", 0.0))
    state.notice = ""
    session.post(request)


def resume_all() -> None:
    """Follow the jobs that a file which was opened still waits for."""
    for kind, owner in owners.all_owners():
        if owner.job:
            state.jobs[owner.uid] = Job(say.Progress(owner.uid, "", 0.0), owner.job)
            session.post(kind.request(owner))
        elif owner.job_key:
            owner.job_key = ""
            owners.set_error(owner, "not_sent", t(kind.not_sent))


def remember_all() -> None:
    """Say in the file what is in work: an undone step knows nothing of a job that was started after it.

    A job that has ended may return with such a step; it is taken out again.
    """
    for uid, job in state.jobs.items():
        if job.id and (owner := owners.owner_of(uid)):
            owner.job = job.id
    for _, owner in owners.all_owners():
        at_work = state.jobs.get(owner.uid)
        if owner.job and not (at_work and at_work.id):
            owner.job = owner.job_key = ""


def cancel(owner: Any) -> None:
    """Stop an owner's job; a server that does not answer is not waited for.

    Tracking that has seen some frames ends early and keeps them; cancelled again, it keeps nothing.
    """
    job = state.jobs.get(owner.uid)
    stuck = job is not None and bool(job.progress.note)
    keep = job is not None and job.progress.frame is not None and not stuck and not job.stopping
    if job is not None and keep:
        job.stopping = True
    session.post(say.CancelJob(owner.uid, owner.job or (job.id if job else ""), keep))
    if stuck:
        abandon(owner.uid)


def abandon(uid: str) -> None:
    """Wait for an owner's job no longer, whatever the server does."""
    session.post(say.Forget(uid))
    end(uid)


def end(uid: str) -> None:
    """A job has ended: neither the file nor the window waits for it."""
    state.jobs.pop(uid, None)
    thumbnails.drop(frame_picture(uid))
    if owner := owners.owner_of(uid):
        owner.job = owner.job_key = ""


def has_results() -> bool:
    """Whether some job's result waits to be taken into the scene."""
    return any(job.result is not None for job in state.jobs.values())


def apply_one() -> None:
    """Take one result into the scene, unless the user is in the middle of something that it would disturb."""
    for uid, result in [(uid, job.result) for uid, job in state.jobs.items()]:
        if result is None:
            continue
        kind = owners.kind_of(result)
        if kind.find(uid) is None:
            end(uid)
            if kind.ownerless:
                state.notice = t(kind.ownerless, path=result.path)
        elif is_free():
            in_window(attrgetter(kind.apply)(bpy.ops), owner=uid)
            return


def frame_picture(uid: str) -> str:
    """The name of the picture of the frame in work."""
    return f"frame of {uid}"
