"""One job as a worker sees it, and what comes back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from core.progress import FrameReport, Progress, ProgressReport

ResultKind = Literal["image", "rig", "track", "video", "other"]
Asked = Callable[[], bool]


@dataclass(frozen=True)
class Input:
    """A file to work on; ``label`` is what its owner calls it, and never becomes a path.

    On the command line a file lies where its owner put it, and its label is its own name.
    """

    path: Path
    label: str


@dataclass(frozen=True)
class Task:
    """A job for a worker.

    Attributes:
        options: as they came over the wire, or an ``Options`` that is checked where it is used; a recipe
            reads either with ``Options.of``.
        folder: an empty folder for what the job writes.
    """

    id: str
    kind: str
    files: tuple[Input, ...]
    rig: Input | None
    options: Mapping[str, Any] | BaseModel
    folder: Path

    @property
    def labels(self) -> Labels:
        return Labels((*self.files, *([self.rig] if self.rig else [])))


@dataclass(frozen=True)
class Output:
    """A file that a job made; a .semrig becomes a rig of the server."""

    path: Path
    name: str
    kind: ResultKind
    media_type: str


@dataclass(frozen=True)
class Outcome:
    """What a job made.

    Attributes:
        warnings: (file or none, message).
        seconds: measured, by stage.
    """

    outputs: tuple[Output, ...]
    warnings: tuple[tuple[str | None, str], ...] = ()
    seconds: Mapping[str, float] | None = None


class Labels:
    """The names that people know files by, put in place of paths of the server.

    A file that lies under its own name is their own: they know its path.
    """

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        self._inputs = [given for given in inputs if given.path.name != given.label]

    def text(self, text: str) -> str:
        for given in self._inputs:
            text = text.replace(str(given.path), given.label).replace(given.path.name, given.label)
        return text


@dataclass(frozen=True)
class Reports:
    """How a job says where it is, and learns that it should stop.

    Attributes:
        listener: told where the job is.
        cancelled: whether the user asked to stop.
        gently: a block whose work, if it is ended early, leaves something to keep; within it the yielded
            function says whether the user asked for that. See ``JobKind.keeps``.
        pictures: whether the listener shows pictures of frames; see :class:`core.progress.Progress`.
    """

    listener: Callable[[ProgressReport], None]
    cancelled: Asked
    gently: Callable[[], AbstractContextManager[Asked]]
    pictures: bool = False

    def progress(self, expected_seconds: Mapping[str, float]) -> Progress:
        return Progress(expected_seconds, self.listener, self.cancelled, self.pictures)


def report_to_json(report: ProgressReport) -> dict[str, Any]:
    frame = report.frame
    picture = base64.b64encode(frame.picture).decode() if frame else ""
    return {**vars(report), "frame": frame and {**vars(frame), "picture": picture}}


def report_from_json(document: Mapping[str, Any]) -> ProgressReport:
    frame = document["frame"]
    picture = base64.b64decode(frame["picture"]) if frame else b""
    return ProgressReport(**{**document, "frame": frame and FrameReport(**{**frame, "picture": picture})})


def task_to_json(task: Task) -> dict[str, Any]:
    return {
        **vars(task),
        "folder": str(task.folder),
        "files": [{"path": str(given.path), "label": given.label} for given in task.files],
        "rig": {"path": str(task.rig.path), "label": task.rig.label} if task.rig else None,
    }


def task_from_json(document: Mapping[str, Any]) -> Task:
    def given(entry: Mapping[str, str]) -> Input:
        return Input(Path(entry["path"]), entry["label"])

    return Task(
        id=document["id"],
        kind=document["kind"],
        files=tuple(map(given, document["files"])),
        rig=given(document["rig"]) if document["rig"] else None,
        options=document["options"],
        folder=Path(document["folder"]),
    )


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    outputs = [{**vars(output), "path": str(output.path)} for output in outcome.outputs]
    return {"outputs": outputs, "warnings": outcome.warnings, "seconds": dict(outcome.seconds or {})}


def outcome_from_json(document: Mapping[str, Any]) -> Outcome:
    return Outcome(
        outputs=tuple(Output(**{**entry, "path": Path(entry["path"])}) for entry in document["outputs"]),
        warnings=tuple((file, message) for file, message in document["warnings"]),
        seconds=document["seconds"],
    )
