# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker does for meshes without shape keys: a mesh to the offsets of its keys."""

from __future__ import annotations

import json
from typing import Any

from . import messages as say
from .flows import Desk, Flow, fetch, follow_job, report_end
from .sending import safe_name, start_job
from .take_flows import sentences


def make_keys(desk: Desk, request: say.MakeKeys) -> Flow:
    """Send a mesh and have its shape keys made, or follow the job that does."""
    job = request.job
    if not job:
        sent = yield from start_job(
            desk, request.person, "transfer", [request.mesh], request.options, request.key, request.rig
        )
        request.mesh.unlink(missing_ok=True)
        if sent is None:
            return
        job = sent
        desk.report(say.JobAccepted(request.person, job), None)
    yield from follow_job(desk, say.FollowJob(request.person, job), _take_keys)


def _take_keys(desk: Desk, person: str, job: dict[str, Any]) -> Flow:
    if job["state"] != "done":
        report_end(desk, person, job)
        return
    results = {str(row["name"]): row for row in job["results"]}
    name = safe_name(str(job["id"]))
    keys, landmarks = desk.takes / f"{name}.npz", desk.takes / f"{name}.json"
    yield from fetch(desk, person, results["shape_keys.npz"], keys)
    yield from fetch(desk, person, results["landmarks.json"], landmarks)
    document = dict(json.loads(landmarks.read_text(encoding="utf-8")))
    landmarks.unlink()
    desk.report(say.KeysReady(person, keys, document, sentences(job)), None)
