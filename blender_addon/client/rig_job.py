# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos to a rig."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import messages as say
from .desk import Desk, Flow
from .following import fetch, warnings_of
from .job import JobRequest
from .sending import JobOrder, safe_name


@dataclass(frozen=True)
class RigReady(say.JobResult):
    """A rig lies on this machine's disk. ``warnings``: (photo's file name or empty, sentence)."""

    rig: str
    warnings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class BuildRig(JobRequest):
    """Make a rig of photos."""

    photos: tuple[Path, ...]
    options: dict[str, object]
    key: str  # the same key never starts a second job

    def order(self) -> JobOrder:
        return JobOrder("rig", self.options, self.key, self.photos, remember=True)

    def take_in(self, desk: Desk, done: dict[str, Any]) -> Flow:
        result = next(row for row in done["results"] if str(row["name"]).endswith(".semrig"))
        path = desk.rigs / f"{safe_name(str(done['rig']))}.semrig"
        yield from fetch(desk, self.owner, result, path)
        desk.report(RigReady(self.owner, path, str(done["rig"]), warnings_of(done)), None)
