"""A rig to a .blend."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from server.jobs.registry import JobKind, Options, Request, RigId
from server.jobs.task import Outcome, Output, Reports, Task


class BlendOptions(Options):
    """There are none yet."""


class BlendRequest(Request):
    """Write a .blend with the head, its shape keys, materials and armature."""

    kind: Literal["blend"]
    rig: RigId
    options: BlendOptions = BlendOptions()


def _run(task: Task, reports: Reports) -> Outcome:
    from server import blender_process

    assert task.rig is not None
    path = task.folder / "head.blend"
    progress = reports.progress(blender_process.EXPECTED_SECONDS)
    blender_process.blend(task.rig.path, path, progress)
    output = Output(path, f"{Path(task.rig.label).stem}.blend", "other", "application/x-blender")
    return Outcome((output,), seconds=progress.seconds)


KIND = JobKind("blend", BlendRequest, _run)
