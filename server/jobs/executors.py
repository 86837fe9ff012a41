"""Which executor a server uses."""

from __future__ import annotations

from server.jobs.executor import Executor
from server.jobs.local import LocalExecutor
from server.jobs.ray import RayExecutor
from server.settings import Settings


def make_executor(settings: Settings) -> Executor:
    """The executor that was asked for."""
    return RayExecutor(settings) if settings.executor == "ray" else LocalExecutor(settings)
