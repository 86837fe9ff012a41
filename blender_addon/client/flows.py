# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker does, each as a generator that hands back what it waits for.

A flow yields seconds to wait, or a :class:`Readable`. It never waits by itself for longer than one call's
time-out.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import messages as say
from .backoff import Backoff
from .errors import Damaged, Fault, StartFailed, Unreachable
from .events import EventStream
from .health import address_of, models, server_state
from .http import call, download
from .local.folder import log_lines
from .local.process import ServerProcess, choose_python
from .pictures import FramePictures
from .sending import safe_name, start_job

# Stage → where it begins in the whole, and its share; what the server does takes the rest.
_SHARES = {"send": (0.0, 0.05), "fetch": (0.95, 0.05)}
FINAL = ("done", "failed", "cancelled")
_QUIET = 25.0  # seconds; the server sends a heartbeat every 10
_POLL = 1.0
_START_SECONDS = 60.0
# Errors that a user mends in the preferences; a job goes on once that is done.
_MENDABLE = ("unauthorized", "forbidden_host", "wrong_version", "offline", "no_address", "not_semblance")


@dataclass(frozen=True)
class Readable:
    """Wait until a socket has bytes, or so many seconds have passed."""

    sock: socket.socket
    seconds: float


Wait = float | Readable
Flow = Generator[Wait, None, None]


@dataclass
class Desk:
    """What flows share: where to call, where rigs, tracks, curves and pictures go, and how to report."""

    rigs: Path
    takes: Path
    pictures: Path
    report: Callable[[Any, Hashable], None]
    sent: dict[Hashable, str] = field(default_factory=dict)  # clips that the server has; see sending.py
    target: say.Target = None
    process: ServerProcess | None = None  # started from here

    def progress(self, progress: say.Progress) -> None:
        """Report progress; ``fraction`` is that of sending, of the job or of fetching, as the stage says."""
        begin, share = _SHARES.get(progress.stage, (0.05, 0.9))
        whole = replace(progress, fraction=begin + share * progress.fraction)
        self.report(whole, ("progress", progress.person))


def watch_server(desk: Desk, tell: bool = False, failed: say.ServerState | None = None) -> Flow:
    """Report how the server is, for ever.

    ``tell`` also says it in the status bar, once; ``failed`` is why the last start failed, shown until there
    is a server.
    """
    known_models = ""
    while True:
        state = server_state(desk.target)
        if failed and state.state == "stopped":
            state = failed
        desk.report(state, "server")
        if tell:
            ready = state.state == "ready"
            text = "The connection works." if ready else f"{state.message} {state.hint}".strip()
            desk.report(say.Notice(text, not ready), None)
            tell = False
        if state.state == "ready" and known_models != state.url:
            yield 0.0
            try:
                desk.report(models(address_of(desk.target)), "models")
                known_models = state.url
            except (Fault, KeyError, TypeError):
                pass  # the next round asks again
        elif state.state != "ready":
            known_models = ""
        if isinstance(desk.target, say.LocalServer):
            desk.report(say.LogLines(log_lines(desk.target.folder)), "log")
        if desk.process:
            desk.process.reap()
        yield 2.0


def start_server(desk: Desk, request: say.StartServer) -> Flow:
    """Start the local server and wait until it listens."""
    target = say.LocalServer(request.folder)
    desk.target = target
    if server_state(target).state == "ready":
        yield from watch_server(desk)
    desk.report(say.ServerState("starting"), "server")
    failed = None
    try:
        python = choose_python(request.python)
        yield 0.0
        desk.process = ServerProcess(python, request.folder, request.port, request.cpu_only)
        deadline = time.monotonic() + _START_SECONDS
        while not desk.process.ready():
            if time.monotonic() > deadline:
                raise StartFailed("The server does not get ready.", "Look at its log in the preferences.")
            desk.report(say.LogLines(log_lines(request.folder)), "log")
            yield 0.1
    except StartFailed as error:
        failed = say.ServerState("stopped", code=error.code, message=error.message, hint=error.hint)
        desk.report(say.Notice(f"{error.message} {error.hint}", True), None)
    yield from watch_server(desk, failed=failed)


def stop_server(desk: Desk) -> Flow:
    """Ask the server to end, and wait until it has."""
    try:
        call(address_of(desk.target), "POST", "/v1/shutdown")
        for _ in range(50):
            if server_state(desk.target).state != "ready":
                break
            yield 0.1
    except Fault as error:
        desk.report(say.Notice(f"{error.message} {error.hint}", True), None)
    desk.report(server_state(desk.target), "server")


