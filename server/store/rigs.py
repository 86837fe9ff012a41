"""Rigs: made by jobs or uploaded."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from server.errors import Conflict, NotFound
from server.store.database import Database
from server.store.files import FileStore
from server.store.records import FileRecord, RigRecord, RigSummary, file_from, next_version

_SELECT: Final = (
    "SELECT rigs.id AS rig_id, rigs.name AS rig_name, model, model_licence, rigs.created AS rig_created,"
    " photos, files.* FROM rigs JOIN files ON files.id = rigs.file"
)
_BUSY: Final = "SELECT 1 FROM jobs WHERE rig = ? AND state IN ('queued', 'running')"


class RigStore:
    """The rigs' part of the database."""

    def __init__(self, database: Database, files: FileStore) -> None:
        self._database = database
        self._files = files

    def get(self, rig_id: str) -> RigRecord:
        """
        Raises:
            NotFound: there is no such rig.
        """
        row = self._database.row(f"{_SELECT} WHERE rigs.id = ?", (rig_id,))
        if row is None:
            raise NotFound("There is no such rig on the server.", "Build it again, or upload its file.")
        return _rig_from(row)

    def list(self) -> list[RigRecord]:
        """All rigs, newest first."""
        return [_rig_from(row) for row in self._database.rows(f"{_SELECT} ORDER BY rigs.rowid DESC")]

    def insert(self, connection: sqlite3.Connection, summary: RigSummary, file_id: str) -> None:
        """Write the row, within a transaction."""
        connection.execute(
            "INSERT INTO rigs VALUES (:id, :name, :model, :model_licence, :created, :photos, :file)",
            {**vars(summary), "photos": json.dumps(summary.photos), "file": file_id},
        )

    def add(self, summary: RigSummary, file: FileRecord) -> tuple[RigRecord, bool]:
        """Make an uploaded file a rig; whether it is new. The same rig twice is one rig.

        Raises:
            Conflict: another file has the same rig id.
        """
        with self._database.transaction() as connection:
            row = connection.execute(f"{_SELECT} WHERE rigs.id = ?", (summary.id,)).fetchone()
            if row is None:
                self.insert(connection, summary, file.id)
            elif row["sha256"] != file.sha256:
                raise Conflict(
                    "The server has another version of this rig.", "Delete that rig first, then add this one."
                )
        return self.get(summary.id), row is None

    def delete(self, rig_id: str) -> None:
        """Delete a rig and its file, also where a job lists it as its result.

        Raises:
            NotFound: there is no such rig.
            Conflict: a job that has not ended needs it.
        """
        file = self.get(rig_id).file
        with self._database.transaction() as connection:
            if connection.execute(_BUSY, (rig_id,)).fetchone():
                raise Conflict("A job that has not ended needs the rig.", "Cancel that job first.")
            connection.execute("DELETE FROM rigs WHERE id = ?", (rig_id,))
            connection.execute(
                "UPDATE jobs SET rig = NULL, version = ? WHERE rig = ?", (next_version(0), rig_id)
            )
            gone = connection.execute("DELETE FROM files WHERE id = ?", (file.id,)).rowcount
        if gone:
            self._files.discard([file])


def _rig_from(row: sqlite3.Row) -> RigRecord:
    return RigRecord(
        id=row["rig_id"],
        name=row["rig_name"],
        model=row["model"],
        model_licence=row["model_licence"],
        created=row["rig_created"],
        photos=tuple(json.loads(row["photos"])),
        file=file_from(row),
    )
