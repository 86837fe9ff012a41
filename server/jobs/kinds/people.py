"""Who is in a clip, to choose from."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field

from server.jobs.registry import FileId, JobKind, Options, Request
from server.jobs.task import Outcome, Output, Reports, Task


class PeopleOptions(Options):
    """The part of the clip."""

    start: Annotated[float, Field(ge=0, description="In point, seconds.")] = 0.0
    end: Annotated[float | None, Field(gt=0, description="Out point, seconds; else the clip's end.")] = None


class PeopleRequest(Request):
    """Find the people in a video's first good frame.

    The first result is JSON: the clip's size, rate and length, the frame's time, and for each person a
    number, a box and a point that tells `track` whom to follow. Then come the frame with numbered boxes and a
    square crop of each face, as JPEGs.
    """

    kind: Literal["people"]
    files: Annotated[list[FileId], Field(min_length=1, max_length=1)]
    options: PeopleOptions = PeopleOptions()


def _warm_up() -> None:
    import core.capture.clip_people  # noqa: F401


def _run(task: Task, reports: Reports) -> Outcome:
    from core.capture.clip_people import find_people, to_document

    chosen = PeopleOptions.of(task)
    progress = reports.progress({"people": 2.0})
    with progress.stage("people"):
        found = find_people(task.files[0].path, chosen.start, chosen.end, progress.update)
    told = json.dumps(to_document(found)).encode()
    made = [("people.json", told, "application/json"), ("people.jpg", found.picture, "image/jpeg")]
    made += [(f"person-{person.number}.jpg", person.crop, "image/jpeg") for person in found.people]
    outputs = []
    for name, content, media_type in made:
        (task.folder / name).write_bytes(content)
        outputs.append(Output(task.folder / name, name, "other", media_type))
    return Outcome(tuple(outputs), (), progress.seconds)


KIND = JobKind("people", PeopleRequest, _run, _warm_up)
