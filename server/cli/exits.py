"""How commands end: exit codes, and errors as a code, a sentence and a hint."""

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

import typer

from core.errors import Cancelled, SemblanceError
from server.cli.interruption import asked_to_stop

EXIT_CODES: Final = {
    "error": 1,
    "bad_input": 2,
    "unreadable_media": 3,
    "no_face_found": 4,
    "model_missing": 5,
    "model_unreadable": 6,
    "rig_unreadable": 7,
    "dependency_missing": 8,
    "output_failed": 9,
    "server_running": 10,
    "port_busy": 11,
    "server_unreachable": 12,
    "unauthorized": 13,
    "forbidden_host": 13,
    "worker_died": 14,
    "too_large": 15,
    "too_many": 15,
    "quota_exceeded": 15,
    "unsupported_media": 3,
    "not_found": 2,
    "conflict": 2,
    "track_unreadable": 16,
    "preset_unreadable": 17,
    "camera_unavailable": 18,
    "mesh_unusable": 19,
    "landmarks_missing": 20,
    "landmarks_unreadable": 21,
    "data_unreadable": 22,
    "training_diverged": 23,
    "cancelled": 130,
}
"""Error code → exit code. 0 is success; 2 is also a misspelt command line, 1 a fault of Semblance's own."""


def reported(command: Callable[..., None]) -> Callable[..., None]:
    """The command, with whatever it raises turned into a message and an exit code.

    ``json`` and ``debug`` among its arguments say how.
    """

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        try:
            command(**arguments)
        except typer.Exit:
            raise
        except (Exception, KeyboardInterrupt) as error:
            told = _as_told(error)
            _tell(told, arguments)
            raise typer.Exit(EXIT_CODES.get(told.code, 1)) from None

    return run


def _as_told(error: BaseException) -> SemblanceError:
    if isinstance(error, KeyboardInterrupt) or asked_to_stop():  # what breaks while stopping is no news
        return Cancelled()
    if isinstance(error, SemblanceError):
        return error
    return SemblanceError(
        f"Something went wrong inside Semblance ({type(error).__name__}: {error}).",
        "Run the command again with --debug and report what it prints.",
    )


def _tell(error: SemblanceError, arguments: Mapping[str, Any]) -> None:
    if arguments.get("debug"):
        traceback.print_exc()
    if arguments.get("json"):
        told = {"event": "error", "code": error.code, "message": error.message, "hint": error.hint}
        print(json.dumps(told), flush=True)
        return
    print(
        error.message if error.code == "cancelled" else f"error [{error.code}]: {error.message}",
        file=sys.stderr,
    )
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)
