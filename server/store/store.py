"""Everything that one server keeps."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime, timedelta

from server.settings import Settings
from server.store.database import Database
from server.store.files import FileStore
from server.store.jobs import JobStore
from server.store.rigs import RigStore

_log = logging.getLogger(__name__)


class Store:
    """Opens the folder, and puts right what a killed server left behind.

    Raises:
        OutputFailed: the database is damaged or cannot be written.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.database = Database(settings.folder / "jobs.sqlite3")
        self.files = FileStore(self.database, settings.folder / "files", settings.quota, settings.most_files)
        self.rigs = RigStore(self.database, self.files)
        self.jobs = JobStore(self.database, self.files, self.rigs, settings.most_queued)
        self.work = settings.folder / "work"  # a folder for each running job
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(mode=0o700)
        if interrupted := self.jobs.recover():
            _log.warning("jobs were interrupted", extra={"jobs": interrupted})
        self.clean_up()

    def clean_up(self) -> None:
        """Remove old uploads that nothing needs."""
        before = datetime.now(UTC) - timedelta(days=self._settings.keep_uploads_days)
        if removed := self.files.remove_unused(before.isoformat(timespec="milliseconds")):
            _log.info("old uploads were removed", extra={"files": removed})

    def close(self) -> None:
        self.database.close()
