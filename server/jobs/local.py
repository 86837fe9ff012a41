"""The local executor: one worker process, which owns the device."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from core.errors import Cancelled
from core.progress import ProgressReport
from server.errors import error_from
from server.jobs.executor import WorkerLost, WorkerState
from server.jobs.task import Outcome, Task, outcome_from_json, report_from_json, task_to_json
from server.processes import python_environment
from server.settings import Settings

_log = logging.getLogger(__name__)
_POLL: Final = 0.1  # seconds between two looks at whether the user asked to stop


class LocalExecutor:
    """Runs one task at a time. The worker is started again whenever it is gone."""

    name: Literal["local", "ray"] = "local"
    slots = 1

    def __init__(self, settings: Settings) -> None:
        self._kinds = settings.kinds
        self._patience = settings.cancel_seconds
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._closed = False
        self._busy = False

    @property
    def state(self) -> WorkerState:
        worker = self._worker
        if self._closed or worker is None or worker.ended:
            return "stopped"
        return "starting" if not worker.ready else "busy" if self._busy else "idle"

    def start(self) -> None:
        self._current()

    def _current(self) -> _Worker:
        with self._lock:
            if self._closed:
                raise WorkerLost()
            if self._worker is None or self._worker.ended:
                self._worker = _Worker(self._kinds)
            return self._worker

    def run(
        self,
        task: Task,
        listener: Callable[[ProgressReport], None],
        cancelled: Callable[[], bool],
        finishing: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        worker = self._current()
        while not worker.ready:  # a worker that still loads its libraries need not be ended
            if cancelled():
                raise Cancelled()
            worker.receive()
        self._busy = True
        try:
            worker.send({"run": task_to_json(task)})
            return self._follow(worker, task, listener, cancelled, finishing)
        finally:
            self._busy = False

    def _follow(
        self,
        worker: _Worker,
        task: Task,
        listener: Callable[[ProgressReport], None],
        cancelled: Callable[[], bool],
        finishing: Callable[[], bool],
    ) -> Outcome:
        give_up, told = float("inf"), False
        while True:
            if not told and finishing():
                worker.send({"finish": task.id})
                told = True
            if give_up == float("inf") and cancelled():
                worker.send({"cancel": task.id})
                give_up = time.monotonic() + self._patience
            if time.monotonic() > give_up:
                _log.warning("a job did not stop, its worker is ended", extra={"job": task.id})
                worker.kill()
                self.start()
                raise Cancelled()
            message = worker.receive()
            if message is None:
                continue
            event = message.pop("event")
            if event == "progress":
                listener(report_from_json(message))
            elif event == "failed":
                raise error_from(**message)
            elif event == "done":
                return outcome_from_json(message)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._worker:
                self._worker.kill()


class _Worker:
    """The process, and what it says."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "server.jobs.worker", *kinds],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=python_environment(),
            start_new_session=True,  # a group of its own: Ctrl-C does not reach it, and Blender ends with it
        )
        self.ready = False
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read_messages, daemon=True).start()
        threading.Thread(target=self._read_log, daemon=True).start()
        _log.info("worker started", extra={"worker_pid": self._process.pid})

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def _read_messages(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if message["event"] == "ready":
                self.ready = True
            self._messages.put(message)
        status = self._process.wait()
        _log.info("worker ended", extra={"worker_pid": self._process.pid, "status": status})
        self._kill_group()  # what it started, Blender for one, must not outlive it
        self._messages.put(None)

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            _log.info(line.rstrip(), extra={"worker_pid": self._process.pid})

    def receive(self) -> dict[str, Any] | None:
        """The next message, or none where nothing comes for a moment.

        Raises:
            WorkerLost: the process is gone.
        """
        try:
            message = self._messages.get(timeout=_POLL)
        except queue.Empty:
            return None
        if message is None:
            self._messages.put(None)
            raise WorkerLost()
        return message

    def send(self, order: Mapping[str, Any]) -> None:
        """
        Raises:
            WorkerLost: the process is gone.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise WorkerLost() from None

    def kill(self) -> None:
        self._kill_group()
        self._process.kill()
        self._process.wait()

    def _kill_group(self) -> None:
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
