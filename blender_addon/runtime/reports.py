# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker reports, taken into the file and the state; what is done follows from a report's type."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from .. import owners, thumbnails
from ..client import messages as say
from ..client.take_jobs import MappingReady, PeopleReady, TrackReady
from ..takes import fill_channels
from . import jobs
from .state import state


def receive(report: Any) -> None:
    """Take a report in, unless it is of a file that is closed, or of an owner that nobody waits for."""
    if isinstance(report, say.JobReport) and report.owner not in state.jobs:
        return
    _take_in(report)


@singledispatch
def _take_in(report: Any) -> None:
    raise TypeError(f"a report of the type {type(report).__name__}")


@_take_in.register
def _(report: say.ServerState) -> None:
    state.server = report


@_take_in.register
def _(report: say.Models) -> None:
    state.models = report.models


@_take_in.register
def _(report: say.LogLines) -> None:
    state.log = report.lines


@_take_in.register
def _(report: say.Pythons) -> None:
    state.pythons = report


@_take_in.register
def _(report: say.Notice) -> None:
    state.notice = report.message


@_take_in.register
def _(report: say.Progress) -> None:
    job = state.jobs[report.owner]
    job.progress = report
    job.stopping = job.stopping or report.stopping


@_take_in.register
def _(report: say.FramePicture) -> None:
    name = jobs.frame_picture(report.owner)
    thumbnails.show_pixels(name, report.width, report.height, report.pixels)


@_take_in.register
def _(report: say.NotStopped) -> None:
    state.jobs[report.owner].stopping = False
    state.notice = report.message


@_take_in.register
def _(report: say.JobAccepted) -> None:
    state.jobs[report.owner].id = report.job
    if owner := owners.owner_of(report.owner):
        owner.job = report.job


@_take_in.register
def _(report: say.JobResult) -> None:
    state.jobs[report.owner].result = report


@_take_in.register
def _(report: say.JobEnded) -> None:
    jobs.end(report.owner)
    if owner := owners.owner_of(report.owner):
        owners.clear_result(owner)
        owners.set_warnings(owner, report.warnings)
        if report.code != "cancelled":
            owners.set_error(owner, report.code, report.message, report.hint)


@_take_in.register
def _(report: TrackReady) -> None:
    state.tracks[report.owner] = str(report.path)
    if take := owners.owner_of(report.owner):
        take.track = str(report.path)
        owners.set_warnings(take, [("", message) for message in report.warnings])


@_take_in.register
def _(report: MappingReady) -> None:
    jobs.end(report.owner)
    if take := owners.owner_of(report.owner):
        owners.set_warnings(take, [("", message) for message in report.warnings])
        try:
            fill_channels(take, report.preset)
        except ValueError as error:
            owners.set_error(take, "error", str(error))


@_take_in.register
def _(report: PeopleReady) -> None:
    jobs.end(report.owner)
    if take := owners.owner_of(report.owner):
        state.people[report.owner] = report
        take.clip_seconds = report.duration
