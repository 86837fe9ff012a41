# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances: a clip to a track, a track to a character's curves; and what is asked about both."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import messages as say
from .desk import Desk, Flow, Wait
from .following import fetch, sentences_of
from .job import JobRequest, do_job
from .sending import JobOrder, safe_name


@dataclass(frozen=True)
class TrackReady(say.JobReport):
    """A track lies on this machine's disk; its curves come next."""

    path: Path
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class TakeReady(say.JobResult):
    """A character's curves lie on this machine's disk, with the mapping they were made with."""

    preset: dict[str, object]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class MappingReady(say.JobReport):
    """The shape keys were recognised: a mapping preset."""

    preset: dict[str, object]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PersonInClip:
    """Someone in a clip: the number in the picture, a pixel on the face, and a small picture of it."""

    number: int
    point: tuple[float, float]
    crop: Path


@dataclass(frozen=True)
class PeopleReady(say.JobReport):
    """Who is in a clip: at ``time``, in a picture with numbered boxes; and how long the clip is."""

    time: float
    duration: float  # seconds; 0 where the file does not say it
    picture: Path
    people: tuple[PersonInClip, ...]


@dataclass(frozen=True)
class RetargetTrack(JobRequest):
    """Put a track onto a character."""

    track: Path
    options: dict[str, object]
    key: str

    def order(self) -> JobOrder:
        return JobOrder("retarget", self.options, self.key, (self.track,))

    def take_in(self, desk: Desk, done: dict[str, Any]) -> Flow:
        results = {str(row["name"]): row for row in done["results"]}
        path = desk.takes / f"{safe_name(str(done['id']))}.npz"
        yield from fetch(desk, self.owner, results["animation.npz"], path)
        preset = yield from _preset(desk, self.owner, results["mapping.json"])
        desk.report(TakeReady(self.owner, path, preset, sentences_of(done)), None)


@dataclass(frozen=True)
class TrackClip(JobRequest):
    """Track a clip; ``then`` comes after it."""

    clip: Path
    rig: str  # of the one to follow; empty: the main face
    options: dict[str, object]
    key: str
    then: RetargetTrack

    def order(self) -> JobOrder:
        return JobOrder("track", self.options, self.key, (self.clip,), self.rig, reuse=True, remember=True)

    def take_in(self, desk: Desk, done: dict[str, Any]) -> Flow:
        path = desk.takes / f"{safe_name(str(done['id']))}.semtrack"
        yield from fetch(desk, self.owner, done["results"][0], path)
        desk.report(TrackReady(self.owner, path, sentences_of(done)), None)
        yield from do_job(desk, replace(self.then, track=path))


@dataclass(frozen=True)
class MapKeys(JobRequest):
    """Recognise shape keys: mesh → their names."""

    meshes: dict[str, list[str]]
    key: str

    def order(self) -> JobOrder:
        return JobOrder("mapping", {"meshes": self.meshes}, self.key)

    def take_in(self, desk: Desk, done: dict[str, Any]) -> Flow:
        preset = yield from _preset(desk, self.owner, done["results"][0])
        desk.report(MappingReady(self.owner, preset, sentences_of(done)), None)


@dataclass(frozen=True)
class FindPeople(JobRequest):
    """Find the people of a clip's first good frame; ``options``: in and out point."""

    clip: Path
    options: dict[str, object]
    key: str

    def order(self) -> JobOrder:
        return JobOrder("people", self.options, self.key, (self.clip,), reuse=True)

    def take_in(self, desk: Desk, done: dict[str, Any]) -> Flow:
        start = desk.pictures / safe_name(self.owner)
        results = {str(row["name"]): row for row in done["results"]}
        paths = {
            name: start.with_name(f"{start.name}-{safe_name(str(done['id']))}-{name}") for name in results
        }
        for path in start.parent.glob(f"{start.name}-*"):
            if path not in paths.values():  # of an earlier look
                path.unlink(missing_ok=True)
        for name, row in results.items():
            yield from fetch(desk, self.owner, row, paths[name])
        told = json.loads(paths["people.json"].read_text(encoding="utf-8"))
        people = tuple(
            PersonInClip(
                int(row["number"]),
                (float(row["point"][0]), float(row["point"][1])),
                paths[f"person-{int(row['number'])}.jpg"],
            )
            for row in told["people"]
        )
        time, duration = float(told["time"]), float(told["duration"])
        desk.report(PeopleReady(self.owner, time, duration, paths["people.jpg"], people), None)


def _preset(desk: Desk, owner: str, result: dict[str, Any]) -> Generator[Wait, None, dict[str, Any]]:
    """Fetch a mapping preset; nothing of it stays on the disk."""
    path = desk.takes / f"{safe_name(str(result['file']))}.json"
    yield from fetch(desk, owner, result, path)
    preset = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return dict(preset)
