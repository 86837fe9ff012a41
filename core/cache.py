"""Where Semblance keeps what it can make again, and files there that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

import platformdirs

from core.atomic import staged


def cache_folder() -> Path:
    """Folder of the cache: ``$SEMBLANCE_CACHE`` if set, else the platform's cache folder for Semblance."""
    chosen = os.environ.get("SEMBLANCE_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("semblance", appauthor=False)


def write_atomically(file: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Make a file of the cache, and its folder: ``write`` fills a stream, which takes ``file``'s place whole.

    Raises:
        OSError: the file system refused; :func:`core.atomic.staged` has left nothing behind.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with staged(file) as temporary, temporary.open("wb") as stream:
        write(stream)
