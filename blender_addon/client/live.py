# SPDX-License-Identifier: GPL-3.0-or-later
"""Listens to live tracking, in a thread of its own: a server that answers slowly must not hold up a face."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from . import live_messages as say
from .errors import Damaged, Fault, StartFailed, Unreachable
from .health import check_version
from .http import Address
from .local.folder import local_address
from .local.process import LiveProcess, choose_python
from .mailbox import Mailbox
from .websocket import Closed, WebSocket

_PATH = "/v1/live/frames"
_START_SECONDS = 60.0
_QUIET = 60.0  # seconds; figures come twice a second, but a head model's first use takes most of a minute
_LOOK = 0.1  # seconds, at most, until a wish to stop is seen
_END_SECONDS = 5.0
_JOIN_SECONDS = 2.0


class LiveListener:
    """Starts live tracking if need be and listens until it ends or :meth:`stop` is called.

    ``reports`` holds states, the mapping and at last :class:`~.live_messages.LiveEnded`; ``frames`` holds
    the newest frame alone. While ``recording`` is set, every frame is kept in ``recorded`` too.
    """

    def __init__(self, request: say.StartLive) -> None:
        self.reports = Mailbox()
        self.frames = Mailbox()
        self.recording = False
        self.recorded: list[say.LiveFrame] = []
        self._request = request
        self._names: tuple[str, ...] = ()
        self._source = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="Semblance live", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """End it; returns at once. The last report says when it has ended."""
        self._stopping.set()

    def join(self) -> bool:
        """Wait for the end, two seconds at most; false if it did not come (the process ends all the same)."""
        self._thread.join(_JOIN_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        ended, process = say.LiveEnded(), None
        try:
            self._report(say.LiveState("start"))
            address = local_address(self._request.folder, "live.json") if not self._request.source else None
            if address is None:
                process = self._start()
                address = self._wait_for(process)
            if address is not None:
                self._listen(address, process)
        except Closed as error:
            if not self._stopping.is_set() and error.number != 1000:
                ended = say.LiveEnded(error.code, error.message, error.hint)
        except Fault as error:
            if not self._stopping.is_set():
                ended = say.LiveEnded(error.code, error.message, error.hint)
        except Exception as error:  # a fault of ours must not leave the window waiting
            text = f"The add-on did not expect this answer ({type(error).__name__}: {error})."
            ended = say.LiveEnded("error", text, "Update the add-on and the server to the same release.")
        finally:
            if process:
                process.end(_END_SECONDS)
            self.reports.put(ended, "ended")

    def _start(self) -> LiveProcess:
        asked = self._request
        python = choose_python(asked.python)
        return LiveProcess(python, asked.folder, asked.source, asked.options)

    def _wait_for(self, process: LiveProcess) -> Address | None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._stopping.wait(_LOOK):
            if ready := process.ready():
                token = Path(str(ready["token_file"])).read_text("utf-8").strip()
                return Address(str(ready["url"]), token)
            if time.monotonic() > deadline:
                raise StartFailed("Live tracking does not get ready.", "Run semblance live in a terminal.")
        return None

    def _listen(self, address: Address, process: LiveProcess | None) -> None:
        line = WebSocket(address, _PATH)
        try:
            if self._request.meshes:
                line.send(json.dumps({"type": "map", "meshes": self._request.meshes}))
            heard = time.monotonic()
            while not self._stopping.is_set():
                text = line.receive(_LOOK)
                if text is not None:
                    heard = time.monotonic()
                    if self._take(text):
                        return
                elif time.monotonic() - heard > _QUIET:
                    raise Unreachable("Live tracking has fallen silent.", "Start it again.")
        except Unreachable:
            if process is not None and not self._stopping.is_set():
                raise self._death(process) from None
            raise
        finally:
            line.close()

    @staticmethod
    def _death(process: LiveProcess) -> Fault:
        """Why the line was cut, as far as the process tells."""
        with contextlib.suppress(Exception):
            process.end(_END_SECONDS)
        failure = process.failure()
        if failure.code == "start_failed":
            return Fault("Live tracking ended unexpectedly.", "Start it again.", "live_died")
        return failure

    def _take(self, text: str | bytes) -> bool:
        """Take a message in; true at the last one.

        Raises:
            Damaged: it makes no sense.
            Fault: live tracking failed, or is of another version.
        """
        try:
            message = json.loads(text)
            kind = message["type"]
            if kind == "frame":
                frame = self._frame(message)
                if self.recording:
                    self.recorded.append(frame)
                self.frames.put(frame, "frame")
            elif kind == "hello":
                check_version(message["api_version"])
                self._names, self._source = tuple(map(str, message["names"])), str(message["source"])
                self._report(say.LiveState("wait", self._source))
            elif kind == "state":
                figures = (float(message["fps"]), float(message["latency_ms"]), int(message["dropped"]))
                self._report(say.LiveState("run", self._source, bool(message["found"]), *figures))
            elif kind == "mapping" and "preset" in message:
                warnings = tuple(map(str, message["warnings"]))
                self.reports.put(say.LiveMapping(dict(message["preset"]), warnings), "mapping")
            elif kind in ("error", "mapping"):
                told = message.get("error", message)
                raise Fault(str(told["message"]), str(told.get("hint") or ""), str(told["code"]))
            return bool(kind == "end")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Damaged(
                f"A message of live tracking cannot be read ({error}).",
                "Update the add-on and the server to the same release.",
            ) from error

    def _frame(self, message: dict[str, Any]) -> say.LiveFrame:
        head = message["head"]
        return say.LiveFrame(
            self._names,
            float(message["time"]),
            bool(message["found"]),
            _array(message["coefficients"], (len(self._names),)),
            _array(head["rotation"], (3, 3)),
            _array(head["translation"], (3,)),
            _array(message["gaze"], (2, 2)),
        )

    def _report(self, state: say.LiveState) -> None:
        self.reports.put(state, "state")


def _array(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.array(values, np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"an array of the shape {array.shape} instead of {shape}")
    return array
