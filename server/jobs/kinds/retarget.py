"""A track to the curves of a character."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from server.jobs.kinds.mapping import Meshes
from server.jobs.registry import FileId, JobKind, Options, Request
from server.jobs.task import Outcome, Output, Reports, Task

if TYPE_CHECKING:
    from core.retarget.table import Table

_Frame = Annotated[int, Field(ge=0)]


class RetargetJobOptions(Options):
    """As the options of `semblance retarget`."""

    meshes: Meshes
    preset: Annotated[
        dict[str, Any] | None, Field(description="A mapping preset; else the keys are recognised.")
    ] = None
    name: Annotated[str, Field(max_length=200, description="Of the take; else the track's.")] = ""
    smoothing: Annotated[float, Field(ge=0, le=5)] = 1.0
    error: Annotated[float, Field(ge=0, le=1, description="Bound of the key reduction.")] = 0.005
    rest: Annotated[_Frame | None, Field(description="Frame whose head pose is rest.")] = None
    neutral: Annotated[_Frame | None, Field(description="Frame whose expression is rest.")] = None
    gain: Annotated[float, Field(ge=0, le=10, description="Of all channels, beside their own.")] = 1.0
    swap: Annotated[bool, Field(description="Swap left and right.")] = False
    wrinkles: Annotated[
        bool, Field(description="Also make curves of custom properties that drive wrinkle maps.")
    ] = False


class RetargetRequest(Request):
    """Make the curves of a character from a track; the first result is the animation."""

    kind: Literal["retarget"]
    files: Annotated[list[FileId], Field(min_length=1, max_length=1)]
    options: RetargetJobOptions


def _check(request: Request) -> None:
    assert isinstance(request, RetargetRequest)
    _table(request.options)


def _table(options: RetargetJobOptions) -> Table | None:
    """
    Raises:
        PresetUnreadable: the preset does not hold together.
    """
    if options.preset is None:
        return None
    from core.errors import PresetUnreadable
    from core.retarget.preset import from_preset

    try:
        return from_preset(options.preset)
    except ValueError as error:
        raise PresetUnreadable(
            f"The mapping preset cannot be read: {error}.", "Choose another, or have the keys recognised."
        ) from error


def _warm_up() -> None:
    import core.retarget.character  # noqa: F401


def _run(task: Task, reports: Reports) -> Outcome:
    from core.retarget.animation import save_animation
    from core.retarget.character import EXPECTED_SECONDS, RetargetOptions, animate_character
    from core.retarget.preset import save_preset
    from core.track import load_track

    chosen = RetargetJobOptions.of(task)
    progress = reports.progress(EXPECTED_SECONDS)
    with progress.stage("reading"):
        track = load_track(task.files[0].path)
    with progress.stage("curves"):
        wanted = chosen.model_dump(exclude={"meshes", "preset"})
        options = RetargetOptions(table=_table(chosen), **wanted)
        animation, mapped = animate_character(track, chosen.meshes, options)
        save_animation(animation, task.folder / "animation.npz")
        save_preset(mapped.table, task.folder / "mapping.json")
    outputs = (
        Output(task.folder / "animation.npz", "animation.npz", "other", "application/x-semblance-animation"),
        Output(task.folder / "mapping.json", "mapping.json", "other", "application/json"),
    )
    return Outcome(outputs, tuple((None, line) for line in mapped.warnings), progress.seconds)


KIND = JobKind("retarget", RetargetRequest, _run, _warm_up, _check)
