"""A rig to a .glb, or to an .obj with its companions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from server.jobs.registry import JobKind, Options, Request, RigId
from server.jobs.task import Outcome, Output, Reports, Task

_MEDIA_TYPES: Final = {
    ".glb": "model/gltf-binary",
    ".obj": "model/obj",
    ".mtl": "model/mtl",
    ".png": "image/png",
}
_NO_NAME: Final = re.compile(r"^\.+|[/\\:\x00-\x1f]")  # what leads elsewhere, or hides


class ExportOptions(Options):
    """What to write."""

    format: Literal["glb", "obj"] = "glb"
    name: Annotated[
        str, Field(max_length=200, description="Of the files, without an ending; else the rig's.")
    ] = ""


class ExportRequest(Request):
    """Write a .glb with 52 morph targets, or the neutral head as .obj; the main file is the first result."""

    kind: Literal["export"]
    rig: RigId
    options: ExportOptions = ExportOptions()


def _run(task: Task, reports: Reports) -> Outcome:
    from server import blender_process

    assert task.rig is not None
    chosen = ExportOptions.of(task)
    # An .obj and its .mtl name each other and the textures: these files keep the names that they have here.
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(task.rig.label).stem).strip("-")[:60] or "head"
    main = task.folder / f"{_NO_NAME.sub('-', chosen.name) or stem}.{chosen.format}"
    progress = reports.progress(blender_process.EXPECTED_SECONDS)
    blender_process.export(task.rig.path, main, progress)
    paths = sorted((path for path in task.folder.iterdir() if path.is_file()), key=lambda path: path != main)
    outputs = [Output(path, path.name, "other", _media_type(path)) for path in paths]
    return Outcome(tuple(outputs), seconds=progress.seconds)


def _media_type(path: Path) -> str:
    return _MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")


KIND = JobKind("export", ExportRequest, _run)
