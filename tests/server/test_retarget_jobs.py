"""Tracks on the server: sent, recognised, and put onto characters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.retarget.preset import load_preset
from core.track import save_track
from server.client import Client
from server.errors import UnsupportedMedia
from tests.server.conftest import Server, start_server, zip_of
from tests.tracks import make_track

MESHES = {"head": ["Basis", "jawOpen", "blush"], "teeth": ["jawOpen"]}


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with these kinds alone."""
    kinds = ("server.jobs.kinds.mapping", "server.jobs.kinds.retarget")
    server = start_server(tmp_path_factory.mktemp("light") / "server", kinds=kinds)
    yield server
    server.stop()


@pytest.fixture
def track(light: Server, tmp_path: Path) -> Iterator[str]:
    save_track(make_track(), tmp_path / "take.semtrack")
    file = light.client.upload(tmp_path / "take.semtrack")
    assert (file.kind, file.media_type) == ("track", "application/x-semtrack")
    yield file.id
    for job in light.client.jobs():
        light.client.delete_job(job.id)
    light.client.delete_file(file.id)


def test_a_track_becomes_curves_and_says_what_stays(light: Server, track: str, tmp_path: Path) -> None:
    options = {"meshes": MESHES, "smoothing": 0.0, "error": 0.0, "gain": 0.5}
    job = light.client.wait(light.client.submit("retarget", files=[track], options=options).id)
    assert job.state == "done", job.error
    assert [warning.message for warning in job.warnings] == ["head: nothing drives blush."]
    for result in job.results:
        light.client.download(result.file, tmp_path / result.name)
    with np.load(tmp_path / "animation.npz") as arrays:
        assert arrays["mesh"].tolist() == ["head", "teeth"]
        first = arrays["key_values"][: arrays["starts"][1]]
    assert first.max() == pytest.approx(0.5 * make_track().curve("jawOpen").max(), abs=1e-6)
    assert set(load_preset(tmp_path / "mapping.json").channels) == {"jawOpen"}


def test_a_mapping_is_made_edited_and_used(light: Server, track: str, tmp_path: Path) -> None:
    job = light.client.wait(light.client.submit("mapping", options={"meshes": MESHES}).id)
    preset: Any = light.http.get(f"/v1/files/{job.results[0].file}").json()
    preset["channels"]["blush"] = {**preset["channels"]["jawOpen"], "gain": 2.0}
    options = {"meshes": MESHES, "preset": preset}
    job = light.client.wait(light.client.submit("retarget", files=[track], options=options).id)
    assert job.state == "done" and job.warnings == []


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({}, 422, "bad_input"),
        ({"meshes": {}}, 422, "bad_input"),
        ({"meshes": MESHES, "gain": -1}, 422, "bad_input"),
        ({"meshes": MESHES, "preset": {"channels": {}}}, 422, "preset_unreadable"),
    ],
)
def test_what_cannot_be_done_is_refused(
    light: Server, track: str, options: dict[str, Any], status: int, code: str
) -> None:
    answer = light.http.post("/v1/jobs", json={"kind": "retarget", "files": [track], "options": options})
    assert answer.status_code == status and answer.json()["error"]["code"] == code


def test_frames_that_the_track_lacks_and_files_that_are_none(
    light: Server, track: str, tmp_path: Path
) -> None:
    def failed(client: Client, file: str, **options: Any) -> Any:
        job = client.submit("retarget", files=[file], options={"meshes": MESHES, **options})
        return light.ended(job).error

    assert failed(light.client, track, rest=40).code == "bad_input"
    (tmp_path / "video.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    video = light.client.upload(tmp_path / "video.mp4")
    error = failed(light.client, video.id)
    assert error.code == "track_unreadable" and "video.mp4" in error.message
    for job in light.client.jobs():
        light.client.delete_job(job.id)
    light.client.delete_file(video.id)


@pytest.mark.parametrize(
    "content",
    [
        zip_of(track_json=b"{}", track_npz=b""),
        zip_of(track_json=b'{"format": "semblance-track", "schema": 99}', track_npz=b""),
        zip_of(track_json=b'{"format": "semblance-track", "schema": 1}'),
        zip_of(track_json=b" " * (17 << 20), track_npz=b""),
        zip_of(track_json=b"[" * 100_000, track_npz=b""),
    ],
    ids=["empty", "newer", "no arrays", "too large", "nested"],
)
def test_zips_that_only_look_like_tracks_are_refused(light: Server, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.semtrack").write_bytes(content)
    with pytest.raises(UnsupportedMedia, match="no track"):
        light.client.upload(tmp_path / "x.semtrack")
