"""Bytes on their way in: streamed to the disk, counted, and looked at before they are kept."""

from __future__ import annotations

import asyncio
import contextlib
import re
import unicodedata
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import unquote

from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request

from core.errors import BadInput, SemblanceError
from server.api.sniffing import FIRST_BYTES, kind_of, sniff
from server.errors import TooLarge
from server.settings import Settings
from server.store import FileRecord, Store
from server.store.files import PartialFile
from server.store.records import FileKind

_PIECE: Final = 1 << 20  # bytes written at a time
_PATIENCE: Final = 30.0  # seconds without a byte
_DRAIN_BYTES, _DRAIN_SECONDS = 32 << 20, 3.0


async def receive_file(request: Request, store: Store, settings: Settings) -> FileRecord:
    """Keep the request's body as a file.

    Raises:
        UnsupportedMedia, TooLarge, TooMany, QuotaExceeded, OutputFailed, BadInput: it is refused; whatever
            was written is gone.
        ClientDisconnect: so is the client.
    """
    body = _pieces(request)
    try:
        declared = request.headers.get("content-length", "")
        size = int(declared) if declared.isascii() and declared.isdigit() else 0
        _check_size(size, max(_limits(settings).values()))
        await run_sync(store.files.check_room, size)
        with store.files.receive() as partial:
            kind = await _write(body, partial, size, settings)
            await run_sync(partial.flush)
            sniffed = await run_sync(sniff, partial.path, kind)
            name = label(request.headers.get("x-filename", ""))
            return await run_sync(partial.finish, name, sniffed.kind, sniffed.media_type)
    except SemblanceError:
        await _drain(body)
        raise


async def _write(
    body: AsyncIterator[bytes], partial: PartialFile, declared: int, settings: Settings
) -> FileKind:
    """Write the body, up to the limit of what its first bytes say it is."""
    kind: FileKind | None = None
    waiting = bytearray()
    async for chunk in body:
        waiting += chunk
        if kind is None and len(waiting) >= FIRST_BYTES:
            kind = kind_of(bytes(waiting[:FIRST_BYTES]))
            _check_size(declared, _limits(settings)[kind])
        if kind is not None:
            _check_size(partial.size + len(waiting), _limits(settings)[kind])
        if len(waiting) >= _PIECE:
            await run_sync(partial.write, bytes(waiting))
            waiting.clear()
    await run_sync(partial.write, bytes(waiting))
    if partial.size == 0:
        raise BadInput("The file is empty (0 bytes).", "Send the file's bytes as the body.")
    return kind or kind_of(bytes(waiting))


def _limits(settings: Settings) -> dict[FileKind, int]:
    return {
        "image": settings.most_image_bytes,
        "rig": settings.most_rig_bytes,
        "track": settings.most_rig_bytes,
        "video": settings.most_video_bytes,
    }


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"The file is larger than {limit / 1e6:.0f} MB.", "Send a smaller one.")


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), _PATIENCE)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise BadInput(f"No byte came for {_PATIENCE:.0f} seconds.", "Send the file again.") from None


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read on for a moment after a refusal: who is still sending does not look for an answer."""
    left = _DRAIN_BYTES
    with contextlib.suppress(TimeoutError, ClientDisconnect, SemblanceError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for chunk in body:
                left -= len(chunk)
                if left < 0:
                    return


def label(header: str) -> str:
    """What the client calls a file: the last part of the name, printable, at most 200 characters."""
    name = re.split(r"[/\\]", unquote(header, errors="replace"))[-1]
    name = "".join(character for character in name if unicodedata.category(character)[0] != "C")
    return name.strip()[:200] or "unnamed"
