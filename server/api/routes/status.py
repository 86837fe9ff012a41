"""Health, shutdown, metrics."""

from __future__ import annotations

import os

from fastapi import APIRouter, BackgroundTasks, Response

from server.api.context import InContext
from server.api.errors import errors
from server.api.schemas import Health, Stopping
from server.version import API_VERSION, version

router = APIRouter(tags=["server"])


@router.get("/health", responses=errors())
def health(context: InContext) -> Health:
    """Whether the server answers, and which it is."""
    return Health(
        status="ready",
        version=version(),
        api_version=API_VERSION,
        pid=os.getpid(),
        worker=context.executor.state,
        device="cpu",  # rigs are not made elsewhere yet
        executor=context.executor.name,
        queued=context.store.jobs.count("queued"),
        started=context.started,
    )


@router.post("/shutdown", status_code=202, responses=errors())
def shutdown(context: InContext, after: BackgroundTasks) -> Stopping:
    """End the server at once. Waiting jobs wait for the next start, and so does one that runs."""
    after.add_task(context.stop)
    return Stopping()


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text"}, **errors()},
)
def metrics(context: InContext) -> Response:
    """Queue length, seconds by stage, failures, for Prometheus."""
    return Response(context.metrics.text(), media_type=context.metrics.content_type)
