"""Where jobs run. The queue knows this interface only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from core.errors import SemblanceError
from core.progress import ProgressReport
from server.jobs.task import Outcome, Task

WorkerState = Literal["starting", "idle", "busy", "stopped"]


class WorkerLost(SemblanceError):
    """The process that worked on a job is gone; the queue decides whether the job is tried again."""

    code = "worker_lost"

    def __init__(self) -> None:
        super().__init__("The worker ended without a word.")


class Executor(Protocol):
    """Runs tasks; ``run`` may be called from as many threads at a time as there are ``slots``."""

    name: Literal["local", "ray"]
    slots: int

    @property
    def state(self) -> WorkerState: ...

    def start(self) -> None:
        """Get ready, without waiting for it.

        Raises:
            DependencyMissing: what this executor needs is not installed.
            BadInput: its cluster cannot be reached.
        """

    def run(
        self,
        task: Task,
        listener: Callable[[ProgressReport], None],
        cancelled: Callable[[], bool],
        finishing: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        """Run one task to its end; its outputs lie in the task's folder.

        Where ``finishing`` becomes true, the task is asked to stop and keep what it has.

        Raises:
            Cancelled: ``cancelled`` became true; what does not stop by itself was ended.
            WorkerLost: its process died.
            SemblanceError: the job failed.
        """

    def close(self) -> None:
        """End everything at once; a ``run`` that waits raises ``WorkerLost``."""
