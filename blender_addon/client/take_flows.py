# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker does for performances: a clip to a track, a track to a character's curves."""

from __future__ import annotations

import json
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

from . import messages as say
from .backoff import Backoff
from .errors import Fault, Unreachable
from .flows import Desk, Flow, Wait, fetch, follow_job, report_end, safe_name
from .health import address_of
from .http import call, upload


def track_clip(desk: Desk, request: say.TrackClip) -> Flow:
    """Send a clip and track it, or follow the job that does; then put the track onto the character."""
    job = request.job
    if not job:
        rig = (request.rig,) if request.rig else ()
        sent = yield from _start(
            desk, request.person, "track", request.clip, request.options, request.key, *rig
        )
        if sent is None:
            return
        job = sent
        desk.report(say.JobAccepted(request.person, job), None)
    yield from follow_job(desk, say.FollowJob(request.person, job), partial(_take_track, request.then))


def retarget_track(desk: Desk, request: say.RetargetTrack) -> Flow:
    """Send a track and fetch a character's curves of it."""
    job = yield from _start(desk, request.person, "retarget", request.track, request.options, request.key)
    if job is not None:
        yield from follow_job(desk, say.FollowJob(request.person, job), _take_curves)


def map_keys(desk: Desk, request: say.MapKeys) -> Flow:
    """Have a character's shape keys recognised."""
    job = yield from _start(desk, request.person, "mapping", None, {"meshes": request.meshes}, request.key)
    if job is not None:
        yield from follow_job(desk, say.FollowJob(request.person, job), _take_mapping)


def _start(
    desk: Desk, person: str, kind: str, file: Path | None, options: dict[str, object], key: str, rig: str = ""
) -> Generator[Wait, None, str | None]:
    """Send what a job needs and start it; its id, or None after an error that was reported."""
    backoff = Backoff()
    sent = ""
    while True:
        try:
            if file is not None and not sent:
                sent = yield from _send(desk, person, file)
            if rig:
                yield from _offer_rig(desk, rig)
            body: dict[str, object] = {"kind": kind, "options": options}
            body.update({"files": [sent]} if sent else {})
            body.update({"rig": rig} if rig else {})
            job = call(address_of(desk.target), "POST", "/v1/jobs", body, {"Idempotency-Key": key})
            return str(job["id"])
        except Unreachable as error:
            desk.progress(say.Progress(person, "send", float(bool(sent)), note=error.message))
            yield backoff.pause()
        except Fault as error:
            desk.report(say.JobEnded(person, error.code, error.message, error.hint), None)
            return None


def _send(desk: Desk, person: str, file: Path) -> Generator[Wait, None, str]:
    try:
        size = max(1, file.stat().st_size)
    except OSError:
        size = 1  # opening it says what is wrong
    sending = upload(address_of(desk.target), file)
    while True:
        try:
            part = next(sending) / size
        except StopIteration as end:
            return str(end.value["id"])
        desk.progress(say.Progress(person, "send", part))
        yield 0.0


def _offer_rig(desk: Desk, rig: str) -> Flow:
    """Send a rig that the server does not know, if it lies here."""
    try:
        call(address_of(desk.target), "GET", f"/v1/rigs/{rig}")
    except Fault as error:
        path = desk.rigs / f"{safe_name(rig)}.semrig"
        if error.code != "not_found" or not path.is_file():
            raise
        sending = upload(address_of(desk.target), path)
        while True:
            try:
                next(sending)
            except StopIteration as end:
                call(address_of(desk.target), "POST", "/v1/rigs", {"file": end.value["id"]})
                return
            yield 0.0


def _take_track(then: say.RetargetTrack, desk: Desk, person: str, job: dict[str, Any]) -> Flow:
    if job["state"] != "done":
        report_end(desk, person, job)
        return
    path = desk.takes / f"{safe_name(str(job['id']))}.semtrack"
    yield from fetch(desk, person, job["results"][0], path)
    desk.report(say.TrackReady(person, path, _sentences(job)), None)
    yield from retarget_track(desk, say.RetargetTrack(person, path, then.options, then.key))


def _take_curves(desk: Desk, person: str, job: dict[str, Any]) -> Flow:
    if job["state"] != "done":
        report_end(desk, person, job)
        return
    results = {str(row["name"]): row for row in job["results"]}
    path = desk.takes / f"{safe_name(str(job['id']))}.npz"
    yield from fetch(desk, person, results["animation.npz"], path)
    preset = yield from _preset(desk, person, results["mapping.json"])
    desk.report(say.TakeReady(person, path, preset, _sentences(job)), None)


def _take_mapping(desk: Desk, person: str, job: dict[str, Any]) -> Flow:
    if job["state"] != "done":
        report_end(desk, person, job)
        return
    preset = yield from _preset(desk, person, job["results"][0])
    desk.report(say.MappingReady(person, preset, _sentences(job)), None)


def _preset(desk: Desk, person: str, result: dict[str, Any]) -> Generator[Wait, None, dict[str, Any]]:
    path = desk.takes / f"{safe_name(str(result['file']))}.json"
    yield from fetch(desk, person, result, path)
    preset = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return dict(preset)


def _sentences(job: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row["message"]) for row in job.get("warnings") or ())
