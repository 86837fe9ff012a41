"""The live session as an application: one WebSocket, and its state over HTTP, behind the server's gate."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, Final

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from server.api.errors import error_response, handle_errors
from server.api.guard import Guard
from server.errors import TooMany
from server.jobs.kinds.mapping import MappingOptions
from server.live.hub import Hub, Listener
from server.live.messages import text
from server.settings import Settings

FRAMES_PATH: Final = "/v1/live/frames"
_NORMAL, _UNSUPPORTED = 1000, 1003  # close codes of RFC 6455, section 7.4.1


def create_live_app(hub: Hub, hello: dict[str, Any], settings: Settings, token: str) -> FastAPI:
    """The application."""
    app = FastAPI(title="Semblance live", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/v1/live")
    async def live() -> JSONResponse:
        """What is tracked, and how it goes."""
        told = json.loads(hub.latest("state") or "{}")
        return JSONResponse({**hello, **told, "type": "live"})

    @app.websocket(FRAMES_PATH)
    async def frames(websocket: WebSocket) -> None:
        """Everything that is tracked from now on."""
        if hub.full:
            error = TooMany("Too many programs listen already.", "Close one of them.")
            await websocket.send_denial_response(error_response(error))
            return
        await websocket.accept()
        listener = hub.join()
        hearing = asyncio.create_task(_hear(websocket, listener))
        try:
            await _tell(websocket, listener, hearing)
        except (WebSocketDisconnect, RuntimeError):  # gone while it was being told
            pass
        finally:
            hub.leave(listener)
            hearing.cancel()

    handle_errors(app)
    app.add_middleware(Guard, settings=settings, token=token)
    return app


async def _tell(websocket: WebSocket, listener: Listener, hearing: asyncio.Task[int]) -> None:
    while True:
        taking = asyncio.create_task(listener.take())
        await asyncio.wait((taking, hearing), return_when=asyncio.FIRST_COMPLETED)
        if hearing.done():
            taking.cancel()
            with contextlib.suppress(RuntimeError):  # it has closed the line itself
                await websocket.close(hearing.result())
            return
        texts = taking.result()
        if not texts:
            await websocket.close(_NORMAL)
            return
        for one in texts:
            await websocket.send_text(one)


async def _hear(websocket: WebSocket, listener: Listener) -> int:
    """Answer requests until the client leaves; the code to close the line with."""
    while True:
        try:
            request = json.loads(await websocket.receive_text())
            kind = request["type"]
        except WebSocketDisconnect:
            return _NORMAL
        except (ValueError, KeyError, TypeError, RecursionError):  # bytes, no JSON, no object
            return _UNSUPPORTED
        if kind == "map":
            listener.put("mapping", text(await asyncio.to_thread(_mapping, request)))
        else:
            return _UNSUPPORTED


def _mapping(request: dict[str, Any]) -> dict[str, Any]:
    from core.retarget.character import map_character
    from core.retarget.preset import to_preset

    try:
        meshes = MappingOptions.model_validate({"meshes": request.get("meshes")}).meshes
    except ValidationError as error:
        first = error.errors()[0]["msg"]
        return {"type": "mapping", "error": {"code": "bad_input", "message": f"{first}.", "hint": ""}}
    mapped = map_character(meshes)
    return {"type": "mapping", "preset": to_preset(mapped.table), "warnings": list(mapped.warnings)}
