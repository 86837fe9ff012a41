# SPDX-License-Identifier: GPL-3.0-or-later
"""The one timer: hands the worker's reports to the file and the window, a few milliseconds at a time.

With nothing to do a tick looks at three variables. A report costs microseconds; only taking a finished
result into the scene takes longer, and then it is the only thing that its tick does.
"""

from __future__ import annotations

import time
import traceback

from .. import texts, thumbnails
from ..texts import t
from . import jobs, live, preview, reports, session
from .state import state
from .window import redraw

BUDGET = 0.004  # seconds
BUSY, IDLE = 0.05, 0.25  # seconds between ticks


def tick() -> float:
    """Work for at most ``BUDGET``; seconds until the next tick."""
    try:
        pauses = (live.tick(), preview.tick(), _work())
        return min(pause for pause in pauses if pause)
    except Exception as error:  # Blender drops a timer that raises, and nothing would ever be shown again
        traceback.print_exc()
        state.notice = t(texts.FAULT, error=f"{type(error).__name__}: {error}")
        return IDLE


def _work() -> float:
    worker = session.running()
    if worker is None or not (worker.reports or jobs.has_results() or thumbnails.waiting()):
        return BUSY if state.jobs else IDLE
    deadline = time.perf_counter() + BUDGET
    while worker.reports and time.perf_counter() < deadline:
        reports.receive(worker.reports.take())
    thumbnails.load_waiting(deadline)
    if not worker.reports:
        jobs.apply_one()
    redraw()
    return BUSY
