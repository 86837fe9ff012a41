"""The Ray executor: jobs run in actors of a cluster, one for each slot. Files travel as bytes."""

from __future__ import annotations

import importlib
import logging
import operator
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

from core.errors import BadInput, Cancelled, DependencyMissing
from core.progress import ProgressReport
from server.errors import error_from
from server.jobs.executor import WorkerLost, WorkerState
from server.jobs.registry import load_kinds
from server.jobs.running import run_task, warm_up
from server.jobs.task import Input, Outcome, Task, outcome_from_json, report_from_json
from server.processes import python_environment
from server.settings import Settings

_log = logging.getLogger(__name__)
_POLL: Final = 0.1  # seconds an actor keeps a question for news open
_MOST_SLOTS: Final = 64


class RayExecutor:
    """Runs as many jobs at a time as the cluster has room for.

    Every machine of the cluster must have Semblance installed, in the same release; no disk is shared.
    """

    name: Literal["local", "ray"] = "ray"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closed = False
        self._lock = threading.Lock()
        self._idle: list[Any] = []  # actors with nothing to do
        self._busy = 0
        self._ready = False
        self._ray: Any = None
        self.slots = 1

    def start(self) -> None:
        try:
            self._ray = ray = importlib.import_module("ray")
        except ImportError as error:
            raise DependencyMissing(
                f"The Ray executor needs Ray ({error}).", 'Run: pip install "ray>=2.40"'
            ) from error
        path = python_environment()["PYTHONPATH"]
        try:
            ray.init(
                address=self._settings.address or None,
                runtime_env={"env_vars": {"PYTHONPATH": path}} if not self._settings.address else None,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.WARNING,
                ignore_reinit_error=True,
                configure_logging=False,
            )
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise BadInput(
                f"The Ray cluster {self._settings.address} cannot be reached: {error}.",
                "Check --address and the cluster's own token ($RAY_AUTH_TOKEN), or leave --address out for a "
                "cluster on this machine.",
            ) from error
        self._actor_class = ray.remote(max_concurrency=4, max_restarts=0, num_cpus=1)(_Actor)
        processors = int(ray.cluster_resources().get("CPU", 1))
        # On one machine a single job already uses all processors and most of the memory.
        self.slots = min(processors, _MOST_SLOTS) if self._settings.address else 1
        self._idle.append(self._new_actor())

    def _new_actor(self) -> Any:
        return self._actor_class.remote(self._settings.kinds)

    @property
    def state(self) -> WorkerState:
        if self._closed:
            return "stopped"
        return "busy" if self._busy else "idle" if self._ready else "starting"

    def run(
        self,
        task: Task,
        listener: Callable[[ProgressReport], None],
        cancelled: Callable[[], bool],
        finishing: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        with self._lock:
            if self._closed:
                raise WorkerLost()
            actor = self._idle.pop() if self._idle else self._new_actor()
            self._busy += 1
        keep = False
        try:
            running = actor.run.remote(*_packed(task))
            outcome = self._follow(actor, running, task, listener, cancelled, finishing)
            keep = True
            return outcome
        except (self._ray.exceptions.RayError, ConnectionError) as error:
            _log.warning("an actor was lost", extra={"job": task.id, "reason": str(error)[:500]})
            raise WorkerLost() from error
        except _Stubborn:
            _log.warning("a job did not stop, its actor is ended", extra={"job": task.id})
            raise Cancelled() from None
        except Exception as error:
            if self._closed:  # the cluster went away under the job
                raise WorkerLost() from error
            keep = not isinstance(error, WorkerLost)  # the job failed, not the actor
            raise
        finally:
            with self._lock:
                self._busy -= 1
                if keep and not self._closed:
                    self._idle.append(actor)
                else:
                    self._kill(actor)

    def _follow(
        self,
        actor: Any,
        running: Any,
        task: Task,
        listener: Callable[[ProgressReport], None],
        cancelled: Callable[[], bool],
        finishing: Callable[[], bool],
    ) -> Outcome:
        ray = self._ray
        give_up, told = float("inf"), False
        asked: Any = None  # the open question for news: a second one would lose its answer
        over = False  # the job had ended before the question was asked
        while True:
            if self._closed:
                raise WorkerLost()
            if not told and finishing():
                actor.finish.remote(task.id)
                told = True
            if give_up == float("inf") and cancelled():
                actor.cancel.remote(task.id)
                give_up = time.monotonic() + self._settings.cancel_seconds
            if asked is None:
                over = bool(ray.wait([running], timeout=0)[0])
                asked = actor.news.remote()
            try:
                news = ray.get(asked, timeout=max(0.5, self._settings.cancel_seconds))
                asked = None
            except ray.exceptions.GetTimeoutError:  # it starts, or holds on to Python's lock
                news = []
            if news:
                self._ready = True
            for message in news:
                event = message.pop("event")
                if event == "progress":
                    listener(report_from_json(message))
                elif event == "failed":
                    raise error_from(**message)
                elif event == "done":
                    return _unpacked(message, task.folder)
            if over and asked is None:  # it ended without a word
                ray.get(running)
                raise WorkerLost()
            if time.monotonic() > give_up:
                raise _Stubborn()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for actor in self._idle:
                self._kill(actor)
            self._idle.clear()
        self._ray.shutdown()

    def _kill(self, actor: Any) -> None:
        try:
            self._ray.kill(actor)
        except Exception:  # it is gone, and so may be the cluster
            _log.info("an actor was gone already")


class _Stubborn(Exception):
    """A job does not stop when it is asked to."""


class _Actor:
    """Runs one job at a time, in a thread of its own; its other methods answer meanwhile."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self._kinds = load_kinds(kinds)
        self._news: queue.Queue[dict[str, Any]] = queue.Queue()
        self._cancelled: set[str] = set()
        self._finishing: set[str] = set()
        warm_up(self._kinds)
        self._news.put({"event": "ready"})

    def run(self, task: Task, contents: list[bytes]) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name)
            given = [*task.files, *([task.rig] if task.rig else [])]
            (folder / "given").mkdir()
            (folder / "made").mkdir()
            for entry, content in zip(given, contents, strict=True):
                (folder / "given" / entry.path.name).write_bytes(content)

            def here(entry: Input) -> Input:
                return replace(entry, path=folder / "given" / entry.path.name)

            moved = replace(
                task,
                files=tuple(map(here, task.files)),
                rig=here(task.rig) if task.rig else None,
                folder=folder / "made",
            )
            asked = self._cancelled, self._finishing
            run_task(
                moved, self._kinds, self._send, *(partial(operator.contains, ids, task.id) for ids in asked)
            )
        for ids in asked:
            ids.discard(task.id)

    def _send(self, message: Mapping[str, Any]) -> None:
        """Keep a message for the next who asks; results become bytes while they are still there."""
        if message["event"] == "done":
            outputs = [
                {**output, "content": Path(output["path"]).read_bytes()} for output in message["outputs"]
            ]
            message = {**message, "outputs": outputs}
        self._news.put(dict(message))

    def news(self) -> list[dict[str, Any]]:
        """What happened since the last call; waits a moment for it."""
        found: list[dict[str, Any]] = []
        try:
            found.append(self._news.get(timeout=_POLL))
            while True:
                found.append(self._news.get_nowait())
        except queue.Empty:
            return found

    def cancel(self, job_id: str) -> None:
        self._cancelled.add(job_id)

    def finish(self, job_id: str) -> None:
        self._finishing.add(job_id)


def _packed(task: Task) -> tuple[Task, list[bytes]]:
    given = [*task.files, *([task.rig] if task.rig else [])]
    return replace(task, options=dict(task.options)), [entry.path.read_bytes() for entry in given]


def _unpacked(message: Mapping[str, Any], folder: Path) -> Outcome:
    """Write the results into the job's folder here."""
    outputs = []
    for output in message["outputs"]:
        path = folder / Path(output["path"]).name
        path.write_bytes(output["content"])
        outputs.append({**{name: output[name] for name in ("name", "kind", "media_type")}, "path": str(path)})
    return outcome_from_json({**message, "outputs": outputs})
