"""Run one task and say how it went: what every executor does at its far end."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Final

from core.errors import OutputFailed, SemblanceError
from core.progress import ProgressReport
from server.jobs.registry import JobKind
from server.jobs.task import Asked, Reports, Task, outcome_to_json, report_to_json

Send = Callable[[Mapping[str, Any]], None]
_INTERVAL: Final = 0.05  # seconds between two reports of one stage


def run_task(
    task: Task,
    kinds: Mapping[str, JobKind],
    send: Send,
    cancelled: Asked,
    finishing: Asked,
) -> None:
    """Do the work; the last message that is sent is ``done`` or ``failed``."""
    reports = Reports(_Reporting(send), cancelled, lambda: nullcontext(finishing), pictures=True)
    try:
        outcome = kinds[task.kind].run(task, reports)
    except SemblanceError as error:
        message, hint = task.labels.text(error.message), task.labels.text(error.hint)
        send({"event": "failed", "code": error.code, "message": message, "hint": hint})
    except OSError as error:
        traceback.print_exc()
        message = f"The job could not write its files ({error.strerror or error})."
        hint = "Check that the server's disk has room, then try again."
        send({"event": "failed", "code": OutputFailed.code, "message": message, "hint": hint})
    except Exception as error:
        traceback.print_exc()  # into the server's log
        message = f"Something went wrong inside Semblance ({type(error).__name__}: {error})."
        send({"event": "failed", "code": "error", "message": message, "hint": "Report it with server.log."})
    else:
        send({"event": "done", **outcome_to_json(outcome)})


class _Reporting:
    """Sends progress, but not more of it than anybody can see."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._stage, self._last = "", 0.0

    def __call__(self, report: ProgressReport) -> None:
        moment = time.monotonic()
        has_picture = report.frame is not None and report.frame.picture
        if report.stage == self._stage and moment - self._last < _INTERVAL and not has_picture:
            return
        self._stage, self._last = report.stage, moment
        self._send({"event": "progress", **report_to_json(report)})


def warm_up(kinds: Mapping[str, JobKind]) -> None:
    """Load what the kinds need; where that fails, the job will say why."""
    for kind in kinds.values():
        try:
            kind.warm_up()
        except Exception:
            traceback.print_exc()
