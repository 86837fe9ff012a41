"""Files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from starlette.requests import ClientDisconnect

from server.api.context import Id, InContext
from server.api.downloads import send_file
from server.api.errors import errors
from server.api.schemas import File
from server.api.uploads import receive_file

router = APIRouter(tags=["files"])
_BYTES = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/files",
    status_code=201,
    response_model=File,
    responses=errors(
        "too_large", "unsupported_media", "bad_input", "too_many", "quota_exceeded", "output_failed"
    ),
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}}},
)
async def upload(
    request: Request,
    context: InContext,
    x_filename: Annotated[str, Header(description="Percent-encoded UTF-8; a label, never a path.")] = "",
) -> File | Response:
    """Send a photo, a rig or a video as the body; what it is, its content says."""
    try:
        return File.of(await receive_file(request, context.store, context.settings))
    except ClientDisconnect:
        return Response(status_code=204)  # nobody reads it


@router.get(
    "/files/{id}",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": _BYTES}, "description": "The bytes"},
        206: {"content": {"application/octet-stream": _BYTES}, "description": "The range that was asked for"},
        304: {"description": "The client has it already"},
        **errors("not_found", "bad_input"),
        416: errors("bad_input")[422],
    },
)
def download(id: Id, request: Request, context: InContext) -> Response:
    """The bytes; `Range` and `If-None-Match` work, the `ETag` is their SHA-256."""
    return send_file(request, context.store, context.store.files.get(id))


@router.get("/files/{id}/info", responses=errors("not_found", "bad_input"))
def info(id: Id, context: InContext) -> File:
    """What is known about a file."""
    return File.of(context.store.files.get(id))


@router.delete("/files/{id}", status_code=204, responses=errors("not_found", "conflict", "bad_input"))
def delete(id: Id, context: InContext) -> None:
    """Remove an upload that nothing needs."""
    context.store.files.delete(id)
