"""Files: uploads and results. A row in the database means that the file is whole and on the disk."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path
from typing import Final

from core.errors import OutputFailed
from server.errors import Conflict, NotFound, QuotaExceeded, TooMany
from server.store.database import Database
from server.store.records import FileKind, FileRecord, file_from, new_id, now

_CHUNK: Final = 1 << 20
_SPARE: Final = 4 << 20  # bytes that uploads leave free on the disk, so that jobs can still be noted
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class FileStore:
    """A folder of files under names of their own, and the quota of all of them.

    Args:
        quota: bytes.
        most_files: files at a time.
    """

    def __init__(self, database: Database, folder: Path, quota: int, most_files: int) -> None:
        self._database = database
        self._folder = folder
        self._quota = quota
        self._most_files = most_files
        self._lock = threading.Lock()
        folder.mkdir(exist_ok=True, mode=0o700)
        self._remove_strays()
        self._used = int(database.rows("SELECT COALESCE(SUM(size), 0) FROM files")[0][0])

    @property
    def used(self) -> int:
        """Bytes of all files, half uploads included."""
        return self._used

    def path(self, file_id: str) -> Path:
        """Where a file of the database lies."""
        return self._folder / file_id

    def get(self, file_id: str) -> FileRecord:
        """
        Raises:
            NotFound: there is no such file.
        """
        row = self._database.row("SELECT * FROM files WHERE id = ?", (file_id,))
        if row is None:
            raise NotFound(
                "There is no such file on the server.", "It may have been removed: upload it again."
            )
        return file_from(row)

    def check_room(self, size: int) -> None:
        """Refuse an upload before its bytes are sent.

        Raises:
            TooMany: as many files are kept as may be.
            QuotaExceeded: ``size`` bytes more are too many for the quota or for the disk.
        """
        if self._database.rows("SELECT COUNT(*) FROM files")[0][0] >= self._most_files:
            raise TooMany(
                f"The server keeps {self._most_files} files already.", "Delete jobs, rigs or files first."
            )
        free = shutil.disk_usage(self._folder).free
        if self._used + size > self._quota or size + _SPARE > free:
            raise self.full(disk=size + _SPARE > free)

    def full(self, disk: bool) -> QuotaExceeded:
        if disk:
            return QuotaExceeded("The server's disk is full.", "Free some space on it, then try again.")
        return QuotaExceeded(
            f"The server's storage of {self._quota / 1e9:.1f} GB is used up.", "Delete jobs or rigs first."
        )

    @contextmanager
    def receive(self) -> Iterator[PartialFile]:
        """A file to be written piece by piece; it is removed unless ``finish`` was called.

        Raises:
            QuotaExceeded: the disk is full.
        """
        partial = PartialFile(self, self._folder / f"{new_id()}.part")
        try:
            with self.refused_by_disk():
                partial.open()
            yield partial
        finally:
            partial.close()

    def grow(self, size: int) -> None:
        """Count bytes that come, or go.

        Raises:
            QuotaExceeded: they are too many.
        """
        with self._lock:
            if size > 0 and self._used + size > self._quota:
                raise self.full(disk=False)
            self._used += size

    @contextmanager
    def refused_by_disk(self) -> Iterator[None]:
        """What the disk says, as one of our errors."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise self.full(disk=True) from error
            raise OutputFailed(
                f"The server cannot write its files ({error.strerror}).",
                "Check its disk and its permissions.",
            ) from error

    def adopt(self, path: Path, name: str, kind: FileKind, media_type: str) -> FileRecord:
        """Take a finished file in: it is flushed and moved, but no row is written yet.

        What is taken in without a row is removed when the server starts again.

        Raises:
            OutputFailed, QuotaExceeded: the disk refused.
        """
        digest = hashlib.sha256()
        with self.refused_by_disk():
            with path.open("rb+") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                os.fsync(stream.fileno())
                size = stream.tell()
            file_id = new_id()
            path.replace(self.path(file_id))
            _flush_folder(self._folder)
        with self._lock:
            self._used += size
        return FileRecord(file_id, name, size, digest.hexdigest(), kind, media_type, now())

    def keep(self, path: Path, record: FileRecord) -> None:
        """Give a file that is on the disk its place and its row.

        Raises:
            OutputFailed, QuotaExceeded: the disk refused; the file is gone.
        """
        with self.refused_by_disk():
            path.replace(self.path(record.id))
            _flush_folder(self._folder)
        try:
            with self._database.transaction() as connection:
                self.insert(connection, record)
        except BaseException:
            self.path(record.id).unlink(missing_ok=True)
            raise

    def insert(self, connection: sqlite3.Connection, record: FileRecord) -> None:
        """Write the row, within a transaction."""
        connection.execute(
            "INSERT INTO files VALUES (:id, :name, :size, :sha256, :kind, :media_type, :created)",
            vars(record),
        )

    def discard(self, records: list[FileRecord]) -> None:
        """Remove files that have no row, or no longer."""
        for record in records:
            self.path(record.id).unlink(missing_ok=True)
            with self._lock:
                self._used -= record.size

    def delete(self, file_id: str) -> None:
        """
        Raises:
            NotFound: there is no such file.
            Conflict: a rig, a result or an unfinished job needs it.
        """
        record = self.get(file_id)
        with self._database.transaction() as connection:
            for statement, what in (
                ("SELECT 1 FROM rigs WHERE file = ?", "It is a rig's: delete the rig."),
                ("SELECT 1 FROM results WHERE file = ?", "It is a job's result: delete the job."),
                (_BUSY, "A job that has not ended needs it: cancel that first."),
            ):
                if connection.execute(statement, (file_id,)).fetchone():
                    raise Conflict("The file is in use.", what)
            gone = connection.execute("DELETE FROM files WHERE id = ?", (file_id,)).rowcount
        if gone:
            self.discard([record])

    def remove_unused(self, before: str) -> int:
        """Remove uploads of before that time which no rig, result or unfinished job needs; how many."""
        rows = self._database.rows(
            "SELECT id FROM files WHERE created < ? AND id NOT IN (SELECT file FROM rigs)"
            " AND id NOT IN (SELECT file FROM results)",
            (before,),
        )
        removed = 0
        for row in rows:
            with contextlib.suppress(Conflict, NotFound):
                self.delete(row["id"])
                removed += 1
        return removed

    def _remove_strays(self) -> None:
        """Remove half uploads, and results whose row was never written."""
        known = {row["id"] for row in self._database.rows("SELECT id FROM files")}
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink()


