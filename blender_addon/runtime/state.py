# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known now and is in no file. Read by the panels, written by the timer."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..client import live_messages, preview_messages
from ..client import messages as say
from ..client.take_jobs import PeopleReady


@dataclass
class Job:
    """What is known of an owner's job, from the press of the button until its result is in the scene."""

    progress: say.Progress
    id: str = ""  # the server's, once it has accepted the job; undo cannot take it away from here
    stopping: bool = False  # it ends early, with what it has
    result: say.JobResult | None = None  # to be taken into the scene


@dataclass
class State:
    """The latest reports of the worker."""

    server: say.ServerState | None = None
    models: tuple[tuple[str, str, str, str], ...] = ()
    log: tuple[str, ...] = ()
    pythons: say.Pythons | None = None
    jobs: dict[str, Job] = field(default_factory=dict)  # owner's id → the job in work
    tracks: dict[str, str] = field(default_factory=dict)  # take's id → track file; survives undo
    people: dict[str, PeopleReady] = field(default_factory=dict)  # take's id → who is in its clip
    live: live_messages.LiveState | None = None  # none while nothing is tracked live
    preview: preview_messages.PreviewStage | None = None  # none while no photo follows its rig
    preview_ended: preview_messages.PreviewEnded | None = None  # why the last one has ended by itself
    notice: str = ""

    def forget_file(self) -> None:
        """Another file was opened."""
        self.jobs.clear()
        self.tracks.clear()
        self.people.clear()
        self.preview_ended = None
        self.notice = ""


state = State()
