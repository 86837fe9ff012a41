# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender and the worker thread say to each other. Plain values only.

What a kind of job asks for and hands back stands beside its steps: :mod:`.rig_job`, :mod:`.take_jobs`,
:mod:`.keys_job`. Live tracking has a thread of its own, and :mod:`.live_messages`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class LocalServer:
    """The server of this machine, found through the files in its folder."""

    folder: Path


@dataclass(frozen=True)
class RemoteServer:
    """A server somewhere else."""

    url: str
    token: str = field(repr=False)


Target = LocalServer | RemoteServer | None  # None: Blender may not go online

# -- From Blender to the worker --------------------------------------------------------------------------


@dataclass(frozen=True)
class UseServer:
    """Talk to this server from now on."""

    target: Target


@dataclass(frozen=True)
class CheckServer:
    """Ask for the server's health now, and list its models."""


@dataclass(frozen=True)
class FindPythons:
    """Look for Python environments that have Semblance."""

    preferred: str


@dataclass(frozen=True)
class StartServer:
    """Start the local server, detached, so that it outlives Blender."""

    folder: Path
    python: str  # an interpreter, an environment's folder, or empty to look for one
    port: int  # 0: any free one
    cpu_only: bool


@dataclass(frozen=True)
class StopServer:
    """Ask the server to end; its jobs wait for the next start."""


@dataclass(frozen=True)
class CancelJob:
    """Stop sending, or the job; ``keep``: end it early with what it has."""

    owner: str
    job: str  # empty while files are being sent
    keep: bool = False


@dataclass(frozen=True)
class Forget:
    """Nobody waits for this owner's job any more."""

    owner: str


# -- From the worker to Blender --------------------------------------------------------------------------


@dataclass(frozen=True)
class ServerState:
    """How the server is; ``state`` is ready, starting, stopped, unreachable, offline or wrong."""

    state: str
    url: str = ""
    version: str = ""
    device: str = ""
    worker: str = ""
    queued: int = 0
    code: str = ""
    message: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Models:
    """The server's face models: (name, licence, state, summary), the default first."""

    models: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class Pythons:
    """Interpreters that have Semblance: (path, version); and what was looked through."""

    found: tuple[tuple[str, str], ...]
    looked_at: int


@dataclass(frozen=True)
class LogLines:
    """The end of the local server's log."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class VideoFrame:
    """The frame that a job works on: its number from 1, how many there are about, and its seconds."""

    number: int
    count: int
    time: float


@dataclass(frozen=True)
class JobReport:
    """Something about the job of an owner: a person, a performance, a character."""

    owner: str


@dataclass(frozen=True)
class JobResult(JobReport):
    """What a job has made lies on this machine's disk, to be taken into the scene as one step to undo."""

    path: Path


@dataclass(frozen=True)
class Progress(JobReport):
    """Where a job is. ``note`` says why it does not move, if so.

    ``stopping``: it was asked to end early, and keeps what it has.
    """

    stage: str
    fraction: float
    seconds_left: float | None = None
    note: str = ""
    frame: VideoFrame | None = None
    stopping: bool = False


@dataclass(frozen=True)
class FramePicture(JobReport):
    """A small picture of the frame in work: RGB rows from the top, three bytes a pixel."""

    width: int
    height: int
    pixels: bytes = field(repr=False)


@dataclass(frozen=True)
class NotStopped(JobReport):
    """A job could not be asked to stop, and goes on."""

    message: str


@dataclass(frozen=True)
class JobAccepted(JobReport):
    """The server has all it needs; remember the job in the file."""

    job: str


@dataclass(frozen=True)
class JobEnded(JobReport):
    """A job ended without a result; ``code`` is ``cancelled`` or an error's."""

    code: str
    message: str = ""
    hint: str = ""
    warnings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Notice:
    """Something for the status bar, such as a test of the connection."""

    message: str
    is_error: bool = False
