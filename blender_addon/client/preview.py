# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a server for pictures of states, in a thread of its own: the newest state first."""

from __future__ import annotations

import json
import threading
import time

import numpy as np

from . import preview_messages as say
from .errors import Damaged, Fault, Unreachable
from .health import address_of, check_version
from .mailbox import Mailbox
from .sending import offer_rig
from .websocket import Closed, WebSocket

_MOST_BYTES = 4 << 20  # of a picture: 1,024² RGB and its head
_IN_FLIGHT = 2  # states without an answer: one in work, one on its way
_LOOK = 0.01  # seconds, at most, until a newer state is seen
_QUIET = 120.0  # seconds; the first picture on a machine waits for a compiler
_JOIN_SECONDS = 2.0


class PreviewLine:
    """Opens a preview and keeps it until it ends or :meth:`stop` is called.

    ``reports`` holds stages and at last :class:`~.preview_messages.PreviewEnded`; ``pictures`` every picture.
    """

    def __init__(self, request: say.StartPreview) -> None:
        self.reports = Mailbox()
        self.pictures = Mailbox()
        self._request = request
        self._base: np.ndarray | None = None
        self._newest: say.HeadState | None = None
        self._asked: dict[int, bytes] = {}  # number → key of what has no answer
        self._number = 0
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="Semblance preview", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def ask(self, state: say.HeadState) -> None:
        """Have a picture made; takes the place of a state that was not sent yet. Returns at once."""
        self._newest = state
        self._news.set()

    def stop(self) -> None:
        """End it; returns at once."""
        self._stopping.set()
        self._news.set()

    def join(self) -> bool:
        """Wait for the end, two seconds at most; false if it did not come."""
        self._thread.join(_JOIN_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        ended = say.PreviewEnded()
        try:
            self._report(say.PreviewStage("connect"))
            self._follow()
        except Closed as error:
            ended = say.PreviewEnded(error.code, error.message, "Start the preview again.")
        except Fault as error:
            ended = say.PreviewEnded(error.code, error.message, error.hint)
        except Exception as error:  # a fault of ours must not leave the window waiting
            text = f"The add-on did not expect this answer ({type(error).__name__}: {error})."
            ended = say.PreviewEnded("error", text, "Update the add-on and the server to the same release.")
        if self._stopping.is_set():
            ended = say.PreviewEnded()
        self.reports.put(ended, "ended")

    def _follow(self) -> None:
        """
        Raises:
            Fault: whatever ends it.
        """
        asked = self._request
        address = address_of(asked.target)
        for _ in offer_rig(address, asked.rigs, asked.rig):
            if self._stopping.is_set():
                return
        line = WebSocket(address, f"/v1/rigs/{asked.rig}/preview", _MOST_BYTES, binary=True)
        try:
            line.send(say.opening(asked))
            self._report(say.PreviewStage("prepare"))
            heard = time.monotonic()
            waits = True  # for the photo to be prepared, or for pictures
            while not self._stopping.is_set():
                if not waits:
                    self._news.wait(0.1)
                self._send_newest(line)
                message = line.receive(_LOOK if waits else 0.001)
                if message is not None:
                    heard = time.monotonic()
                    self._take(message)
                waits = self._base is None or bool(self._asked)
                if not waits:
                    heard = time.monotonic()
                elif time.monotonic() - heard > _QUIET:
                    raise Unreachable("The preview has fallen silent.", "Start it again.")
        finally:
            line.close()

    def _send_newest(self, line: WebSocket) -> None:
        if self._base is None or len(self._asked) >= _IN_FLIGHT:
            return
        self._news.clear()
        state, self._newest = self._newest, None
        if state is not None:
            self._number += 1
            self._asked[self._number] = state.key()
            line.send(state.text(self._number))

    def _take(self, message: str | bytes) -> None:
        """
        Raises:
            Damaged: it makes no sense.
            Fault: the server cannot do it.
        """
        if isinstance(message, bytes):
            self._take_picture(message)
            return
        try:
            told = json.loads(message)
            if told["type"] == "error":
                error = told["error"]
                raise Fault(str(error["message"]), str(error.get("hint") or ""), str(error["code"]))
            check_version(told["api_version"])
            width, height = map(int, told["photo"])
            left, top, side = map(float, told["square"])
            names = tuple(map(str, told["names"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Damaged(
                f"A message of the preview cannot be read ({error}).",
                "Update the add-on and the server to the same release.",
            ) from error
        self._report(say.PreviewStage("run", say.PreviewLayout(names, (width, height), (left, top, side))))

    def _take_picture(self, message: bytes) -> None:
        number, picture = say.unpacked(message, self._base)
        if self._base is None:
            self._base = picture
        key = self._asked.get(number, b"")
        for skipped in [asked for asked in self._asked if asked <= number]:
            del self._asked[skipped]
        self.pictures.put(say.Picture(key, say.rgba(picture)))

    def _report(self, stage: say.PreviewStage) -> None:
        self.reports.put(stage, "stage")
