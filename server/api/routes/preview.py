"""A photo of a rig that follows states: one WebSocket. What goes over it: :mod:`server.preview.messages`."""

from __future__ import annotations

import asyncio
import contextlib
import json

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from core.errors import BadInput, SemblanceError
from server.api.context import Context
from server.api.errors import error_response
from server.errors import TooMany
from server.preview.messages import Opening, error_text, read_opening, read_state
from server.preview.painter import Painter, Wanted
from server.version import API_VERSION

router = APIRouter()
_NORMAL = 1000  # close code of RFC 6455, section 7.4.1


@router.websocket("/rigs/{id}/preview")
async def preview(websocket: WebSocket, id: str) -> None:
    """Pictures of states."""
    context: Context = websocket.app.state.context
    painter = context.painter
    try:
        file = (await asyncio.to_thread(context.store.rigs.get, id[:64])).file
        if painter.full:
            raise TooMany("Too many previews are open already.", "Close one of them.")
    except SemblanceError as error:  # before the handshake: the same answer as over HTTP
        await websocket.send_denial_response(error_response(error))
        return
    await websocket.accept()
    painter.join()
    try:
        opening = read_opening(await _text(websocket))
        path = context.store.files.path(file.id)
        wanted = Wanted(str(path), file.sha256, opening.photo, opening.size)
        layout, first = await asyncio.to_thread(painter.ask, wanted, opening)
        layout.pop("bytes")
        await websocket.send_text(json.dumps({"type": "ready", "api_version": API_VERSION, **layout}))
        await websocket.send_bytes(first)
        await _Line(websocket, painter, wanted, opening).run()
    except SemblanceError as error:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.send_text(error_text(error.code, error.message, error.hint))
            await websocket.close(_NORMAL)
    except (WebSocketDisconnect, RuntimeError):  # gone, perhaps while it was sent something
        pass
    finally:
        painter.leave()


async def _text(websocket: WebSocket) -> str:
    try:
        return await websocket.receive_text()
    except KeyError:
        raise BadInput("The client sent bytes instead of text.") from None


class _Line:
    """An open line: of the states that came, the newest is kept."""

    def __init__(self, websocket: WebSocket, painter: Painter, wanted: Wanted, opening: Opening) -> None:
        self._websocket, self._painter = websocket, painter
        self._wanted, self._opening = wanted, opening
        self._newest: str | None = None
        self._news = asyncio.Event()

    async def run(self) -> None:
        """
        Raises:
            SemblanceError: a message makes no sense, or a picture cannot be made.
            WebSocketDisconnect, RuntimeError: the client is gone.
        """
        tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._answer())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self) -> None:
        while True:
            text = await _text(self._websocket)
            read_state(text)
            self._newest = text
            self._news.set()

    async def _answer(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            state, self._newest = self._newest, None
            if state is not None:
                _, content = await asyncio.to_thread(self._painter.ask, self._wanted, self._opening, state)
                await self._websocket.send_bytes(content)
