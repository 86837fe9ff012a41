# SPDX-License-Identifier: GPL-3.0-or-later
"""The one timer: hands the worker's reports to the file and the window, a few milliseconds at a time.

With nothing to do a tick looks at three variables. A report costs microseconds; only building a finished
head takes longer, and then it is the only thing that its tick does.
"""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import Any

import bpy

from .. import texts, thumbnails
from ..client import messages as say
from ..people import all_people, clear_result, find_person, set_warnings
from ..takes import all_takes, clip_request, fill_channels, find_take, owner_of
from ..texts import t
from ..transfers import all_transfers, find_transfer, transfer_request
from . import live, session
from .state import state
from .window import blocking_mode, in_the_middle, in_window, redraw

BUDGET = 0.004  # seconds
BUSY, IDLE = 0.05, 0.25  # seconds between ticks


def tick() -> float:
    """Work for at most ``BUDGET``; seconds until the next tick."""
    try:
        pause = live.tick()
        return min(_work(), pause) if pause else _work()
    except Exception as error:  # Blender drops a timer that raises, and nothing would ever be shown again
        traceback.print_exc()
        state.notice = t(texts.FAULT, error=f"{type(error).__name__}: {error}")
        return IDLE


def _work() -> float:
    worker = session.running()
    if worker is None or not (
        worker.reports or state.finished or state.takes or state.keys or thumbnails.waiting()
    ):
        return BUSY if state.progress else IDLE
    deadline = time.perf_counter() + BUDGET
    while worker.reports and time.perf_counter() < deadline:
        _receive(worker.reports.take())
    thumbnails.load_waiting(deadline)
    if state.finished and not worker.reports:
        _build_one()
    elif state.takes and not worker.reports:
        _apply_one()
    elif state.keys and not worker.reports:
        _add_keys_to_one()
    redraw()
    return BUSY


def _receive(report: Any) -> None:
    if getattr(report, "person", None) not in (None, *state.progress):
        return  # of a file that is closed, or of a person that nobody waits for any more
    if isinstance(report, say.Progress):
        state.progress[report.person] = report
        if report.stopping:
            state.stopping.add(report.person)
    elif isinstance(report, say.FramePicture):
        thumbnails.show_pixels(frame_picture(report.person), report.width, report.height, report.pixels)
    elif isinstance(report, say.NotStopped):
        state.stopping.discard(report.person)
        state.notice = report.message
    elif isinstance(report, say.ServerState):
        state.server = report
    elif isinstance(report, say.Models):
        state.models = report.models
    elif isinstance(report, say.LogLines):
        state.log = report.lines
    elif isinstance(report, say.Pythons):
        state.pythons = report
    elif isinstance(report, say.Notice):
        state.notice = report.message
    elif isinstance(report, say.JobAccepted):
        state.jobs[report.person] = report.job
        if owner := owner_of(report.person):
            owner.job = report.job
    elif isinstance(report, say.TrackReady):
        state.tracks[report.person] = str(report.path)
        if found := find_take(report.person):
            found[1].track = str(report.path)
            set_warnings(found[1], [("", message) for message in report.warnings])
    elif isinstance(report, say.MappingReady):
        _mapped(report)
    elif isinstance(report, say.PeopleReady):
        _found_people(report)
    elif isinstance(report, say.TakeReady):
        state.takes[report.person] = report
    elif isinstance(report, say.KeysReady):
        state.keys[report.person] = report
    elif isinstance(report, say.RigReady):
        state.finished[report.person] = report
    elif isinstance(report, say.JobEnded):
        _ended(report)


def _ended(report: say.JobEnded) -> None:
    forget_job(report.person)
    if owner := owner_of(report.person):
        clear_result(owner)
        set_warnings(owner, report.warnings)
        if report.code != "cancelled":
            owner.error_code, owner.error_message = report.code, report.message
            owner.error_hint = report.hint


def _mapped(report: say.MappingReady) -> None:
    forget_job(report.person)
    if found := find_take(report.person):
        take = found[1]
        set_warnings(take, [("", message) for message in report.warnings])
        try:
            fill_channels(take, report.preset)
        except ValueError as error:
            take.error_code, take.error_message = "error", str(error)


def _found_people(report: say.PeopleReady) -> None:
    forget_job(report.person)
    if found := find_take(report.person):
        state.people[report.person] = report
        found[1].clip_seconds = report.duration


def frame_picture(uid: str) -> str:
    """The name of the picture of the frame in work."""
    return f"frame of {uid}"


def forget_job(uid: str) -> None:
    """A job has ended: neither the file nor the window waits for it."""
    state.progress.pop(uid, None)
    state.jobs.pop(uid, None)
    state.finished.pop(uid, None)
    state.takes.pop(uid, None)
    state.stopping.discard(uid)
    thumbnails.drop(frame_picture(uid))
    state.keys.pop(uid, None)
    if owner := owner_of(uid):
        owner.job = owner.job_key = ""


def _build_one() -> None:
    """Build one finished head, unless the user is in the middle of something that it would disturb."""
    for uid, ready in list(state.finished.items()):
        found = find_person(uid)
        if found is None:
            state.finished.pop(uid)
            state.progress.pop(uid, None)
            state.notice = t(texts.HEAD_WITHOUT_PERSON, path=ready.path)
            continue
        if blocking_mode() or in_the_middle():
            continue
        in_window(bpy.ops.semblance.apply_rig, person=uid)
        return


def _apply_one() -> None:
    """Write one finished performance, as soon as it disturbs nothing."""
    for uid in list(state.takes):
        if find_take(uid) is None:
            forget_job(uid)
        elif not (blocking_mode() or in_the_middle()):
            in_window(bpy.ops.semblance.take_apply, take=uid)
            return


def _add_keys_to_one() -> None:
    """Give one character its finished shape keys, as soon as it disturbs nothing."""
    for uid in list(state.keys):
        if find_transfer(uid) is None:
            forget_job(uid)
        elif not (blocking_mode() or in_the_middle()):
            in_window(bpy.ops.semblance.keys_apply, transfer=uid)
            return


def resume_jobs() -> None:
    """Follow the jobs that a file which was opened still waits for."""
    for _, person in all_people():
        if person.job:
            state.jobs[person.uid] = person.job
            state.progress[person.uid] = say.Progress(person.uid, "", 0.0)
            session.post(say.FollowJob(person.uid, person.job))
        elif person.job_key:
            person.job_key = ""
            person.error_code, person.error_message = "not_sent", t(texts.NOT_SENT)
            person.error_hint = ""
    for _, take in all_takes():
        if take.job:
            state.jobs[take.uid] = take.job
            state.progress[take.uid] = say.Progress(take.uid, "", 0.0)
            session.post(clip_request(take))
        elif take.job_key:
            take.job_key = ""
            take.error_code, take.error_message = "not_sent", t(texts.TAKE_NOT_SENT)
    for _, transfer in all_transfers():
        if transfer.job:
            state.jobs[transfer.uid] = transfer.job
            state.progress[transfer.uid] = say.Progress(transfer.uid, "", 0.0)
            session.post(transfer_request(transfer, Path(), ""))
        elif transfer.job_key:
            transfer.job_key = ""
            transfer.error_code, transfer.error_message = "not_sent", t(texts.KEYS_NOT_SENT)
