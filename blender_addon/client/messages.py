# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that Blender and the worker thread say to each other. Plain values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


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
class BuildRig:
    """Send photos and start a job."""

    person: str
    photos: tuple[Path, ...]
    options: dict[str, object]
    key: str  # the same key never starts a second job


@dataclass(frozen=True)
class FollowJob:
    """Watch a job to its end and fetch its rig."""

    person: str
    job: str


@dataclass(frozen=True)
class RetargetTrack:
    """Put a track onto a character; ``person`` is the id of the take."""

    person: str
    track: Path
    options: dict[str, object]
    key: str


@dataclass(frozen=True)
class TrackClip:
    """Track a clip, or follow the ``job`` that does so already; ``then`` comes after it."""

    person: str
    clip: Path
    rig: str  # of the one to follow; empty: the main face
    options: dict[str, object]
    key: str
    then: RetargetTrack
    job: str = ""


@dataclass(frozen=True)
class MapKeys:
    """Recognise shape keys: mesh → their names."""

    person: str
    meshes: dict[str, list[str]]
    key: str


@dataclass(frozen=True)
class FindPeople:
    """Find the people of a clip's first good frame; ``options``: in and out point."""

    person: str
    clip: Path
    options: dict[str, object]
    key: str


@dataclass(frozen=True)
class MakeKeys:
    """Make a mesh's shape keys from a rig's, or follow the ``job`` that does; the mesh's file is removed."""

    person: str
    mesh: Path
    rig: str
    options: dict[str, object]
    key: str
    job: str = ""


@dataclass(frozen=True)
class CancelJob:
    """Stop sending, or the job; ``keep``: end it early with what it has."""

    person: str
    job: str  # empty while photos are being sent
    keep: bool = False


@dataclass(frozen=True)
class Forget:
    """Nobody waits for this person any more."""

    person: str


@dataclass(frozen=True)
class StartLive:
    """Track live and listen.

    ``source`` is a camera's number or a video file; empty to listen to what runs already. ``options``: more
    of the command's. ``meshes``: have their keys recognised.
    """

    take: str
    folder: Path
    python: str
    source: str
    options: tuple[str, ...] = ()
    meshes: dict[str, list[str]] = field(default_factory=dict)


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
class Progress:
    """Where a person's job is. ``note`` says why it does not move, if so.

    ``stopping``: it was asked to end early, and keeps what it has.
    """

    person: str
    stage: str
    fraction: float
    seconds_left: float | None = None
    note: str = ""
    frame: VideoFrame | None = None
    stopping: bool = False


@dataclass(frozen=True)
class FramePicture:
    """A small picture of the frame in work: RGB rows from the top, three bytes a pixel."""

    person: str
    width: int
    height: int
    pixels: bytes = field(repr=False)


@dataclass(frozen=True)
class NotStopped:
    """A job could not be asked to stop, and goes on."""

    person: str
    message: str


@dataclass(frozen=True)
class ClipPerson:
    """Someone in a clip: the number in the picture, a pixel on the face, and a small picture of it."""

    number: int
    point: tuple[float, float]
    crop: Path


@dataclass(frozen=True)
class PeopleReady:
    """Who is in a clip: at ``time``, in a picture with numbered boxes; and how long the clip is."""

    person: str
    clip: Path
    time: float
    duration: float  # seconds; 0 where the file does not say it
    picture: Path
    people: tuple[ClipPerson, ...]


@dataclass(frozen=True)
class JobAccepted:
    """The server has all it needs; remember the job in the file."""

    person: str
    job: str


@dataclass(frozen=True)
class RigReady:
    """A rig lies on this machine's disk. ``warnings``: (photo's file name or empty, sentence)."""

    person: str
    rig: str
    path: Path
    warnings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TrackReady:
    """A track lies on this machine's disk; its curves come next."""

    person: str
    path: Path
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class MappingReady:
    """The shape keys were recognised: a mapping preset."""

    person: str
    preset: dict[str, object]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class TakeReady:
    """A character's curves lie on this machine's disk, with the mapping they were made with."""

    person: str
    path: Path
    preset: dict[str, object]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class KeysReady:
    """The offsets of a mesh's shape keys lie on this machine's disk, with the landmarks that were used."""

    person: str
    path: Path
    landmarks: dict[str, object]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class JobEnded:
    """A job ended without a result; ``code`` is ``cancelled`` or an error's."""

    person: str
    code: str
    message: str = ""
    hint: str = ""
    warnings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class LiveState:
    """How live tracking goes; ``stage`` is start, wait (for the first frame) or run."""

    stage: str
    source: str = ""
    found: bool = False
    fps: float = 0.0
    latency_ms: float = 0.0
    dropped: int = 0


@dataclass(frozen=True)
class LiveMapping:
    """The shape keys were recognised: a mapping preset."""

    preset: dict[str, object]
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """One moment: coefficients in the order of ``names``; the rest as in animation files, away from rest."""

    names: tuple[str, ...]
    time: float
    found: bool
    coefficients: np.ndarray  # (N,)
    head_rotation: np.ndarray  # (3, 3)
    head_translation: np.ndarray  # (3,) metres
    gaze: np.ndarray  # (2, 2)


@dataclass(frozen=True)
class LiveEnded:
    """Live tracking has ended; the code is empty where nothing is wrong."""

    code: str = ""
    message: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Notice:
    """Something for the status bar, such as a test of the connection."""

    message: str
    is_error: bool = False
