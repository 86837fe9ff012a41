"""A job kind for tests alone: it waits, makes a file, fails or dies, as it is told."""

from __future__ import annotations

import os
import signal
import time
from typing import Literal

from pydantic import Field

from core.errors import NoFaceFound
from core.progress import FrameReport
from server.jobs.registry import FileId, JobKind, Options, Request
from server.jobs.task import Outcome, Output, Reports, Task


class PlayOptions(Options):
    """What the job plays.

    Attributes:
        seconds: how long it works, in steps of 20 ms.
        size: bytes of its result.
        frames: whether it reports frames with pictures.
        act: ``stubborn`` never looks whether it should stop; ``hold`` keeps Python's lock for seconds;
            ``die`` kills its own process.
    """

    seconds: float = 0.0
    size: int = 10
    frames: bool = False
    act: Literal["work", "stubborn", "hold", "fail", "break", "die"] = "work"


class PlayRequest(Request):
    """A job that only plays one."""

    kind: Literal["play"]
    files: list[FileId] = Field(default=[])
    options: PlayOptions = PlayOptions()


def _run(task: Task, reports: Reports) -> Outcome:
    options = PlayOptions.of(task)
    progress = reports.progress({"first": 1.0, "second": 1.0})
    for stage in ("first", "second"):
        with progress.stage(stage), reports.gently() as finishing:
            ends = time.monotonic() + options.seconds / 2
            while time.monotonic() < ends:
                time.sleep(0.02)
                if options.act != "stubborn":
                    at = FrameReport(7, 9, 0.28, b"a picture") if options.frames else None
                    progress.update(1 - max(0.0, ends - time.monotonic()) / (options.seconds / 2), at)
                    if finishing():
                        break
    if options.act == "hold":
        sum(range(200_000_000))  # one call into C, without a look at other threads
    if options.act == "fail":
        raise NoFaceFound(f"There is no face in {task.files[0].path}.", "Look again.")
    if options.act == "break":
        raise ZeroDivisionError("by zero")
    if options.act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    path = task.folder / ("part" if finishing() else "made")
    with path.open("wb") as stream:
        for _ in range(options.size >> 16):
            stream.write(os.urandom(1 << 16))
        stream.write(b"x" * (options.size & 0xFFFF))
    warnings: tuple[tuple[str | None, str], ...] = ((None, "It was only a play."),)
    return Outcome((Output(path, "Made it.bin", "other", "application/x-play"),), warnings, progress.seconds)


KIND = JobKind("play", PlayRequest, _run, keeps=True)
