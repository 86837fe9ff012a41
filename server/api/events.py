"""A job's changes as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from anyio.to_thread import run_sync

from server.api.schemas import Job
from server.errors import NotFound
from server.jobs.queue import JobQueue
from server.store import JobRecord

_INTERVAL: Final = 0.05  # seconds between events: more are of no use to anyone


async def job_events(
    queue: JobQueue, job_id: str, last_id: int, heartbeat_seconds: float
) -> AsyncIterator[str]:
    """The job as it is, unless ``last_id`` was that already; then each change, until it has ended.

    Changes that come faster than they are read become one event.
    """
    before: JobRecord | None = None
    with queue.hub.follow(job_id) as changed:
        while not queue.hub.closed:
            changed.clear()
            try:
                job = await run_sync(queue.get, job_id)
            except NotFound:  # deleted meanwhile
                return
            moved = before is not None and job.queue_position != before.queue_position
            if job.version > last_id or moved:
                last_id = max(last_id + 1, job.version)
                yield _event(job, before, last_id)
                before = job
            if job.is_final:
                return
            await asyncio.sleep(_INTERVAL)
            try:
                await asyncio.wait_for(changed.wait(), heartbeat_seconds)
            except TimeoutError:
                yield ": still here\n\n"


def _event(job: JobRecord, before: JobRecord | None, event_id: int) -> str:
    if before is None or job.state != before.state:
        name = "state"
    else:
        name = "warning" if len(job.warnings) > len(before.warnings) else "progress"
    return f"id: {event_id}\nevent: {name}\ndata: {Job.of(job).model_dump_json()}\n\n"
