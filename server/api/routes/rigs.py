"""Rigs."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from core.errors import BadInput
from server.api.context import Id, InContext
from server.api.downloads import send_file
from server.api.errors import errors
from server.api.schemas import NewRig, Rig, Rigs
from server.rig_summary import read_summary

router = APIRouter(tags=["rigs"])
_BYTES = {"schema": {"type": "string", "format": "binary"}}


@router.get("/rigs", responses=errors())
def list_rigs(context: InContext) -> Rigs:
    """Newest first."""
    return Rigs(rigs=[Rig.of(rig) for rig in context.store.rigs.list()])


@router.post(
    "/rigs",
    status_code=201,
    responses={
        200: {"model": Rig, "description": "The server had this rig already"},
        **errors("not_found", "conflict", "too_large", "bad_input", "rig_unreadable", "quota_exceeded"),
    },
)
def add_rig(new: NewRig, response: Response, context: InContext) -> Rig:
    """Make an uploaded .semrig file a rig, for jobs to work on."""
    file = context.store.files.get(new.file)
    if file.kind != "rig":
        raise BadInput(f"{file.name} is no rig.", "Upload a .semrig file.")
    rig, is_new = context.store.rigs.add(read_summary(context.store.files.path(file.id)), file)
    response.status_code = 201 if is_new else 200
    return Rig.of(rig)


@router.get("/rigs/{id}", responses=errors("not_found", "bad_input"))
def get_rig(id: Id, context: InContext) -> Rig:
    """What is known about a rig."""
    return Rig.of(context.store.rigs.get(id))


@router.get(
    "/rigs/{id}/file",
    response_class=Response,
    responses={
        200: {"content": {"application/x-semrig": _BYTES}, "description": "The .semrig file"},
        206: {"content": {"application/x-semrig": _BYTES}, "description": "The range that was asked for"},
        304: {"description": "The client has it already"},
        **errors("not_found", "bad_input"),
        416: errors("bad_input")[422],
    },
)
def download_rig(id: Id, request: Request, context: InContext) -> Response:
    """The .semrig bytes, as `GET /v1/files/{id}`."""
    return send_file(request, context.store, context.store.rigs.get(id).file)


@router.delete("/rigs/{id}", status_code=204, responses=errors("not_found", "conflict", "bad_input"))
def delete_rig(id: Id, context: InContext) -> None:
    """Delete a rig and its file."""
    context.store.rigs.delete(id)
