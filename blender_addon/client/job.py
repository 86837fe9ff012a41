# SPDX-License-Identifier: GPL-3.0-or-later
"""One job of a server, from what is asked for to what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .desk import Desk, Flow
from .following import follow_job
from .sending import JobOrder, start_job


@dataclass(frozen=True)
class JobRequest:
    """A job to be done for an owner; a later request for the same owner takes its place.

    Attributes:
        owner: the id of whom the job is for.
        job: the server's id of a job that is in work already, which is followed; empty to start one.
    """

    owner: str
    job: str = field(default="", kw_only=True)

    def order(self) -> JobOrder:
        """What the server is asked to do."""
        raise NotImplementedError

    def take_in(self, desk: Desk, done: dict[str, Any]) -> Flow:
        """Fetch what the job has made, and report it; ``done`` is the job as the server tells it."""
        raise NotImplementedError


def do_job(desk: Desk, request: JobRequest) -> Flow:
    """Send what the server lacks, start the job, follow it, and fetch its results."""
    job = request.job
    if not job:
        order = request.order()
        job = yield from start_job(desk, request.owner, order)
        for file in order.files if order.remove else ():
            file.unlink(missing_ok=True)
    if job:
        yield from follow_job(desk, request.owner, job, partial(request.take_in, desk))
