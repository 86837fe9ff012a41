"""What the server keeps: a SQLite database and a folder of files. Both survive a killed server."""

from server.store.records import FileRecord, JobRecord, RigRecord
from server.store.store import Store

__all__ = ["FileRecord", "JobRecord", "RigRecord", "Store"]
