# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker does about the server itself: watching it, starting it, ending it."""

from __future__ import annotations

import time

from . import messages as say
from .desk import Desk, Flow
from .errors import Fault, StartFailed
from .health import address_of, models, server_state
from .http import call
from .local.folder import log_lines
from .local.process import ServerProcess, choose_python
from .local.pythons import candidates, semblance_version

_START_SECONDS = 60.0


def watch_server(desk: Desk, tell: bool = False, failed: say.ServerState | None = None) -> Flow:
    """Report how the server is, for ever.

    ``tell`` also says it in the status bar, once; ``failed`` is why the last start failed, shown until there
    is a server.
    """
    known_models = ""
    while True:
        state = server_state(desk.target)
        if failed and state.state == "stopped":
            state = failed
        desk.report(state, "server")
        if tell:
            ready = state.state == "ready"
            text = "The connection works." if ready else f"{state.message} {state.hint}".strip()
            desk.report(say.Notice(text, not ready), None)
            tell = False
        if state.state == "ready" and known_models != state.url:
            yield 0.0
            try:
                desk.report(models(address_of(desk.target)), "models")
                known_models = state.url
            except (Fault, KeyError, TypeError):
                pass  # the next round asks again
        elif state.state != "ready":
            known_models = ""
        if isinstance(desk.target, say.LocalServer):
            desk.report(say.LogLines(log_lines(desk.target.folder)), "log")
        if desk.process:
            desk.process.reap()
        yield 2.0


def start_server(desk: Desk, request: say.StartServer) -> Flow:
    """Start the local server and wait until it listens."""
    target = say.LocalServer(request.folder)
    desk.target = target
    if server_state(target).state == "ready":
        yield from watch_server(desk)
    desk.report(say.ServerState("starting"), "server")
    failed = None
    try:
        python = choose_python(request.python)
        yield 0.0
        desk.process = ServerProcess(python, request.folder, request.port, request.cpu_only)
        deadline = time.monotonic() + _START_SECONDS
        while not desk.process.ready():
            if time.monotonic() > deadline:
                raise StartFailed("The server does not get ready.", "Look at its log in the preferences.")
            desk.report(say.LogLines(log_lines(request.folder)), "log")
            yield 0.1
    except StartFailed as error:
        failed = say.ServerState("stopped", code=error.code, message=error.message, hint=error.hint)
        desk.report(say.Notice(f"{error.message} {error.hint}", True), None)
    yield from watch_server(desk, failed=failed)


def stop_server(desk: Desk) -> Flow:
    """Ask the server to end, and wait until it has."""
    try:
        call(address_of(desk.target), "POST", "/v1/shutdown")
        for _ in range(50):
            if server_state(desk.target).state != "ready":
                break
            yield 0.1
    except Fault as error:
        desk.report(say.Notice(f"{error.message} {error.hint}", True), None)
    desk.report(server_state(desk.target), "server")


def find_pythons(desk: Desk, request: say.FindPythons) -> Flow:
    """Report the Python environments that have Semblance."""
    found, looked_at = [], 0
    for python in candidates(request.preferred):
        looked_at += 1
        if version := semblance_version(python):
            found.append((str(python), version))
        yield 0.0
    desk.report(say.Pythons(tuple(found), looked_at), "pythons")
