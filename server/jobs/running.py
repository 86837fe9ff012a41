"""Run one task and say how it went: what every executor does at its far end."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping

from core.errors import OutputFailed, SemblanceError
from server.jobs.registry import JobKind
from server.jobs.task import Reports, Send, Task, outcome_to_json


def run_task(
    task: Task,
    kinds: Mapping[str, JobKind],
    send: Send,
    cancelled: Callable[[], bool],
    finishing: Callable[[], bool],
) -> None:
    """Do the work; the last message that is sent is ``done`` or ``failed``."""
    try:
        outcome = kinds[task.kind].run(task, Reports(send, cancelled, finishing))
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


def warm_up(kinds: Mapping[str, JobKind]) -> None:
    """Load what the kinds need; where that fails, the job will say why."""
    for kind in kinds.values():
        try:
            kind.warm_up()
        except Exception:
            traceback.print_exc()
