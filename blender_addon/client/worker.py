# SPDX-License-Identifier: GPL-3.0-or-later
"""The one thread that waits for the server, so that Blender never does."""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from . import following, server_flows
from . import messages as say
from .desk import Desk, Flow, Readable
from .job import JobRequest, do_job
from .mailbox import Mailbox

_JOIN_SECONDS = 2.0


@dataclass
class _Running:
    flow: Flow
    due: float = 0.0
    sock: socket.socket | None = None


class Worker:
    """Takes requests with :meth:`post`; its reports wait in :attr:`reports`."""

    def __init__(self, rigs: Path) -> None:
        """Start the thread; rigs that it fetches go to the folder ``rigs``, takes and pictures beside it."""
        self.reports = Mailbox()
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._stopping = False
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._desk = Desk(rigs, rigs.with_name("takes"), rigs.with_name("pictures"), self._report)
        self._running: dict[Hashable, _Running] = {}
        self._last: dict[Hashable, Any] = {}
        self._thread = threading.Thread(target=self._run, name="Semblance", daemon=True)
        self._thread.start()

    def post(self, request: Any) -> None:
        """Hand in a request; returns at once."""
        self._requests.put(request)
        self._wake()

    def stop(self) -> bool:
        """End the thread; false if it did not end within two seconds (it ends after its present call)."""
        self._stopping = True
        self._wake()
        self._thread.join(_JOIN_SECONDS)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake anyway; closed: it has ended
            self._wake_in.send(b"\0")

    def _report(self, message: Any, key: Hashable) -> None:
        if self._stopping or (key is not None and self._last.get(key) == message):
            return  # nothing new
        self._last[key] = message
        self.reports.put(message, key)

    def _run(self) -> None:
        try:
            while not self._stopping:
                while not self._requests.empty():
                    self._take(self._requests.get())
                self._step()
                self._wait()
        finally:
            for running in self._running.values():
                running.flow.close()
            self._wake_in.close()
            self._wake_out.close()

    def _begin(self, key: Hashable, flow: Flow) -> None:
        if key in self._running:
            self._running[key].flow.close()
        self._running[key] = _Running(flow)

    @singledispatchmethod
    def _take(self, request: Any) -> None:
        """Begin what is asked for; what that is follows from the request's type."""
        self._fail("request", TypeError(f"a request of the type {type(request).__name__}"))

    @_take.register
    def _do_job(self, request: JobRequest) -> None:
        self._begin(("job", request.owner), do_job(self._desk, request))

    @_take.register
    def _cancel_job(self, request: say.CancelJob) -> None:
        if request.job:
            self._begin(("cancel", request.owner), following.cancel_job(self._desk, request))
        else:
            self._drop_job(request.owner)
            self._report(say.JobEnded(request.owner, "cancelled"), None)

    @_take.register
    def _forget_job(self, request: say.Forget) -> None:
        self._drop_job(request.owner)

    def _drop_job(self, owner: str) -> None:
        if dropped := self._running.pop(("job", owner), None):
            dropped.flow.close()

    @_take.register
    def _use_server(self, request: say.UseServer) -> None:
        self._desk.target = request.target
        self._begin_server(server_flows.watch_server(self._desk))

    @_take.register
    def _check_server(self, _request: say.CheckServer) -> None:
        self._begin_server(server_flows.watch_server(self._desk, tell=True))

    @_take.register
    def _start_server(self, request: say.StartServer) -> None:
        self._begin_server(server_flows.start_server(self._desk, request))

    def _begin_server(self, flow: Flow) -> None:
        self._last.clear()  # Blender has forgotten what it was told
        self._begin("server", flow)

    @_take.register
    def _stop_server(self, _request: say.StopServer) -> None:
        self._begin("stop", server_flows.stop_server(self._desk))

    @_take.register
    def _find_pythons(self, request: say.FindPythons) -> None:
        self._begin("find", server_flows.find_pythons(self._desk, request))

    def _step(self) -> None:
        now = time.monotonic()
        for key, running in list(self._running.items()):
            if self._stopping or running.due > now or self._running.get(key) is not running:
                continue
            try:
                wait = next(running.flow)
            except StopIteration:
                del self._running[key]
                continue
            except Exception as error:  # a fault of ours must not silence the thread
                del self._running[key]
                self._fail(key, error)
                continue
            running.sock = wait.sock if isinstance(wait, Readable) else None
            seconds = wait.seconds if isinstance(wait, Readable) else wait
            running.due = time.monotonic() + seconds

    def _fail(self, key: Hashable, error: Exception) -> None:
        text = f"The add-on did not expect this answer ({type(error).__name__}: {error})."
        hint = "Update the add-on and the server to the same release."
        if isinstance(key, tuple):
            self._report(say.JobEnded(key[1], "error", text, hint), None)
        else:
            self._report(say.Notice(text, True), "fault")
            if key == "server":
                self._running[key] = _Running(server_flows.watch_server(self._desk), time.monotonic() + 5.0)

    def _wait(self) -> None:
        """Sleep until a request, a byte or the next due flow."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_out, selectors.EVENT_READ)
            by_sock = {
                running.sock: running
                for running in self._running.values()
                if running.sock is not None and running.sock.fileno() >= 0
            }
            for sock in by_sock:
                selector.register(sock, selectors.EVENT_READ)
            now = time.monotonic()
            dues = [running.due - now for running in self._running.values()]
            for chosen, _ in selector.select(max(0.0, min([*dues, 60.0]))):
                if chosen.fileobj is self._wake_out:
                    self._drain()
                else:
                    by_sock[chosen.fileobj].due = 0.0  # type: ignore[index]

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_out.recv(4096):
                pass
