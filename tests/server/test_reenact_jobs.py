"""Reenactment on the server: asked for, made, stopped early, and refused."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.digital_source import read_source, source_address
from core.rig import save_rig
from core.track import save_track
from server.client import Client
from tests.films import pictures_of
from tests.portraits import portrait_pixels, portrait_rig
from tests.server.conftest import Server, start_server
from tests.tracks import make_track

FRAMES = 8


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with this kind alone."""
    folder = tmp_path_factory.mktemp("light") / "server"
    server = start_server(folder, kinds=("server.jobs.kinds.reenact",))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def given(light: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Ids of a rig, a track, a long track and the photo."""
    folder = tmp_path_factory.mktemp("given")
    save_rig(portrait_rig(), folder / "anna.semrig")
    save_track(make_track(FRAMES), folder / "take.semtrack")
    save_track(make_track(4000), folder / "long.semtrack")
    Image.fromarray(portrait_pixels()).save(folder / "anna.png")
    rig, _ = light.client.add_rig(light.client.upload(folder / "anna.semrig").id)
    files = {name: light.client.upload(folder / name).id for name in ("take.semtrack", "long.semtrack")}
    return {"rig": rig.id, "photo": light.client.upload(folder / "anna.png").id, **files}


def test_a_rig_and_a_track_become_a_film(light: Server, given: dict[str, str], tmp_path: Path) -> None:
    job = light.client.submit("reenact", files=[given["take.semtrack"]], rig=given["rig"])
    job = light.client.wait(job.id)
    assert job.state == "done", job.error
    (result,) = job.results
    assert result.name == "take.mp4" and job.seconds.keys() == {"photo", "pictures"}
    assert any("anna.png is shown as the rig keeps it" in warning.message for warning in job.warnings)
    light.client.download(result.file, tmp_path / "a.mp4")
    assert len(pictures_of(tmp_path / "a.mp4")[0]) == FRAMES
    assert read_source(tmp_path / "a.mp4") == source_address("compositeSynthetic")


def test_pictures_come_in_a_zip(light: Server, given: dict[str, str], tmp_path: Path) -> None:
    options = {"pictures": True, "name": "anna", "size": 64, "parts": "expression", "motion": "absolute"}
    job = light.client.submit("reenact", files=[given["take.semtrack"]], rig=given["rig"], options=options)
    (result,) = light.client.wait(job.id).results
    assert result.name == "anna.zip"
    light.client.download(result.file, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert len(archive.namelist()) == FRAMES + 1
        with Image.open(archive.open("000001.png")) as image:
            assert image.size == (64, 51) and image.mode == "RGBA"


def test_a_job_that_is_stopped_keeps_what_it_has(
    light: Server, given: dict[str, str], tmp_path: Path
) -> None:
    job = light.client.submit("reenact", files=[given["long.semtrack"]], rig=given["rig"])
    job = light.until(job, lambda job: job.stage == "pictures")
    light.client.cancel(job.id, keep=True)
    job = light.ended(job)
    assert job.state == "done", job.error
    assert any("pictures are kept" in warning.message for warning in job.warnings)
    light.client.download(job.results[0].file, tmp_path / "a.mp4")
    assert 0 < len(pictures_of(tmp_path / "a.mp4")[0]) < 4000


@pytest.mark.parametrize(
    ("options", "with_rig"),
    [
        ({}, False),
        ({"network": "guided"}, True),
        ({"motion": "wild"}, True),
        ({"size": 8}, True),
        ({"pictures": True, "sound": True}, True),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused(
    light: Server, given: dict[str, str], options: dict[str, Any], with_rig: bool
) -> None:
    rig = {"rig": given["rig"]} if with_rig else {}
    asked = {"kind": "reenact", "files": [given["take.semtrack"]], "options": options, **rig}
    answer = light.http.post("/v1/jobs", json=asked)
    assert answer.status_code == 422 and answer.json()["error"]["code"] == "bad_input"


def test_what_turns_out_to_be_wrong_is_told_by_its_own_name(light: Server, given: dict[str, str]) -> None:
    def failed(client: Client, *files: str, **options: Any) -> Any:
        return light.ended(client.submit("reenact", files=files, rig=given["rig"], options=options)).error

    assert failed(light.client, given["take.semtrack"], photo=3).code == "bad_input"
    error = failed(light.client, given["take.semtrack"], sound=True)
    assert error.code == "bad_input" and "take.semtrack is a track" in error.message
    error = failed(light.client, given["take.semtrack"], given["photo"])
    assert error.code == "no_face_found" and error.message.endswith("anna.png.")
    assert failed(light.client, given["photo"]).code == "unreadable_media"


def test_the_api_describes_it(light: Server) -> None:
    schemas = light.http.get("/v1/openapi.json").json()["components"]["schemas"]
    assert {"motion", "parts", "rest", "size", "sound", "network"} <= schemas["ReenactJobOptions"][
        "properties"
    ].keys()
