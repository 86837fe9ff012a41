"""Files on their way out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fastapi import Request
from fastapi.responses import FileResponse, Response

from core.errors import BadInput
from server.api.errors import error_response
from server.errors import NotFound
from server.store import FileRecord, Store

_RANGE: Final = r"bytes=(\d{1,18}-\d{0,18}|-\d{1,18})"


def send_file(request: Request, store: Store, record: FileRecord) -> Response:
    """A file, or the one range of it that is asked for; the ETag is the content's SHA-256."""
    headers = {"ETag": f'"{record.sha256}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") in (headers["ETag"], "*"):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range", "")
    if _is_current(request.headers, headers["ETag"]) and _lies_behind(wanted, record.size):
        return error_response(
            BadInput(f"The file has {record.size} bytes; {wanted} lies behind its end.", "Start at 0."),
            416,
            {"Content-Range": f"bytes */{record.size}"},
        )
    if not re.fullmatch(_RANGE, wanted):  # others may be ignored (RFC 9110, 14.2)
        kept = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
        request.scope["headers"] = kept
    path = store.files.path(record.id)
    if not path.is_file():
        raise NotFound("The file is gone from the server's disk.", "Somebody removed it there by hand.")
    return FileResponse(path, media_type=record.media_type, filename=record.name, headers=headers)


def _is_current(headers: Mapping[str, str], etag: str) -> bool:
    return headers.get("if-range", etag) == etag


def _lies_behind(wanted: str, size: int) -> bool:
    start = re.fullmatch(r"bytes=(\d{1,18})-(\d{0,18})", wanted)
    if start:
        return int(start[1]) >= size or bool(start[2] and int(start[2]) < int(start[1]))
    return wanted == "bytes=-0"
