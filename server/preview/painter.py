"""The server's end of the process that makes pictures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from typing import Any, Final

from server.errors import WorkerDied, error_from
from server.preview.messages import Opening
from server.processes import python_environment

_log = logging.getLogger(__name__)
_IDLE_SECONDS: Final = 60.0  # after the last line, until the process ends


@dataclass(frozen=True)
class Wanted:
    """A photo of a rig, at a size; ``sha256`` is of the rig's file at ``path``."""

    path: str
    sha256: str
    photo: int
    size: int


class Painter:
    """Starts the process when it is first needed and ends it a while after nobody uses it.

    One question at a time: what the process computes with is not made for two threads.
    """

    def __init__(self, most: int = 8) -> None:
        self._most = most
        self._lines = 0
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ending: asyncio.TimerHandle | None = None

    @property
    def full(self) -> bool:
        """Whether nobody else may look."""
        return self._lines >= self._most

    def join(self) -> None:
        """A line more; within the event loop."""
        self._lines += 1
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def leave(self) -> None:
        """A line less; within the event loop."""
        self._lines -= 1
        if self._lines == 0:
            self._ending = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self.close)

    def ask(self, wanted: Wanted, opening: Opening, state: str | None = None) -> tuple[dict[str, Any], bytes]:
        """The layout and picture 0, or the picture of a state as it was sent; outside the event loop.

        Raises:
            SemblanceError: whatever the process says.
            WorkerDied: it has ended while it worked.
        """
        order: dict[str, Any] = {
            "wanted": asdict(wanted),
            "format": opening.format,
            "quality": opening.quality,
        }
        if state is not None:
            order["state"] = state
        with self._lock:
            process = self._running()
            try:
                told, content = _exchange(process, order)
            except (OSError, ValueError):
                self._end()
                raise WorkerDied(
                    "The process that makes previews has ended unexpectedly.",
                    "Start the preview again; server.log has more.",
                ) from None
        if error := told.get("error"):
            raise error_from(error["code"], error["message"], error["hint"])
        return told, content

    def close(self) -> None:
        """End the process; it is started again when it is needed."""
        self._ending = None
        self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "server.preview.process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=python_environment(),
                start_new_session=True,  # Ctrl-C does not reach it
            )
            threading.Thread(target=_read_log, args=(self._process,), daemon=True).start()
            _log.info("preview process started", extra={"worker_pid": self._process.pid})
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]


def _exchange(process: subprocess.Popen[bytes], order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """
    Raises:
        OSError, ValueError: the process is gone.
    """
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(order).encode() + b"\n")
    process.stdin.flush()
    told = json.loads(process.stdout.readline())
    content = process.stdout.read(told["bytes"])
    if len(content) != told["bytes"]:
        raise ValueError("the answer is not whole")
    return told, content


def _read_log(process: subprocess.Popen[bytes]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        _log.info(line.decode("utf-8", "replace").rstrip(), extra={"worker_pid": process.pid})
