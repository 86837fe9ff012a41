"""Jobs: the queue as it is on the disk. States change here and nowhere else."""

from __future__ import annotations

import builtins
import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from server.errors import Conflict, NotFound, TooMany
from server.store.database import Database
from server.store.files import FileStore
from server.store.records import (
    FileRecord,
    JobFailure,
    JobRecord,
    JobState,
    JobWarning,
    RigSummary,
    file_from,
    job_from,
    new_id,
    next_version,
    now,
)
from server.store.rigs import RigStore

MOST_ATTEMPTS: Final = 2
_WAITING: Final = (
    "SELECT jobs.*, CASE state WHEN 'queued' THEN (SELECT COUNT(*) FROM jobs AS ahead"
    " WHERE ahead.state = 'queued' AND ahead.number <= jobs.number) ELSE 0 END AS position FROM jobs"
)
INTERRUPTED: Final = JobFailure(
    "worker_died",
    "The process that worked on the job ended twice without a word; most often the memory was used up.",
    "Close other programs, or choose a lower quality or fewer photos, then build again.",
)


@dataclass(frozen=True)
class JobEnd:
    """How a job ended, and what it leaves."""

    state: JobState
    stage: str = ""
    fraction: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: Sequence[JobWarning] = ()
    error: JobFailure | None = None
    results: Sequence[FileRecord] = ()
    rig: RigSummary | None = None
    rig_file: str = ""