_BUSY: Final = (
    "SELECT 1 FROM inputs JOIN jobs ON jobs.id = inputs.job"
    " WHERE inputs.file = ? AND jobs.state IN ('queued', 'running')"
)


class PartialFile:
    """An upload on its way in."""

    def __init__(self, store: FileStore, path: Path) -> None:
        self._store = store
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()
        self._stream: BufferedWriter | None = None
        self._kept = False

    def open(self) -> None:
        self._stream = self.path.open("xb")

    def write(self, data: bytes) -> None:
        """
        Raises:
            QuotaExceeded: the quota or the disk is full.
        """
        assert self._stream is not None
        self._store.grow(len(data))
        self.size += len(data)
        with self._store.refused_by_disk():
            self._stream.write(data)
        self._digest.update(data)

    def flush(self) -> None:
        """Bring everything to the disk, so that the file can be looked at."""
        assert self._stream is not None
        with self._store.refused_by_disk():
            self._stream.flush()
            os.fsync(self._stream.fileno())

    def finish(self, name: str, kind: FileKind, media_type: str) -> FileRecord:
        """Keep the file."""
        self.flush()
        record = FileRecord(new_id(), name, self.size, self._digest.hexdigest(), kind, media_type, now())
        self._store.keep(self.path, record)
        self._kept = True
        return record

    def close(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):  # a full disk may refuse what is still buffered
                self._stream.close()
        if not self._kept:
            self.path.unlink(missing_ok=True)
            self._store.grow(-self.size)


def _flush_folder(folder: Path) -> None:
    if os.name == "posix":  # new names are in the folder, which is flushed on its own
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
