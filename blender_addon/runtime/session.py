# SPDX-License-Identifier: GPL-3.0-or-later
"""Owns the worker thread: starts it when first needed, tells it which server to use, stops it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import bpy

from ..client import messages as say
from ..client.worker import Worker
from ..server_choice import target
from .state import state

_worker: Worker | None = None


def data_folder(name: str) -> Path:
    """A folder of Semblance's in Blender's place for users' data, made if need be."""
    folder = Path(bpy.utils.user_resource("DATAFILES", path="semblance")) / name
    with contextlib.suppress(OSError):  # the diagnosis says it
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def worker() -> Worker:
    """The worker; started now if it does not run."""
    global _worker
    if _worker is None or not _worker.alive:
        _worker = Worker(data_folder("rigs"))
        _worker.post(say.UseServer(target()))
    return _worker


def running() -> Worker | None:
    """The worker, if it was started."""
    return _worker


def post(request: Any) -> None:
    """Hand a request to the worker."""
    worker().post(request)


def use_chosen_server() -> None:
    """The preferences changed."""
    state.server, state.models = None, ()
    if _worker is not None:
        _worker.post(say.UseServer(target()))


def stop() -> None:
    """End the worker; at most two seconds."""
    global _worker
    if _worker is not None:
        _worker.stop()
        _worker = None
    state.forget_file()
    state.server, state.models, state.log, state.pythons = None, (), (), None
