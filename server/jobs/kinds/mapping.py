"""Names of shape keys to the mapping that drives them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from server.jobs.registry import JobKind, Options, Request
from server.jobs.task import Outcome, Output, Reports, Task

_Name = Annotated[str, Field(min_length=1, max_length=200)]
Meshes = Annotated[
    dict[_Name, Annotated[list[_Name], Field(max_length=2000)]],
    Field(min_length=1, max_length=200, description="Mesh → names of its shape keys."),
]


class MappingOptions(Options):
    """The character."""

    meshes: Meshes


class MappingRequest(Request):
    """Recognise a character's shape keys; the result is a mapping preset that people may edit."""

    kind: Literal["mapping"]
    options: MappingOptions


def _warm_up() -> None:
    import core.retarget.character  # noqa: F401


def _run(task: Task, reports: Reports) -> Outcome:
    from core.retarget.character import map_character
    from core.retarget.preset import save_preset

    progress = reports.progress({"mapping": 0.1})
    with progress.stage("mapping"):
        mapped = map_character(MappingOptions.of(task).meshes)
        save_preset(mapped.table, task.folder / "mapping.json")
    output = Output(task.folder / "mapping.json", "mapping.json", "other", "application/json")
    return Outcome((output,), tuple((None, line) for line in mapped.warnings), progress.seconds)


KIND = JobKind("mapping", MappingRequest, _run, _warm_up)
