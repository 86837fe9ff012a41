"""Every error as ``{"error": {"code", "message", "hint"}}``, and as part of the OpenAPI document."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from core.errors import BadInput, SemblanceError
from server.api.schemas import ErrorBody
from server.errors import HTTP_STATUS

_log = logging.getLogger(__name__)
_CODES: Final = {404: "not_found", 405: "bad_input", 413: "too_large", 416: "bad_input"}
_ALWAYS: Final = ("unauthorized", "forbidden_host", "error")


def error_response(
    error: SemblanceError, status: int | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    status = status or HTTP_STATUS.get(error.code, 500)
    told = {"code": error.code, "message": error.message, "hint": error.hint}
    extra = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse({"error": told}, status, {**extra, **(headers or {})})


def errors(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The answers that a route declares besides those that every route may give."""
    by_status: dict[int, list[str]] = {}
    for code in (*_ALWAYS, *codes):
        by_status.setdefault(HTTP_STATUS.get(code, 500), []).append(code)
    return {
        status: {
            "model": ErrorBody,
            "description": "Error code " + " or ".join(f"`{code}`" for code in listed),
        }
        for status, listed in by_status.items()
    }


def handle_errors(app: FastAPI) -> None:
    """Turn whatever is raised into the one form."""

    @app.exception_handler(SemblanceError)
    async def _semblance(request: Request, error: SemblanceError) -> JSONResponse:
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return error_response(BadInput(_sentence(error), "See /v1/openapi.json for what is taken."))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        told = SemblanceError(f"{error.detail}.", "See /v1/openapi.json for what there is.")
        status = 422 if error.status_code == 400 else error.status_code  # a body that cannot be parsed
        told.code = _CODES.get(status, "bad_input" if status < 500 else "error")
        return error_response(told, status, error.headers)

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> JSONResponse:
        _log.error("request failed", exc_info=error, extra={"path": request.url.path})
        message = f"Something went wrong inside Semblance ({type(error).__name__})."
        return error_response(SemblanceError(message, "Report it with server.log."))


def _sentence(error: RequestValidationError) -> str:
    """The first thing that is wrong, with the place: ``options.quality: Input should be 'draft' or ...``."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    return f"{place}: {first['msg']}." if place else f"{first['msg']}."
