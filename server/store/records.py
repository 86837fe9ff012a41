"""Rows of the database."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

FileKind = Literal["image", "rig", "track", "video", "mesh", "other"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
FINAL_STATES: Final = ("done", "failed", "cancelled")


def new_id() -> str:
    return uuid.uuid4().hex


def now() -> str:
    """ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def next_version(last: int) -> int:
    """A number above ``last``, and above all that an earlier server gave: microseconds since 1970."""
    return max(last + 1, time.time_ns() // 1_000)


@dataclass(frozen=True)
class FileRecord:
    """A stored file; ``name`` is a label, never a path."""

    id: str
    name: str
    size: int
    sha256: str
    kind: FileKind
    media_type: str
    created: str


@dataclass(frozen=True)
class JobWarning:
    """Something that the user should know; ``file`` is the photo's name, or none for the whole."""

    file: str | None
    message: str


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class JobFrame:
    """The frame of a video that a running job works on.

    Attributes:
        number, count: from 1, and how many there will be about.
        time: seconds since the video's first frame.
        picture: how many pictures there have been; the latest is there to be fetched.
    """

    number: int
    count: int
    time: float
    picture: int


@dataclass(frozen=True)
class JobRecord:
    """A job.

    Attributes:
        number: grows from job to job; the queue's order.
        files, rig: ids of what it works on; ``rig`` is also what it made.
        attempt: from 1; 2 after the worker died once.
        seconds: measured, by finished stage.
        version: grows with every change.
        queue_position: 1 is next, 0 does not wait.
        stopping: whether a running job was asked to stop early and keep what it has.
        frame: of a running job, where it works on a video.
    """

    id: str
    number: int
    kind: str
    state: JobState
    files: tuple[str, ...]
    options: dict[str, Any]
    created: str
    rig: str | None = None
    started: str | None = None
    finished: str | None = None
    attempt: int = 1
    stage: str = ""
    fraction: float = 0.0
    seconds_left: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[JobWarning, ...] = ()
    error: JobFailure | None = None
    results: tuple[FileRecord, ...] = ()
    cancel_requested: bool = False
    version: int = 0
    queue_position: int = 0
    stopping: bool = False
    frame: JobFrame | None = None

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES


@dataclass(frozen=True)
class RigSummary:
    """What is kept of a rig beside its file; ``id`` is the one inside that file."""

    id: str
    name: str
    model: str
    model_licence: str
    created: str
    photos: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class RigRecord(RigSummary):
    """A rig and its file."""

    file: FileRecord


def file_from(row: sqlite3.Row) -> FileRecord:
    return FileRecord(**{name: row[name] for name in FileRecord.__dataclass_fields__})


def job_from(row: sqlite3.Row, results: tuple[FileRecord, ...], queue_position: int) -> JobRecord:
    error = json.loads(row["error"]) if row["error"] else None
    return JobRecord(
        id=row["id"],
        number=row["number"],
        kind=row["kind"],
        state=row["state"],
        files=tuple(json.loads(row["files"])),
        options=json.loads(row["options"]),
        created=row["created"],
        rig=row["rig"],
        started=row["started"],
        finished=row["finished"],
        attempt=row["attempt"],
        stage=row["stage"],
        fraction=row["fraction"],
        seconds=json.loads(row["seconds"]),
        warnings=tuple(JobWarning(**warning) for warning in json.loads(row["warnings"])),
        error=JobFailure(**error) if error else None,
        results=results,
        cancel_requested=bool(row["cancel_requested"]),
        version=row["version"],
        queue_position=queue_position,
    )
