"""Performances on their way to a real server and back."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from blender_addon.client import messages as say
from blender_addon.client.take_jobs import (
    FindPeople,
    MapKeys,
    MappingReady,
    PeopleReady,
    RetargetTrack,
    TakeReady,
    TrackClip,
)
from blender_addon.retarget.animation_file import read_animation
from core.rig import save_rig
from core.track import save_track
from tests.blender_addon.client.lines import Client
from tests.performances import tilting_portrait, write_video
from tests.rigs import make_rig
from tests.tracks import make_track

THEN = RetargetTrack("take", Path(), {"meshes": {"head": ["jawOpen"]}}, "then")


def _ask(client: Client, path: str, method: str = "GET") -> Any:
    url = json.loads((client.folder / "server.json").read_text())["url"]
    token = (client.folder / "token").read_text().strip()
    request = urllib.request.Request(url + path, method=method, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "talk.mp4", tilting_portrait())


def test_a_track_becomes_curves(client: Client, tmp_path: Path) -> None:
    save_track(make_track(), tmp_path / "take.semtrack")
    client.start_server()
    meshes = {"head": ["jawOpen", "blush"]}
    client.worker.post(RetargetTrack("take", tmp_path / "take.semtrack", {"meshes": meshes}, "a"))
    ready = client.wait_for(TakeReady)
    assert [curve.key for curve in read_animation(ready.path).curves] == ["jawOpen"]
    assert list(ready.preset["channels"]) == ["jawOpen"]
    assert ready.warnings == ("head: nothing drives blush.",)
    client.worker.post(MapKeys("take", meshes, "b"))
    assert client.wait_for(MappingReady).preset == ready.preset
    client.worker.post(RetargetTrack("take", tmp_path / "gone.semtrack", {"meshes": meshes}, "c"))
    ended = client.wait_for(say.JobEnded)
    assert ended.code == "unreadable_media" and "gone.semtrack" in ended.message


def test_a_cancelled_clip_ends_as_cancelled(client: Client, clip: Path) -> None:
    client.start_server()
    client.worker.post(TrackClip("take", clip, "", {}, "a", THEN))
    job = client.wait_for(say.JobAccepted).job
    client.worker.post(say.CancelJob("take", job))
    assert client.wait_for(say.JobEnded).code == "cancelled"
    assert _ask(client, f"/v1/jobs/{job}")["state"] == "cancelled"


def test_a_clip_is_sent_once_while_the_server_has_it(client: Client, clip: Path) -> None:
    client.start_server()
    client.worker.post(FindPeople("take", clip, {"end": 0.2}, "a"))
    found = client.wait_for(PeopleReady)
    assert [person.number for person in found.people] == [1] and found.duration > 1.5
    assert found.picture.is_file() and found.people[0].crop.is_file()

    def track(key: str) -> str:
        client.worker.post(TrackClip("take", clip, "", {"end": 0.2}, key, THEN))
        job = client.wait_for(say.JobAccepted).job
        client.worker.post(say.CancelJob("take", job))
        client.wait_for(say.JobEnded)
        return str(_ask(client, f"/v1/jobs/{job}")["files"][0])

    first = track("b")
    assert {job["files"][0] for job in _ask(client, "/v1/jobs")["jobs"]} == {first}
    _ask(client, f"/v1/files/{first}", "DELETE")
    assert track("c") != first


def test_a_rig_that_the_server_lacks_is_sent(client: Client, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "rigs").mkdir()
    rig = make_rig("Anna")
    save_rig(rig, tmp_path / "rigs" / f"{rig.rig_id}.semrig")
    client.start_server()
    client.worker.post(TrackClip("take", clip, rig.rig_id, {"end": 0.2}, "a", THEN))
    job = client.wait_for(say.JobAccepted).job
    assert _ask(client, f"/v1/jobs/{job}")["rig"] == rig.rig_id
    assert [row["id"] for row in _ask(client, "/v1/rigs")["rigs"]] == [rig.rig_id]
    client.worker.post(say.CancelJob("take", job))
    client.wait_for(say.JobEnded)
    client.worker.post(TrackClip("take", clip, "nobody-knows-it", {"end": 0.2}, "b", THEN))
    assert client.wait_for(say.JobEnded).code == "not_found"