class JobStore:
    """The jobs' part of the database."""

    def __init__(self, database: Database, files: FileStore, rigs: RigStore, most_queued: int) -> None:
        self._database = database
        self._files = files
        self._rigs = rigs
        self._most_queued = most_queued

    def submit(
        self, kind: str, files: Sequence[str], rig: str | None, options: Mapping[str, Any], key: str | None
    ) -> tuple[JobRecord, bool]:
        """Put a job into the queue; whether it is new. The same key with the same request is the same job.

        Raises:
            Conflict: the key came with another request.
            NotFound: a file or the rig does not exist.
            TooMany: too many jobs wait.
        """
        request = json.dumps([kind, list(files), rig, options], sort_keys=True)
        sha256 = hashlib.sha256(request.encode()).hexdigest()
        with self._database.transaction() as connection:
            known = connection.execute("SELECT * FROM jobs WHERE idempotency_key = ?", (key,)).fetchone()
            if known:
                if known["request_sha256"] != sha256:
                    raise Conflict(
                        "The Idempotency-Key was used for another request.", "Use a new key for each request."
                    )
                return self.get(known["id"]), False
            if self.count("queued") >= self._most_queued:
                raise TooMany(f"{self._most_queued} jobs wait already.", "Wait until some have ended.")
            inputs = [self._files.get(file).id for file in files]
            if rig is not None:
                inputs.append(self._rigs.get(rig).file.id)
            job_id = new_id()
            connection.execute(
                "INSERT INTO jobs (id, kind, state, files, rig, options, created, version, idempotency_key,"
                " request_sha256) VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?)",
                (
                    job_id, kind, json.dumps(list(files)), rig, json.dumps(dict(options)), now(),
                    next_version(0), key, sha256,
                ),
            )  # fmt: skip
            connection.executemany(
                "INSERT OR IGNORE INTO inputs VALUES (?, ?)", [(job_id, file) for file in inputs]
            )
        return self.get(job_id), True

    def get(self, job_id: str) -> JobRecord:
        """
        Raises:
            NotFound: there is no such job.
        """
        row = self._database.row(f"{_WAITING} WHERE jobs.id = ?", (job_id,))
        if row is None:
            raise NotFound("There is no such job on the server.", "It may have been deleted.")
        return self._record(row)

    def list(
        self, state: JobState | None = None, limit: int = 100, after: str | None = None
    ) -> list[JobRecord]:
        """Newest first; with ``after``, those older than that job.

        Raises:
            NotFound: there is no job ``after``.
        """
        older = self.get(after).number if after else 1 << 62
        rows = self._database.rows(
            f"{_WAITING} WHERE number < ? AND (? IS NULL OR state = ?) ORDER BY number DESC LIMIT ?",
            (older, state, state, limit),
        )
        return [self._record(row) for row in rows]

    def _record(self, row: sqlite3.Row) -> JobRecord:
        results = self._database.rows(
            "SELECT files.* FROM results JOIN files ON files.id = results.file WHERE job = ?"
            " ORDER BY results.rowid",
            (row["id"],),
        )
        return job_from(row, tuple(file_from(result) for result in results), row["position"])

    def count(self, state: JobState) -> int:
        return int(self._database.rows("SELECT COUNT(*) FROM jobs WHERE state = ?", (state,))[0][0])

    def claim(self) -> JobRecord | None:
        """The job that waited longest, now running; none where none waits."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT id, version FROM jobs WHERE state = 'queued' ORDER BY number LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE jobs SET state = 'running', started = ?, version = ? WHERE id = ?",
                (now(), next_version(row["version"]), row["id"]),
            )
        return self.get(row["id"])

    def requeue(self, job: JobRecord, attempt: int) -> None:
        """Put a running job back to its place in the queue."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'queued', started = NULL, attempt = ?, version = ?"
                " WHERE id = ? AND state = 'running'",
                (attempt, next_version(job.version), job.id),
            )

    def finish(self, job_id: str, end: JobEnd, version: int) -> None:
        """Note how a job ended, with its results and its rig: all of it, or nothing."""
        with self._database.transaction() as connection:
            for record in end.results:
                self._files.insert(connection, record)
                connection.execute("INSERT INTO results VALUES (?, ?)", (job_id, record.id))
            if end.rig:
                self._rigs.insert(connection, end.rig, end.rig_file)
                connection.execute("UPDATE jobs SET rig = ? WHERE id = ?", (end.rig.id, job_id))
            connection.execute(
                "UPDATE jobs SET state = ?, finished = ?, stage = ?, fraction = ?, seconds = ?, warnings = ?,"
                " error = ?, version = ? WHERE id = ?",
                (
                    end.state, now(), end.stage, end.fraction, json.dumps(dict(end.seconds)),
                    json.dumps([asdict(warning) for warning in end.warnings]),
                    json.dumps(asdict(end.error)) if end.error else None, version, job_id,
                ),
            )  # fmt: skip

    def request_cancel(self, job_id: str) -> tuple[JobRecord, bool]:
        """Cancel a waiting job, note for a running one that it should stop; whether that is news."""
        with self._database.transaction() as connection:
            job = self.get(job_id)
            if job.state == "queued":
                connection.execute(
                    "UPDATE jobs SET state = 'cancelled', finished = ?, cancel_requested = 1, version = ?"
                    " WHERE id = ?",
                    (now(), next_version(job.version), job_id),
                )
            elif job.state == "running":
                connection.execute("UPDATE jobs SET cancel_requested = 1 WHERE id = ?", (job_id,))
        return self.get(job_id), not job.is_final and not job.cancel_requested

    def delete(self, job_id: str) -> None:
        """Delete a finished job and its results, except those that are rigs.

        Raises:
            NotFound: there is no such job.
            Conflict: it has not ended.
        """
        with self._database.transaction() as connection:
            job = self.get(job_id)
            if not job.is_final:
                raise Conflict("The job has not ended.", "Cancel it first.")
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
            unused = [record for record in job.results if not _is_needed(connection, record.id)]
            connection.executemany("DELETE FROM files WHERE id = ?", [(record.id,) for record in unused])
        self._files.discard(unused)

    def recover(self) -> builtins.list[str]:
        """After a server that was killed: no job stays running. The ids of those that were.

        An interrupted job waits again, unless it was interrupted before or should have been cancelled.
        """
        interrupted = self.list("running", limit=1 << 30)
        for job in interrupted:
            version = next_version(job.version)
            if job.cancel_requested:
                self.finish(job.id, JobEnd("cancelled"), version)
            elif job.attempt >= MOST_ATTEMPTS:
                self.finish(job.id, JobEnd("failed", error=INTERRUPTED), version)
            else:
                self.requeue(job, job.attempt + 1)
        return [job.id for job in interrupted]


def _is_needed(connection: sqlite3.Connection, file_id: str) -> bool:
    for statement in (
        "SELECT 1 FROM rigs WHERE file = ?",
        "SELECT 1 FROM results WHERE file = ?",
        "SELECT 1 FROM inputs JOIN jobs ON jobs.id = inputs.job"
        " WHERE inputs.file = ? AND jobs.state IN ('queued', 'running')",
    ):
        if connection.execute(statement, (file_id,)).fetchone():
            return True
    return False
