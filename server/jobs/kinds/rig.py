"""Photos to a rig."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from server.jobs.registry import FileId, JobKind, Options, Request
from server.jobs.task import Labels, Outcome, Output, Reports, Task

if TYPE_CHECKING:
    from core.lens import GivenLens
    from core.rig import Rig, RigLens


class RigJobOptions(Options):
    """As the options of `semblance rig`."""

    name: Annotated[str, Field(max_length=200, description="The person's; else the first photo's.")] = ""
    model: Annotated[str, Field(max_length=64, description="One of `GET /v1/models`.")] = "anny"
    quality: Literal["draft", "standard", "high"] = "standard"
    texture_size: Annotated[
        int | None, Field(ge=256, le=8192, multiple_of=128, description="Else the quality's.")
    ] = None
    strict: Annotated[bool, Field(description="Fail when any photo cannot be used.")] = False
    focal: Annotated[
        str | None,
        Field(
            max_length=40,
            examples=["50", "50@23.6"],
            description="The lens of all photos, `MM[@SENSOR]`, millimetres; the sensor's width lies along "
            "the photos' longer side and is 36 where it is left out. Else by EXIF, or assumed.",
        ),
    ] = None


class RigRequest(Request):
    """Make a rig from 1 to 20 photos of one person."""

    kind: Literal["rig"]
    files: Annotated[list[FileId], Field(min_length=1, max_length=20)]
    options: RigJobOptions = RigJobOptions()


def _check(request: Request) -> None:
    from core.face_model.registry import model_info

    assert isinstance(request, RigRequest)
    model_info(request.options.model)
    _lens(request.options.focal)


def _lens(focal: str | None) -> GivenLens | None:
    from core.lens import GivenLens

    return None if focal is None else GivenLens.parse(focal)


def _warm_up() -> None:
    import core.photos_to_rig  # noqa: F401
    import models.face_reader
    import models.recognition  # noqa: F401


def _run(task: Task, reports: Reports) -> Outcome:
    from core.photos_to_rig import RigOptions, build_rig, expected_seconds
    from core.rig import save_rig
    from models.face_reader import rig_reader
    from models.recognition import load_recogniser

    chosen = RigJobOptions.of(task)
    name = chosen.name or Path(task.files[0].label).stem
    options = RigOptions(name, chosen.quality, chosen.texture_size, chosen.strict, _lens(chosen.focal))
    paths = [given.path for given in task.files]
    progress = reports.progress(expected_seconds(chosen.model, len(paths), options))
    rig = build_rig(paths, chosen.model, options, progress, load_recogniser(), rig_reader())
    rig = _labelled(rig, task.labels)
    path = task.folder / "rig.semrig"
    save_rig(rig, path)
    warnings: list[tuple[str | None, str]] = [(None, message) for message in rig.warnings]
    warnings += [(photo.file, message) for photo in rig.photos for message in photo.warnings]
    output = Output(path, f"{name}.semrig", "rig", "application/x-semrig")
    return Outcome((output,), tuple(warnings), progress.seconds)


def _labelled(rig: Rig, labels: Labels) -> Rig:
    """The rig with the photos' own names: it was made from files that are called otherwise."""
    text = labels.text
    photos = [
        replace(
            photo,
            file=text(photo.file),
            warnings=tuple(map(text, photo.warnings)),
            lens=_named(photo.lens, text),
        )
        for photo in rig.photos
    ]
    origins = [{**origin, "file": text(origin["file"])} for origin in rig.provenance["photos"]]
    return replace(
        rig,
        photos=tuple(photos),
        warnings=tuple(map(text, rig.warnings)),
        provenance={**rig.provenance, "photos": origins},
    )


def _named(lens: RigLens | None, text: Callable[[str], str]) -> RigLens | None:
    if lens is None or lens.shared_with is None:
        return lens
    return replace(lens, shared_with=text(lens.shared_with))


KIND = JobKind("rig", RigRequest, _run, _warm_up, _check)
