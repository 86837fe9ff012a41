# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts Semblance's programs on this machine, as processes of their own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
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


class StartedProcess:
    """A process of Semblance's that was started from here, until it is ready or has failed.

    It writes JSON lines, as its commands do with ``--json``, to a log that is read here.
    """

    what = "The process"

    def __init__(
        self,
        python: Path,
        arguments: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        leashed: bool = False,
    ) -> None:
        """Start it: detached, or ``leashed``, so that it ends when :meth:`end` is called or Blender ends.

        Raises:
            StartFailed: the interpreter cannot be started, or the folder cannot be written.
        """
        self._log = log
        detached = (
            {"creationflags": 0x00000008 | 0x00000200 | 0x08000000}  # detached, own group, no window
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as stream:
                self._process = subprocess.Popen(
                    [str(python), "-P", "-m", "server", *arguments],
                    stdin=subprocess.PIPE if leashed else subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    cwd=log.parent,
                    env={**clean_environment(), "PYTHONUNBUFFERED": "1", **(environment or {})},
                    **detached,
                )
        except OSError as error:
            raise StartFailed(f"{self.what} cannot be started: {error}.", "Choose another Python.") from error

    def ready(self) -> dict[str, object] | None:
        """What it said when it began to listen; none before.

        Raises:
            StartFailed: it ended; says why, in its own words.
        """
        rows = self._rows()
        for row in rows:
            if row.get("event") == "ready":
                return row
        if self._process.poll() is None:
            return None
        raise self.failure()

    def failure(self) -> StartFailed:
        """Why it ended, in its own words."""
        for row in reversed(self._rows()):
            if row.get("event") == "error":
                return StartFailed(str(row.get("message")), str(row.get("hint") or ""), str(row.get("code")))
        last = self._text().strip().splitlines()[-1:] or ["it said nothing"]
        return StartFailed(f"{self.what} ended: {last[0]}", "Run semblance doctor in its Python environment.")

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def end(self, seconds: float) -> None:
        """Let a leashed process end; one that does not in time is killed."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(seconds)

    def reap(self) -> None:
        """Let the system forget it once it has ended."""
        self._process.poll()

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


class ServerProcess(StartedProcess):
    """The server, which outlives Blender."""

    what = "The server"

    def __init__(self, python: Path, folder: Path, port: int, cpu_only: bool) -> None:
        """Start it.

        Raises:
            StartFailed: as :class:`StartedProcess`.
        """
        arguments = ["serve", "--json", "--folder", str(folder), *(["--port", str(port)] if port else [])]
        hidden = {"CUDA_VISIBLE_DEVICES": "-1"} if cpu_only else {}
        super().__init__(python, arguments, folder / "start.log", hidden)


class LiveProcess(StartedProcess):
    """Live tracking, which ends with Blender."""

    what = "Live tracking"

    def __init__(self, python: Path, folder: Path, source: str, options: Sequence[str]) -> None:
        """Start it.

        Raises:
            StartFailed: as :class:`StartedProcess`.
        """
        arguments = ["live", "--json", "--leash", "--folder", str(folder), *options, "--", source]
        super().__init__(python, arguments, folder / "live.log", leashed=True)