def build_rig(desk: Desk, request: say.BuildRig) -> Flow:
    """Send what the server lacks, start the job, follow it. A cut line costs only the photo being sent."""
    desk.progress(say.Progress(request.person, "send", 0.0))
    job = yield from start_job(desk, request.person, "rig", request.photos, request.options, request.key)
    if job is not None:
        desk.report(say.JobAccepted(request.person, job), None)
        yield from follow_job(desk, say.FollowJob(request.person, job))


def _take_rig(desk: Desk, person: str, job: dict[str, Any]) -> Flow:
    if job["state"] != "done":
        report_end(desk, person, job)
        return
    result = next(row for row in job["results"] if str(row["name"]).endswith(".semrig"))
    path = desk.rigs / f"{safe_name(str(job['rig']))}.semrig"
    yield from fetch(desk, person, result, path)
    desk.report(say.RigReady(person, str(job["rig"]), path, _warnings(job)), None)


Finish = Callable[[Desk, str, dict[str, Any]], Flow]


def follow_job(desk: Desk, request: say.FollowJob, finish: Finish = _take_rig) -> Flow:
    """Report a job's progress until it ends, by events where they arrive, else by asking every second.

    ``finish`` takes in what the job made; it is called again when the line is cut meanwhile.
    """
    backoff = Backoff()
    last = say.Progress(request.person, "", 0.0)
    last_id, by_events = "", True
    pictures = FramePictures(desk, request.person, request.job)
    while True:
        job: dict[str, Any] | None = None
        try:
            if by_events:
                for item in _events(desk, request.job, last_id):
                    if isinstance(item, tuple):
                        last_id, job = item
                        backoff.reset()
                        last = _report(desk, request.person, job)
                        if job["state"] in FINAL:
                            break
                        pictures.look(job)
                    else:
                        yield item
            else:
                job = call(address_of(desk.target), "GET", f"/v1/jobs/{request.job}")
                backoff.reset()
                last = _report(desk, request.person, job)
                pictures.look(job)
                yield _POLL
            if job and job["state"] in FINAL:
                yield from finish(desk, request.person, job)
                return
            # A proxy that keeps events back still answers questions.
            by_events = bool(last_id) and by_events
        except (Unreachable, Damaged) as error:
            last_id = ""  # begin with the present state, which is the last event's if the job has ended
            desk.progress(say.Progress(request.person, last.stage, last.fraction, note=error.message))
            yield backoff.pause()
        except Fault as error:
            if error.code not in _MENDABLE:
                desk.report(_lost(request.person, error), None)
                return
            desk.progress(say.Progress(request.person, last.stage, last.fraction, note=error.message))
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


def _report(desk: Desk, person: str, job: dict[str, Any]) -> say.Progress:
    stage = "wait" if job["state"] == "queued" else str(job.get("stage") or "")
    left = job.get("seconds_left")
    at = job.get("frame")
    frame = say.VideoFrame(int(at["number"]), int(at["count"]), float(at["time"])) if at else None
    fraction, stopping = float(job.get("fraction") or 0.0), bool(job.get("stopping"))
    progress = say.Progress(person, stage, fraction, left, "", frame, stopping)
    desk.progress(progress)
    return progress


def report_end(desk: Desk, person: str, job: dict[str, Any]) -> None:
    """Report a job that failed or was cancelled."""
    error = job.get("error") or {}
    code = "cancelled" if job["state"] == "cancelled" else str(error.get("code") or "error")
    message, hint = str(error.get("message") or ""), str(error.get("hint") or "")
    desk.report(say.JobEnded(person, code, message, hint, _warnings(job)), None)


def _warnings(job: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(row.get("file") or ""), str(row["message"])) for row in job.get("warnings") or ())


def fetch(desk: Desk, person: str, result: dict[str, Any], path: Path) -> Flow:
    """Fetch a job's result, unless it lies there already."""
    if not (path.is_file() and path.stat().st_size == result["size"]):
        address = address_of(desk.target)
        fetching = download(address, f"/v1/files/{result['file']}", path, result["size"], result["sha256"])
        for have in fetching:
            desk.progress(say.Progress(person, "fetch", have / max(1, result["size"])))
            yield 0.0


def _lost(person: str, error: Fault) -> say.JobEnded:
    if error.code == "not_found":
        return say.JobEnded(
            person, "job_lost", "The server does not know this job any more.", "Start it again."
        )
    return say.JobEnded(person, error.code, error.message, error.hint)


def cancel_job(desk: Desk, request: say.CancelJob) -> Flow:
    """Ask the server to stop a job; the one who follows it reports the end."""
    try:
        keep = "?keep=true" if request.keep else ""
        call(address_of(desk.target), "POST", f"/v1/jobs/{request.job}/cancel{keep}")
    except Fault as error:
        text = f"The job could not be cancelled: {error.message}"
        desk.report(say.NotStopped(request.person, text), None)
    yield 0.0
