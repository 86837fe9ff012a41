"""The server's folder: the token, the note that says where the server is, and the lock."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from core.atomic import staged_output
from core.errors import OutputFailed
from server.errors import ServerRunning


@dataclass(frozen=True)
class ServerNote:
    """What ``server.json`` says about a running server."""

    url: str
    pid: int
    version: str
    api_version: int
    started: str


def server_folder() -> Path:
    """``$SEMBLANCE_SERVER`` if set, else the platform's data folder for Semblance."""
    import platformdirs

    chosen = os.environ.get("SEMBLANCE_SERVER")
    return Path(chosen) if chosen else platformdirs.user_data_path("semblance", appauthor=False)


def prepare_folder(folder: Path) -> None:
    """Make the folder, for its owner alone.

    Raises:
        OutputFailed: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OutputFailed(
            f"Cannot make the server's folder {folder}: {error.strerror}.", "Choose another with --folder."
        ) from error


def token_file(folder: Path) -> Path:
    return folder / "token"


def read_token(folder: Path) -> str | None:
    """The token of the server that keeps its things in ``folder``; none where no server ever ran."""
    try:
        return token_file(folder).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def make_token(folder: Path) -> str:
    """The folder's token: made at first use, readable by its owner alone.

    Raises:
        OutputFailed: it cannot be written.
    """
    if token := read_token(folder):
        token_file(folder).chmod(0o600)
        return token
    token = secrets.token_urlsafe(32)
    _write_private(token_file(folder), token + "\n")
    return token


SERVER_NOTE: Final = "server.json"
LIVE_NOTE: Final = "live.json"  # of `semblance live`


def write_note(folder: Path, note: ServerNote, name: str = SERVER_NOTE) -> None:
    """Say where the server is; the file appears whole."""
    _write_private(folder / name, json.dumps(asdict(note), indent=1) + "\n")


def read_note(folder: Path, name: str = SERVER_NOTE) -> ServerNote | None:
    """Where the server said it is; one that was killed leaves its note behind, so ask it first."""
    try:
        note = json.loads((folder / name).read_text(encoding="utf-8"))
        url, version, started = (str(note[name]) for name in ("url", "version", "started"))
        return ServerNote(url, int(note["pid"]), version, int(note["api_version"]), started)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_note(folder: Path, name: str = SERVER_NOTE, pid: int | None = None) -> None:
    """Take the note away; with ``pid``, only where it is that process's."""
    note = read_note(folder, name)
    if pid is None or (note is not None and note.pid == pid):
        (folder / name).unlink(missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    with staged_output(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one server; the lock goes with its process, however that ends.

    Raises:
        ServerRunning: another server holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        note = read_note(folder)
        where = f" at {note.url} (process {note.pid})" if note else ""
        raise ServerRunning(
            f"A server is running already{where}, with the folder {folder}.",
            "Use that one, end it first, or choose another folder with --folder.",
        ) from None
    try:
        yield
    finally:
        lock.release()
