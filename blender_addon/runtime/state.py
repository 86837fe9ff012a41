# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known now and is in no file. Read by the panels, written by the timer."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..client import messages as say


@dataclass
class State:
    """The latest reports of the worker."""

    server: say.ServerState | None = None
    models: tuple[tuple[str, str, str, str], ...] = ()
    log: tuple[str, ...] = ()
    pythons: say.Pythons | None = None
    progress: dict[str, say.Progress] = field(default_factory=dict)  # person's id → where the job is
    jobs: dict[str, str] = field(default_factory=dict)  # person's id → job; survives undo
    finished: dict[str, say.RigReady] = field(default_factory=dict)  # person's id → rig to be built
    takes: dict[str, say.TakeReady] = field(default_factory=dict)  # take's id → curves to be written
    keys: dict[str, say.KeysReady] = field(default_factory=dict)  # transfer's id → keys to be added
    tracks: dict[str, str] = field(default_factory=dict)  # take's id → track file; survives undo
    live: say.LiveState | None = None  # none while nothing is tracked live
    people: dict[str, say.PeopleReady] = field(default_factory=dict)  # take's id → who is in its clip
    stopping: set[str] = field(default_factory=set)  # takes whose job ends early, with what it has
    notice: str = ""

    def clear_people(self) -> None:
        """Another file was opened."""
        self.progress.clear()
        self.jobs.clear()
        self.finished.clear()
        self.takes.clear()
        self.keys.clear()
        self.tracks.clear()
        self.people.clear()
        self.stopping.clear()
        self.notice = ""


state = State()
