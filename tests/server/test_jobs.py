"""Jobs: states, progress, cancelling, keys, what is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from typing import Any

import httpx
import pytest

from core.errors import BadInput, Cancelled, NoFaceFound, SemblanceError
from core.progress import ProgressReport
from server.api.schemas import Job
from server.client import Client
from server.errors import Conflict, NotFound, TooMany
from tests.server.conftest import Server, Start, cutting_proxy
from tests.server.pictures import picture


@pytest.fixture(autouse=True)
def clean(server: Server) -> Iterator[None]:
    """Tests leave no job behind."""
    yield
    for job in server.client.jobs(limit=500):
        server.client.cancel(job.id)
    for job in server.client.jobs(limit=500):
        server.ended(job)
        server.client.delete_job(job.id)


def events_of(server: Server, job: Job, last: str = "") -> Generator[dict[str, Any], None, None]:
    """The raw events of a job, as ``id``, ``event`` and ``data``; comments as ``""``."""
    headers = {"Last-Event-ID": last} if last else {}
    with server.http.stream("GET", f"/v1/jobs/{job.id}/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                event[name] = json.loads(value) if name == "data" else value
            else:
                yield event
                event = {}


def test_a_job_is_done(server: Server) -> None:
    job = server.play(seconds=0.3, size=1000)
    assert job.state in ("queued", "running") and job.started is None
    seen: list[ProgressReport] = []
    done = server.client.wait(job.id, seen.append)
    assert done.state == "done" and done.fraction == 1 and done.attempt == 1
    assert done.created <= (done.started or "") <= (done.finished or "")
    assert done.options["size"] == 1000 and set(done.seconds) == {"first", "second"}
    assert [result.name for result in done.results] == ["Made it.bin"] and done.results[0].size == 1000
    assert [warning.message for warning in done.warnings] == ["It was only a play."]
    fractions = [report.fraction for report in seen]
    assert fractions == sorted(fractions) and {report.stage for report in seen} == {"first", "second"}
    assert list((server.folder / "work").iterdir()) == []


def test_errors_arrive_as_they_were_raised(server: Server, tmp_path: Any) -> None:
    photo = tmp_path / "Anna.bmp"
    photo.write_bytes(b"BM" + bytes(100))
    assert server.http.post("/v1/files", content=photo.read_bytes()).status_code == 415
    photo.write_bytes(picture())
    file = server.client.upload(photo)
    job = server.client.submit("play", files=[file.id], options={"act": "fail"})
    with pytest.raises(NoFaceFound, match=r"^There is no face in Anna\.bmp") as raised:
        server.client.wait(job.id)
    assert raised.value.hint == "Look again."
    server.client.delete_file(file.id)
    broken = server.play(act="break")
    with pytest.raises(SemblanceError, match="ZeroDivisionError"):
        server.client.wait(broken.id)
    assert server.ended(server.play()).state == "done"
    assert "tests/server/kinds.py" in (server.folder / "server.log").read_text()


def test_a_running_job_is_cancelled(server: Server) -> None:
    job = server.until(server.play(seconds=30), lambda job: job.fraction > 0)
    assert server.client.cancel(job.id).state in ("running", "cancelled")
    with pytest.raises(Cancelled):
        server.client.wait(job.id)
    ended = server.client.job(job.id)
    assert ended.state == "cancelled" and ended.results == [] and ended.error is None
    assert server.client.cancel(job.id).state == "cancelled"


def test_a_job_that_keeps_ends_early_as_done(server: Server) -> None:
    job = server.until(server.play(seconds=30), lambda job: job.fraction > 0)
    assert not job.stopping
    began = time.monotonic()
    told = server.client.cancel(job.id, keep=True)
    assert told.stopping and told.state == "running"
    assert server.client.cancel(job.id, keep=True).state in ("running", "done")  # sent again, it is the same
    ended = server.ended(job)
    assert ended.state == "done" and len(ended.results) == 1 and not ended.stopping
    assert time.monotonic() - began < 5


def test_the_second_cancel_keeps_nothing(server: Server) -> None:
    job = server.until(server.play(seconds=60, act="stubborn"), lambda job: job.stage == "first")
    assert server.client.cancel(job.id, keep=True).stopping
    server.client.cancel(job.id)
    assert server.ended(job).state == "cancelled"


def test_a_waiting_job_has_nothing_to_keep(server: Server) -> None:
    first, second = server.play(seconds=30), server.play()
    assert server.client.cancel(second.id, keep=True).state == "cancelled"
    server.client.cancel(first.id)
    server.ended(first)


def test_a_running_job_shows_the_frame_it_works_on(server: Server) -> None:
    job = server.until(server.play(seconds=30, frames=True), lambda job: job.frame is not None)
    assert job.frame and (job.frame.number, job.frame.count, job.frame.time) == (7, 9, 0.28)
    assert job.frame.picture >= 1
    assert server.client.preview(job.id) == b"a picture"
    server.client.cancel(job.id)
    assert server.ended(job).frame is None
    with pytest.raises(NotFound):
        server.client.preview(job.id)


def test_a_cancel_is_never_missed(server: Server) -> None:
    """Also while the job is on its way from the queue to the worker."""
    for number in range(12):
        job = server.play(seconds=30)
        time.sleep(number * 0.001)
        server.client.cancel(job.id)
        assert server.ended(job).state == "cancelled"


def test_a_job_that_does_not_listen_is_ended(server: Server) -> None:
    worker = server.worker()
    job = server.until(server.play(seconds=60, act="stubborn"), lambda job: job.stage == "first")
    server.client.cancel(job.id)
    assert server.ended(job).state == "cancelled"
    assert server.worker() != worker
    assert server.ended(server.play()).state == "done"


def test_waiting_jobs_have_places(server: Server) -> None:
    first = server.until(server.play(seconds=30), lambda job: job.state == "running")
    waiting = [server.play(size=n) for n in range(3)]
    assert [job.queue_position for job in waiting] == [1, 2, 3]
    assert server.client.cancel(waiting[0].id).state == "cancelled"
    assert [server.client.job(job.id).queue_position for job in waiting] == [0, 1, 2]
    follow = events_of(server, waiting[2])
    assert next(follow)["data"]["queue_position"] == 2
    server.client.cancel(first.id)
    states = [event["data"]["state"] for event in follow if "data" in event]
    assert states[-1] == "done"
    begun = [server.ended(job).started or "" for job in waiting[1:]]
    assert begun == sorted(begun)


def test_one_key_is_one_job(server: Server) -> None:
    first = server.client.submit("play", options={"size": 5}, key="k1")
    answer = server.http.post(
        "/v1/jobs", json={"kind": "play", "options": {"size": 5}}, headers={"Idempotency-Key": "k1"}
    )
    assert answer.status_code == 200 and answer.json()["id"] == first.id
    with pytest.raises(Conflict):
        server.client.submit("play", options={"size": 6}, key="k1")
    assert server.client.submit("play", options={"size": 5}, key="k2").id != first.id
    server.ended(first)
    server.client.delete_job(first.id)
    assert server.client.submit("play", options={"size": 5}, key="k1").id != first.id


def test_jobs_are_listed_by_page_and_state(server: Server) -> None:
    jobs = [server.ended(server.play(size=n)) for n in range(5)]
    newest = [job.id for job in reversed(jobs)]
    assert [job.id for job in server.client.jobs()] == newest
    assert [job.id for job in server.client.jobs(limit=2)] == newest[:2]
    assert [job.id for job in server.client.jobs(limit=2, after=newest[1])] == newest[2:4]
    assert server.client.jobs(state="failed") == []
    assert len(server.client.jobs(state="done")) == 5
    with pytest.raises(NotFound):
        server.client.jobs(after="nobody")


def test_a_running_job_is_not_deleted(server: Server) -> None:
    job = server.play(seconds=30)
    with pytest.raises(Conflict):
        server.client.delete_job(job.id)
    with pytest.raises(NotFound):
        server.client.delete_job("nobody")


@pytest.mark.parametrize(
    "asked",
    [{}, [], {"kind": "dance"}, {"kind": "play", "options": {"seconds": "long"}}, {"kind": "play", "x": 1},
     {"kind": "play", "options": {"pase": 1}}, {"kind": "play", "files": [""]}],
)  # fmt: skip
def test_requests_that_make_no_sense(server: Server, asked: Any) -> None:
    answer = server.http.post("/v1/jobs", json=asked)
    assert answer.status_code == 422
    told = answer.json()["error"]
    assert told["code"] == BadInput.code and told["message"]


def test_bodies_that_are_no_json(server: Server) -> None:
    for body in (b"{", b"\xff\xfe", b"[" * 50_000):
        answer = server.http.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422 and answer.json()["error"]["code"] == BadInput.code


@pytest.mark.parametrize(
    "body",
    [b'{"kind": "play", "\\ud800": 1}', b'{"kind": "\\ud800"}', b'{"kind": "play", "files": ["\\ud800"]}',
     b'{"kind": "play", "files": ["\\u0000"]}', b'{"kind": "play", "options": {"seconds": 1e999}}',
     b'{"kind": "play", "options": {"size": ' + b"9" * 5000 + b"}}", b'{"kind": NaN}'],
)  # fmt: skip
def test_json_that_only_some_can_write_again(server: Server, body: bytes) -> None:
    answer = server.http.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (404, 422) and answer.json()["error"]["code"]


def test_numbers_without_end_are_no_numbers(server: Server) -> None:
    job = server.ended(server.play())
    digits = "9" * 6000
    told = list(events_of(server, job, digits))
    assert told[0]["data"]["state"] == "done"
    answer = server.http.get(f"/v1/files/{job.results[0].file}", headers={"Range": f"bytes={digits}-"})
    assert answer.status_code == 200


def test_unknown_things_are_not_found(server: Server) -> None:
    for path in ("/v1/jobs/x", "/v1/files/x", "/v1/rigs/x", "/v1/jobs/x/events", "/v1/nothing", "/"):
        answer = server.http.get(path)
        assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"
    assert server.http.put("/v1/jobs").status_code == 405
    with pytest.raises(NotFound):
        server.client.submit("play", files=["x"])


def test_the_queue_has_an_end(server: Server) -> None:
    server.until(server.play(seconds=60), lambda job: job.state == "running")
    for _ in range(30):
        server.play()
    with pytest.raises(TooMany):
        server.play()


def test_events_say_what_changed_and_end(server: Server) -> None:
    job = server.play(seconds=0.5)
    told = [event for event in events_of(server, job) if "data" in event]
    ids = [int(event["id"]) for event in told]
    assert ids == sorted(set(ids))
    assert told[0]["event"] == "state" and told[-1]["data"]["state"] == "done"
    assert {event["event"] for event in told} == {"state", "progress"}
    assert all(event["data"]["id"] == job.id for event in told)


def test_events_that_were_seen_are_not_repeated(server: Server) -> None:
    job = server.until(server.play(seconds=3), lambda job: job.fraction > 0)
    events = events_of(server, job)
    seen = [int(next(events)["id"]) for _ in range(3)]
    events.close()
    again = [event for event in events_of(server, job, str(seen[-1])) if "data" in event]
    assert int(again[0]["id"]) > seen[-1] and again[-1]["data"]["state"] == "done"
    assert list(events_of(server, job, again[-1]["id"])) == []
    assert [event["data"]["state"] for event in events_of(server, job, "nonsense")] == ["done"]


def test_the_client_takes_a_lost_stream_up_again(server: Server) -> None:
    job = server.play(seconds=2)
    with cutting_proxy(server, [1500, 1500]) as (url, cuts), Client(url, server.token) as client:
        followed = list(client.events(job.id))
    assert cuts == [] and followed[-1].state == "done"
    fractions = [job.fraction for job in followed]
    assert fractions == sorted(fractions)


def test_a_silent_stream_says_that_it_lives(server: Server) -> None:
    busy = server.play(seconds=30)
    job = server.play()
    events = events_of(server, job)
    next(events)
    assert next(events) == {"": "still here"}
    events.close()
    server.client.cancel(busy.id)


def test_streams_are_counted(start: Start) -> None:
    small = start(most_streams=2)
    job = small.play(seconds=60)
    streams = [events_of(small, job) for _ in range(2)]
    for stream in streams:
        next(stream)
    refused = small.http.get(f"/v1/jobs/{job.id}/events")
    assert refused.status_code == 429 and refused.json()["error"]["code"] == "too_many"
    streams.pop().close()
    ends = time.monotonic() + 5
    while True:
        with small.http.stream("GET", f"/v1/jobs/{job.id}/events") as response:
            if response.status_code == 200:
                break
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_figures_for_prometheus(server: Server) -> None:
    server.ended(server.play())
    server.ended(server.play(act="break"))
    text = server.http.get("/v1/metrics").text
    for line in ('semblance_jobs_ended_total{kind="play",state="done"}',
                 'semblance_job_failures_total{code="error",kind="play"}',
                 'semblance_job_stage_seconds_count{kind="play",stage="first"}',
                 "semblance_jobs_queued 0.0", "semblance_storage_bytes"):  # fmt: skip
        assert line in text


def test_every_route_says_how_it_fails(server: Server) -> None:
    document = server.http.get("/v1/openapi.json").json()
    assert set(document["paths"]) >= {"/v1/health", "/v1/files", "/v1/jobs/{id}/events", "/v1/rigs/{id}/file"}
    body = {"$ref": "#/components/schemas/ErrorBody"}
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert set(route["responses"]) >= {"401", "403", "500"}, (path, method)
            for status, response in route["responses"].items():
                if status >= "400":
                    assert response["content"]["application/json"]["schema"] == body, (path, method, status)
            assert route["security"]


def test_health_tells_what_a_client_must_know(server: Server) -> None:
    server.ended(server.play())
    health = server.client.health()
    assert (health.status, health.api_version, health.executor) == ("ready", 1, "local")
    assert health.pid == server.process.pid and health.worker == "idle"
    assert httpx.get(server.url + "/v1/health").status_code == 401
