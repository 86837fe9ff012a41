# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker does for performances: a clip to a track, a track to a character's curves."""

from __future__ import annotations

import json
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

from . import messages as say
from .flows import Desk, Flow, Wait, fetch, follow_job, report_end
from .sending import safe_name, start_job


def track_clip(desk: Desk, request: say.TrackClip) -> Flow:
    """Send a clip and track it, or follow the job that does; then put the track onto the character."""
    job = request.job
    if not job:
        started = yield from start_job(
            desk,
            request.person,
            "track",
            [request.clip],
            request.options,
            request.key,
            request.rig,
            reuse=True,
        )
        if started is None:
            return
        job = started
        desk.report(say.JobAccepted(request.person, job), None)
    yield from follow_job(desk, say.FollowJob(request.person, job), partial(_take_track, request.then))


def find_people(desk: Desk, request: say.FindPeople) -> Flow:
    """Find out who is in a clip."""
    job = yield from start_job(
        desk, request.person, "people", [request.clip], request.options, request.key, reuse=True
    )
    if job is not None:
        take_in = partial(_take_people, request.clip)
        yield from follow_job(desk, say.FollowJob(request.person, job), take_in)


def retarget_track(desk: Desk, request: say.RetargetTrack) -> Flow:
    """Send a track and fetch a character's curves of it."""
    job = yield from start_job(
        desk, request.person, "retarget", [request.track], request.options, request.key
    )
    if job is not None:
        yield from follow_job(desk, say.FollowJob(request.person, job), _take_curves)


def map_keys(desk: Desk, request: say.MapKeys) -> Flow:
    """Have a character's shape keys recognised."""
    job = yield from start_job(desk, request.person, "mapping", [], {"meshes": request.meshes}, request.key)
    if job is not None:
        yield from follow_job(desk, say.FollowJob(request.person, job), _take_mapping)


def _take_track(then: say.RetargetTrack, desk: Desk, person: str, job: dict[str, Any]) -> Flow:
    if job["state"] != "done":
        report_end(desk, person, job)
        return
    path = desk.takes / f"{safe_name(str(job['id']))}.semtrack"
    yield from fetch(desk, person, job["results"][0], path)
    desk.report(say.TrackReady(person, path, sentences(job)), None)
    yield from retarget_track(desk, say.RetargetTrack(person, path, then.options, then.key))


def _take_people(clip: Path, desk: Desk, person: str, job: dict[str, Any]) -> Flow:
    if job["state"] != "done":
        report_end(desk, person, job)
        return
    start = desk.pictures / safe_name(person)
    results = {str(row["name"]): row for row in job["results"]}
    paths = {name: start.with_name(f"{start.name}-{safe_name(str(job['id']))}-{name}") for name in results}
    for path in start.parent.glob(f"{start.name}-*"):
        if path not in paths.values():  # of an earlier look
            path.unlink(missing_ok=True)
    for name, row in results.items():
        yield from fetch(desk, person, row, paths[name])
    told = json.loads(paths["people.json"].read_text(encoding="utf-8"))
    people = tuple(
        say.ClipPerson(
            int(row["number"]),
            (float(row["point"][0]), float(row["point"][1])),
            paths[f"person-{int(row['number'])}.jpg"],
        )
        for row in told["people"]
    )
    time, duration = float(told["time"]), float(told["duration"])
    ready = say.PeopleReady(person, clip, time, duration, paths["people.jpg"], people)
    desk.report(ready, None)


def _take_curves(desk: Desk, person: str, job: dict[str, Any]) -> Flow:
    if job["state"] != "done":
        report_end(desk, person, job)
        return
    results = {str(row["name"]): row for row in job["results"]}
    path = desk.takes / f"{safe_name(str(job['id']))}.npz"
    yield from fetch(desk, person, results["animation.npz"], path)
    preset = yield from _preset(desk, person, results["mapping.json"])
    desk.report(say.TakeReady(person, path, preset, sentences(job)), None)


def _take_mapping(desk: Desk, person: str, job: dict[str, Any]) -> Flow:
    if job["state"] != "done":
        report_end(desk, person, job)
        return
    preset = yield from _preset(desk, person, job["results"][0])
    desk.report(say.MappingReady(person, preset, sentences(job)), None)


def _preset(desk: Desk, person: str, result: dict[str, Any]) -> Generator[Wait, None, dict[str, Any]]:
    path = desk.takes / f"{safe_name(str(result['file']))}.json"
    yield from fetch(desk, person, result, path)
    preset = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return dict(preset)


def sentences(job: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row["message"]) for row in job.get("warnings") or ())
