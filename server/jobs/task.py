"""One job as a worker sees it, and what comes back."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from core.progress import FrameReport, Progress, ProgressReport

ResultKind = Literal["image", "rig", "track", "video", "other"]
Send = Callable[[Mapping[str, Any]], None]
_INTERVAL: Final = 0.05  # seconds between two reports of one stage


@dataclass(frozen=True)
class Input:
    """A file to work on; ``label`` is what its owner calls it, and never becomes a path."""

    path: Path
    label: str


@dataclass(frozen=True)
class Task:
    """A job for a worker.

    Attributes:
        folder: an empty folder for what the job writes.
    """

    id: str
    kind: str
    files: tuple[Input, ...]
    rig: Input | None
    options: Mapping[str, Any]
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
    """The names that people know files by, put in place of paths of the server."""

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        self._inputs = inputs

    def text(self, text: str) -> str:
        for given in self._inputs:
            text = text.replace(str(given.path), given.label).replace(given.path.name, given.label)
        return text


class Reports:
    """How a job says where it is, and learns that it should stop.

    Args:
        send: takes a message.
        cancelled: whether the user asked to stop.
        finishing: whether the user asked to stop and keep what there is so far; see ``JobKind.keeps``.
    """

    def __init__(
        self, send: Send, cancelled: Callable[[], bool], finishing: Callable[[], bool] = lambda: False
    ) -> None:
        self._send = send
        self._cancelled = cancelled
        self.finishing = finishing
        self._stage, self._last = "", 0.0

    def progress(self, expected_seconds: Mapping[str, float], pictures: bool = False) -> Progress:
        """``pictures``: see :class:`core.progress.Progress`."""
        return Progress(expected_seconds, self._report, self._cancelled, pictures)

    def _report(self, report: ProgressReport) -> None:
        moment = time.monotonic()
        has_picture = report.frame is not None and report.frame.picture
        if report.stage == self._stage and moment - self._last < _INTERVAL and not has_picture:
            return
        self._stage, self._last = report.stage, moment
        self._send({"event": "progress", **report_to_json(report)})


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
