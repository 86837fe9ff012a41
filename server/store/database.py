"""The SQLite database: opening it, its tables, and transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from core.errors import OutputFailed
from server.errors import QuotaExceeded

_SCHEMA: Final = 1
_TABLES: Final = """
CREATE TABLE files (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    kind TEXT NOT NULL, media_type TEXT NOT NULL, created TEXT NOT NULL
) STRICT;
CREATE TABLE rigs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, model TEXT NOT NULL, model_licence TEXT NOT NULL,
    created TEXT NOT NULL, photos TEXT NOT NULL, file TEXT NOT NULL UNIQUE REFERENCES files (id)
) STRICT;
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    state TEXT NOT NULL, files TEXT NOT NULL, rig TEXT, options TEXT NOT NULL,
    created TEXT NOT NULL, started TEXT, finished TEXT, attempt INTEGER NOT NULL DEFAULT 1,
    stage TEXT NOT NULL DEFAULT '', fraction REAL NOT NULL DEFAULT 0, seconds TEXT NOT NULL DEFAULT '{}',
    warnings TEXT NOT NULL DEFAULT '[]', error TEXT, cancel_requested INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL, idempotency_key TEXT UNIQUE, request_sha256 TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE TABLE results (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    file TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    PRIMARY KEY (job, file)
) STRICT;
CREATE TABLE inputs (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    file TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    PRIMARY KEY (job, file)
) STRICT;
CREATE INDEX results_by_file ON results (file);
CREATE INDEX inputs_by_file ON inputs (file);
"""


class Database:
    """One connection, shared by threads that take turns.

    Raises:
        OutputFailed: the file is damaged, of a newer release, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            # A commit is on the disk when it returns; a reader never waits for a writer.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._create(path)
        except sqlite3.Error as error:
            raise OutputFailed(
                f"The server's database {path} cannot be used ({error}).",
                "Move it away to start afresh, or choose another folder with --folder.",
            ) from error

    def _create(self, path: Path) -> None:
        schema = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if schema > _SCHEMA:
            raise OutputFailed(
                f"The server's database {path} was written by a newer Semblance.",
                "Update Semblance, or choose another folder with --folder.",
            )
        if schema == 0:
            self._connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_SCHEMA}; COMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block's statements, or none.

        Raises:
            QuotaExceeded: the disk is full.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                    raise QuotaExceeded(
                        "The server's disk is full.", "Free some space on it, then try again."
                    ) from error
                raise

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        found = self.rows(statement, values)
        return found[0] if found else None

    def close(self) -> None:
        with self._lock:
            self._connection.close()
