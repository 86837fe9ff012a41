# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows a job to its end and fetches what it made."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from . import messages as say
from .backoff import Backoff
from .desk import Desk, Flow, Readable, Wait
from .errors import Damaged, Fault, Unreachable
from .events import EventStream
from .health import address_of
from .http import call, download
from .pictures import FramePictures

_FINAL = ("done", "failed", "cancelled")
_QUIET = 25.0  # seconds; the server sends a heartbeat every 10
_POLL = 1.0
# Errors that a user mends in the preferences; a job goes on once that is done.
_MENDABLE = ("unauthorized", "forbidden_host", "wrong_version", "offline", "no_address", "not_semblance")

Finish = Callable[[dict[str, Any]], Flow]


def follow_job(desk: Desk, owner: str, job_id: str, finish: Finish) -> Flow:
    """Report a job's progress until it ends, by events where they arrive, else by asking every second.

    ``finish`` takes in what a job that was done has made; it is called again when the line is cut meanwhile.
    """
    backoff = Backoff()
    last = say.Progress(owner, "", 0.0)
    last_id, by_events = "", True
    pictures = FramePictures(desk, owner, job_id)
    while True:
        job: dict[str, Any] | None = None
        try:
            if by_events:
                for item in _events(desk, job_id, last_id):
                    if isinstance(item, tuple):
                        last_id, job = item
                        backoff.reset()
                        last = _report(desk, owner, job)
                        if job["state"] in _FINAL:
                            break
                        pictures.look(job)
                    else:
                        yield item
            else:
                job = call(address_of(desk.target), "GET", f"/v1/jobs/{job_id}")
                backoff.reset()
                last = _report(desk, owner, job)
                pictures.look(job)
                yield _POLL
            if job and job["state"] in _FINAL:
                if job["state"] == "done":
                    yield from finish(job)
                else:
                    _report_end(desk, owner, job)
                return
            # A proxy that keeps events back still answers questions.
            by_events = bool(last_id) and by_events
        except (Unreachable, Damaged) as error:
            last_id = ""  # begin with the present state, which is the last event's if the job has ended
            desk.progress(say.Progress(owner, last.stage, last.fraction, note=error.message))
            yield backoff.pause()
        except Fault as error:
            if error.code not in _MENDABLE:
                desk.report(_lost(owner, error), None)
                return
            desk.progress(say.Progress(owner, last.stage, last.fraction, note=error.message))
            yield backoff.pause()


def _events(desk: Desk, job: str, last_id: str) -> Generator[Wait | tuple[str, dict[str, Any]], None, None]:
    """(event id, job) pairs between waits; ends quietly when the first event does not come."""
    stream = EventStream(address_of(desk.target), f"/v1/jobs/{job}/events", last_id)
    try:
        while True:
            limit = _QUIET if last_id else 3.0
            yield Readable(stream.sock, limit)
            events = stream.read()
            for event_id, _, data in events:
                last_id = event_id or last_id or "0"
                yield last_id, data
            if time.monotonic() - stream.heard > limit:
                if not last_id:
                    return
                raise Unreachable("The server has fallen silent.")
    finally:
        stream.close()


def _report(desk: Desk, owner: str, job: dict[str, Any]) -> say.Progress:
    stage = "wait" if job["state"] == "queued" else str(job.get("stage") or "")
    left = job.get("seconds_left")
    at = job.get("frame")
    frame = say.VideoFrame(int(at["number"]), int(at["count"]), float(at["time"])) if at else None
    fraction, stopping = float(job.get("fraction") or 0.0), bool(job.get("stopping"))
    progress = say.Progress(owner, stage, fraction, left, "", frame, stopping)
    desk.progress(progress)
    return progress


def _report_end(desk: Desk, owner: str, job: dict[str, Any]) -> None:
    """Report a job that failed or was cancelled."""
    error = job.get("error") or {}
    code = "cancelled" if job["state"] == "cancelled" else str(error.get("code") or "error")
    message, hint = str(error.get("message") or ""), str(error.get("hint") or "")
    desk.report(say.JobEnded(owner, code, message, hint, warnings_of(job)), None)


def warnings_of(job: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a job said about its files: (file's name or empty, sentence)."""
    return tuple((str(row.get("file") or ""), str(row["message"])) for row in job.get("warnings") or ())


def sentences_of(job: dict[str, Any]) -> tuple[str, ...]:
    """What a job said, whatever file it was about."""
    return tuple(message for _, message in warnings_of(job))


def fetch(desk: Desk, owner: str, result: dict[str, Any], path: Path) -> Flow:
    """Fetch a job's result, unless it lies there already."""
    if not (path.is_file() and path.stat().st_size == result["size"]):
        address = address_of(desk.target)
        fetching = download(address, f"/v1/files/{result['file']}", path, result["size"], result["sha256"])
        for have in fetching:
            desk.progress(say.Progress(owner, "fetch", have / max(1, result["size"])))
            yield 0.0


def _lost(owner: str, error: Fault) -> say.JobEnded:
    if error.code == "not_found":
        return say.JobEnded(
            owner, "job_lost", "The server does not know this job any more.", "Start it again."
        )
    return say.JobEnded(owner, error.code, error.message, error.hint)


def cancel_job(desk: Desk, request: say.CancelJob) -> Flow:
    """Ask the server to stop a job; the one who follows it reports the end."""
    try:
        keep = "?keep=true" if request.keep else ""
        call(address_of(desk.target), "POST", f"/v1/jobs/{request.job}/cancel{keep}")
    except Fault as error:
        text = f"The job could not be cancelled: {error.message}"
        desk.report(say.NotStopped(request.owner, text), None)
    yield 0.0
