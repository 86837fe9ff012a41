# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes without shape keys to the offsets of their keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import messages as say
from .desk import Desk, Flow
from .following import fetch, sentences_of
from .job import JobRequest
from .sending import JobOrder, safe_name


@dataclass(frozen=True)
class KeysReady(say.JobResult):
    """The offsets of a mesh's shape keys lie on this machine's disk, with the landmarks that were used."""

    landmarks: dict[str, object]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class MakeKeys(JobRequest):
    """Make a mesh's shape keys from a rig's; the mesh's file is removed once it is sent."""

    mesh: Path
    rig: str
    options: dict[str, object]
    key: str

    def order(self) -> JobOrder:
        return JobOrder(
            "transfer", self.options, self.key, (self.mesh,), self.rig, remember=True, remove=True
        )

    def take_in(self, desk: Desk, done: dict[str, Any]) -> Flow:
        results = {str(row["name"]): row for row in done["results"]}
        name = safe_name(str(done["id"]))
        keys, landmarks = desk.takes / f"{name}.npz", desk.takes / f"{name}.json"
        yield from fetch(desk, self.owner, results["shape_keys.npz"], keys)
        yield from fetch(desk, self.owner, results["landmarks.json"], landmarks)
        document = dict(json.loads(landmarks.read_text(encoding="utf-8")))
        landmarks.unlink()
        desk.report(KeysReady(self.owner, keys, document, sentences_of(done)), None)
