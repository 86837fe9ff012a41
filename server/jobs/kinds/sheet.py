"""A rig's picture sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from server.jobs.registry import JobKind, Options, Request, RigId
from server.jobs.task import Outcome, Output, Reports, Task


class SheetOptions(Options):
    """There are none yet."""


class SheetRequest(Request):
    """Draw photos, the fit over them, views and expressions on one page."""

    kind: Literal["sheet"]
    rig: RigId
    options: SheetOptions = SheetOptions()


def _run(task: Task, reports: Reports) -> Outcome:
    from core.rig import load_rig
    from core.sheet import EXPECTED_SECONDS, save_sheet

    assert task.rig is not None
    path = task.folder / "sheet.png"
    progress = reports.progress(EXPECTED_SECONDS)
    save_sheet(load_rig(task.rig.path), path, progress)
    output = Output(path, f"{Path(task.rig.label).stem}.png", "image", "image/png")
    return Outcome((output,), seconds=progress.seconds)


KIND = JobKind("sheet", SheetRequest, _run)
