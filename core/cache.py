"""Where Semblance keeps what it can make again, and files there that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import platformdirs


def cache_folder() -> Path:
    """Folder of the cache: ``$SEMBLANCE_CACHE`` if set, else the platform's cache folder for Semblance."""
    chosen = os.environ.get("SEMBLANCE_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("semblance", appauthor=False)


def write_atomically(file: Path, write: Any) -> None:
    """Call ``write(stream)`` on a new file beside ``file``, then put it in ``file``'s place."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
