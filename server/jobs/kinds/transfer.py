"""A rig's shapes onto a mesh that has none."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from server.jobs.registry import FileId, JobKind, Options, Request, RigId
from server.jobs.task import Outcome, Output, Reports, Task


class TransferOptions(Options):
    """As the options of `semblance transfer`."""

    landmarks: Annotated[
        dict[str, Any] | None,
        Field(description="A landmark document, in the mesh's coordinates; else they are looked for."),
    ] = None


class TransferRequest(Request):
    """Make the 52 shape keys of a mesh from a rig's; the first result holds the offsets."""

    kind: Literal["transfer"]
    rig: RigId
    files: Annotated[list[FileId], Field(min_length=1, max_length=1)]
    options: TransferOptions = TransferOptions()


def _check(request: Request) -> None:
    assert isinstance(request, TransferRequest)
    if request.options.landmarks is not None:
        from core.retarget.keyless.landmarks import check_points

        check_points(request.options.landmarks)


def _warm_up() -> None:
    import core.retarget.keyless.make  # noqa: F401


def _run(task: Task, reports: Reports) -> Outcome:
    from core.retarget.keyless.landmarks import check_points, save_landmarks
    from core.retarget.keyless.make import EXPECTED_SECONDS, make_shape_keys, save_shape_keys
    from core.retarget.keyless.mesh import read_mesh
    from core.rig import load_rig

    assert task.rig is not None
    chosen = TransferOptions.of(task)
    points = check_points(chosen.landmarks) if chosen.landmarks is not None else None
    progress = reports.progress(EXPECTED_SECONDS)
    made = make_shape_keys(load_rig(task.rig.path), read_mesh(task.files[0].path), points, progress)
    save_shape_keys(made, task.folder / "shape_keys.npz")
    save_landmarks(made.landmarks, task.folder / "landmarks.json")
    outputs = (
        Output(task.folder / "shape_keys.npz", "shape_keys.npz", "other", "application/x-semblance-shapes"),
        Output(task.folder / "landmarks.json", "landmarks.json", "other", "application/json"),
    )
    return Outcome(outputs, tuple((None, line) for line in made.warnings), progress.seconds)


KIND = JobKind("transfer", TransferRequest, _run, _warm_up, _check)
