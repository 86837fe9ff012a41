# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the local server as a process of its own, which outlives Blender."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ..errors import StartFailed
from .pythons import candidates, clean_environment, python_of, semblance_version


def choose_python(preferred: str) -> Path:
    """The interpreter to start with.

    Raises:
        StartFailed: the chosen one does not have Semblance, or none was found.
    """
    if preferred:
        python = python_of(preferred)
        if python and semblance_version(python):
            return python
        raise StartFailed(
            f"{preferred} is not a Python environment that has Semblance.",
            "Choose the environment in which you ran pip install, or leave the path empty to look for it.",
            "no_python",
        )
    for python in candidates(""):
        if semblance_version(python):
            return python
    raise StartFailed(
        "No Python environment with Semblance was found.",
        "Install Semblance in a Python 3.11 environment, then choose that environment in the preferences.",
        "no_python",
    )


class ServerProcess:
    """A server that was started from here, until it is ready or has failed."""

    def __init__(self, python: Path, folder: Path, port: int, cpu_only: bool) -> None:
        """Start it, detached.

        Raises:
            StartFailed: the interpreter cannot be started, or the folder cannot be written.
        """
        self._log = folder / "start.log"
        environment = clean_environment()
        environment["PYTHONUNBUFFERED"] = "1"
        if cpu_only:
            environment["CUDA_VISIBLE_DEVICES"] = "-1"
        detached = (
            {"creationflags": 0x00000008 | 0x00000200 | 0x08000000}  # detached, own group, no window
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        command = [str(python), "-P", "-m", "server", "serve", "--json", "--folder", str(folder)]
        if port:
            command += ["--port", str(port)]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env=environment,
                    **detached,
                )
        except OSError as error:
            raise StartFailed(f"The server cannot be started: {error}.", "Choose another Python.") from error

    def ready(self) -> bool:
        """Whether it listens.

        Raises:
            StartFailed: it ended; says why, in its own words.
        """
        rows = self._rows()
        if any(row.get("event") == "ready" for row in rows):
            return True
        if self._process.poll() is None:
            return False
        for row in reversed(rows):
            if row.get("event") == "error":
                raise StartFailed(str(row.get("message")), str(row.get("hint") or ""), str(row.get("code")))
        last = self._text().strip().splitlines()[-1:] or ["it said nothing"]
        raise StartFailed(
            f"The server ended at once: {last[0]}", "Run semblance doctor in its Python environment."
        )

    def _text(self) -> str:
        try:
            return self._log.read_text("utf-8", "replace")
        except OSError:
            return ""

    def _rows(self) -> list[dict[str, object]]:
        rows = []
        for line in self._text().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                rows.append(row)
        return rows

    def reap(self) -> None:
        """Let the system forget it once it has ended."""
        self._process.poll()
