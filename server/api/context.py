"""What routes work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from server.jobs.executor import Executor
from server.jobs.executors import make_executor
from server.jobs.queue import JobQueue
from server.jobs.registry import JobKind, load_kinds
from server.metrics import Metrics
from server.preview.painter import Painter
from server.settings import Settings
from server.store import Store


@dataclass(frozen=True)
class Context:
    """One server's parts."""

    settings: Settings
    kinds: Mapping[str, JobKind]
    store: Store
    queue: JobQueue
    executor: Executor
    metrics: Metrics
    painter: Painter
    started: str
    stop: Callable[[], None]


def open_context(settings: Settings, started: str, stop: Callable[[], None]) -> Context:
    """Open the folder and start the executor.

    Args:
        started: when, ISO 8601.
        stop: ends the process that serves; called by ``POST /v1/shutdown``.

    Raises:
        OutputFailed: the folder cannot be used.
        DependencyMissing, BadInput: the executor cannot be started.
    """
    store = Store(settings)
    executor = make_executor(settings)
    try:
        executor.start()
    except BaseException:
        store.close()
        raise
    metrics = Metrics(store)
    queue = JobQueue(store, executor, metrics)
    kinds = load_kinds(settings.kinds)
    return Context(settings, kinds, store, queue, executor, metrics, Painter(), started, stop)


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


InContext = Annotated[Context, Depends(_context)]
Id = Annotated[str, Path(max_length=64)]
