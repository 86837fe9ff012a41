# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder in which the local server leaves its address, its token and its log."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ..errors import NotRunning
from ..http import Address

_LOG_END = 65536  # bytes


def server_folder() -> Path:
    """Where ``semblance serve`` keeps its files: ``$SEMBLANCE_SERVER``, or the platform's place for data."""
    if chosen := os.environ.get("SEMBLANCE_SERVER"):
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "semblance"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "semblance"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "semblance"


def local_address(folder: Path, note: str = "server.json") -> Address:
    """The address and token that a running server left in its folder.

    ``note`` is ``live.json`` for live tracking that was started elsewhere.

    Raises:
        NotRunning: there is none, or it cannot be read.
    """
    try:
        url = json.loads((folder / note).read_text("utf-8"))["url"]
        token = (folder / "token").read_text("utf-8").strip()
    except (OSError, ValueError, KeyError, TypeError):
        if note != "server.json":
            raise NotRunning("No live tracking runs.", "Start it with semblance live.") from None
        raise NotRunning("The server is not running.", "Start it.") from None
    return Address(str(url), token)


def log_lines(folder: Path, count: int = 8) -> tuple[str, ...]:
    """The last lines of the server's log, short enough to read; none if there is no log."""
    lines: list[str] = []
    for name in ("start.log", "server.log"):
        try:
            with (folder / name).open("rb") as stream:
                stream.seek(0, os.SEEK_END)
                start = max(0, stream.tell() - _LOG_END)
                stream.seek(start)
                text = stream.read(_LOG_END).decode("utf-8", "replace")
        except OSError:
            continue
        found = [_readable(line) for line in text.splitlines()[1 if start else 0 :] if line.strip()]
        lines = [line for line in found if line] or lines  # the log itself, once there is one
    return tuple(lines[-count:])


def _readable(line: str) -> str:
    """A line of the log without its braces; empty for single requests, of which there are many."""
    try:
        row = json.loads(line)
        message = row.pop("message", None) or row.pop("event", None)
        if not isinstance(message, str):
            return line
        if row.pop("logger", "") == "server.access":
            return ""
        at = str(row.pop("time", ""))[11:19]
        level = str(row.pop("level", "")).lower()
        shown_facts = ("job", "kind", "attempt", "url", "code", "error")
        facts = " ".join(f"{name}={row[name]}" for name in shown_facts if row.get(name))
        shown = "" if level in ("", "info") else level.upper()
        return " ".join(part for part in (at, shown, message, facts) if part)
    except (ValueError, AttributeError):
        return line
