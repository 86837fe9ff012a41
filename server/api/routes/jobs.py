"""Jobs. The requests' schema comes from the kinds that the server was started with."""

# No postponed annotations here: FastAPI must see the union of the kinds' requests itself.

import io
import re
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from PIL import Image
from pydantic import Field

from server.api.context import Id, InContext
from server.api.errors import errors
from server.api.events import job_events
from server.api.schemas import Job, Jobs, JobStateName
from server.errors import TooMany
from server.jobs.registry import JobKind

_Key = Annotated[
    str | None,
    Header(max_length=200, description="The same key with the same request gives the same job again."),
]
_Keep = Annotated[
    bool,
    Query(
        description="A running job that can, `track` for one, ends early as done, with what it has so far."
    ),
]
_Format = Annotated[Literal["jpeg", "ppm"], Query(description="PPM for clients that decode nothing.")]
_PICTURE = {"schema": {"type": "string", "format": "binary"}}


def jobs_router(kinds: Iterable[JobKind]) -> APIRouter:
    """Routes that take jobs of those kinds."""
    router = APIRouter(tags=["jobs"])
    by_name = {kind.name: kind for kind in kinds}
    requests: Any = Annotated[
        reduce(or_, (kind.request for kind in by_name.values())), Field(discriminator="kind")
    ]

    @router.post(
        "/jobs",
        status_code=202,
        responses={
            200: {"model": Job, "description": "The job that the key stands for already"},
            **errors("not_found", "conflict", "too_large", "bad_input", "too_many", "quota_exceeded"),
        },
    )
    def submit(
        request: requests, response: Response, context: InContext, idempotency_key: _Key = None
    ) -> Job:
        """Queue a job; answers at once."""
        by_name[request.kind].check(request)
        asked = request.model_dump()
        job, is_new = context.queue.submit(
            request.kind,
            asked.get("files", []),
            asked.get("rig"),
            asked.get("options", {}),
            idempotency_key,
        )
        response.status_code = 202 if is_new else 200
        return Job.of(job)

    @router.post("/jobs/{id}/cancel", responses=errors("not_found", "bad_input", "quota_exceeded"))
    def cancel_job(id: Id, context: InContext, keep: _Keep = False) -> Job:
        """A waiting job is cancelled at once, a running one as soon as it can stop; ended ones stay."""
        kind = by_name.get(context.queue.get(id).kind)
        return Job.of(context.queue.cancel(id, keep and kind is not None and kind.keeps))

    router.include_router(_router)
    return router


_router = APIRouter()


@_router.get("/jobs", responses=errors("not_found", "bad_input"))
def list_jobs(
    context: InContext,
    state: JobStateName | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str | None, Query(max_length=64, description="Only jobs older than this one.")] = None,
) -> Jobs:
    """Newest first."""
    return Jobs(jobs=[Job.of(job) for job in context.queue.list(state, limit, after)])


@_router.get("/jobs/{id}", responses=errors("not_found", "bad_input"))
def get_job(id: Id, context: InContext) -> Job:
    """State, progress, results."""
    return Job.of(context.queue.get(id))


@_router.get(
    "/jobs/{id}/preview",
    response_class=Response,
    responses={
        200: {
            "content": {"image/jpeg": _PICTURE, "image/x-portable-pixmap": _PICTURE},
            "description": "The picture",
        },
        **errors("not_found", "bad_input"),
    },
)
def job_preview(id: Id, context: InContext, format: _Format = "jpeg") -> Response:
    """A small picture of the frame that a running job works on, with the face outlined."""
    picture, media_type = context.queue.picture(id), "image/jpeg"
    if format == "ppm":
        unpacked = io.BytesIO()
        Image.open(io.BytesIO(picture)).convert("RGB").save(unpacked, "PPM")
        picture, media_type = unpacked.getvalue(), "image/x-portable-pixmap"
    return Response(picture, media_type=media_type, headers={"Cache-Control": "no-store"})


@_router.delete("/jobs/{id}", status_code=204, responses=errors("not_found", "conflict", "bad_input"))
def delete_job(id: Id, context: InContext) -> None:
    """Delete a job that has ended, with its results; a rig that it made stays until it is deleted itself."""
    context.store.jobs.delete(id)


@_router.get(
    "/jobs/{id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events"},
        **errors("not_found", "bad_input", "too_many"),
    },
)
def job_stream(
    id: Id,
    context: InContext,
    last_event_id: Annotated[str, Header(description="What this client saw last is not repeated.")] = "",
) -> StreamingResponse:
    """Server-sent events `state`, `progress` and `warning`, each with the job as its data."""
    context.queue.get(id)
    if context.queue.hub.streams >= context.settings.most_streams:
        raise TooMany("Too many event streams are open.", "Close some, or ask for the job now and then.")
    seen = int(last_event_id) if re.fullmatch(r"[0-9]{1,18}", last_event_id) else 0
    return StreamingResponse(
        job_events(context.queue, id, seen, context.settings.heartbeat_seconds),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
