"""What must not happen, happens: to real processes."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from server.api.schemas import Job
from server.cli.app import app
from server.errors import QuotaExceeded, WorkerDied
from server.folder import read_note
from tests.server.cli.conftest import is_running
from tests.server.conftest import ROOT, Server, Start
from tests.server.pictures import picture

posix = pytest.mark.skipif(os.name != "posix", reason="processes are killed differently on Windows")


def working(server: Server, **options: Any) -> Job:
    """A job that runs."""
    return server.until(server.play(**options), lambda job: job.stage != "" or job.is_final)


def whole(server: Server, job: Job) -> bool:
    """Whether all results of a job are there, to the last byte."""
    for result in job.results:
        content = server.http.get(f"/v1/files/{result.file}").content
        if hashlib.sha256(content).hexdigest() != result.sha256 or len(content) != result.size:
            return False
    return bool(job.results)


@posix
def test_a_killed_server_comes_back_with_everything(start: Start) -> None:
    first = start()
    done = first.ended(first.play(size=100_000))
    running = working(first, seconds=3)
    waiting, gone = first.play(size=7), first.play(size=8)
    first.client.cancel(gone.id)
    worker, port = first.worker(), httpx.URL(first.url).port
    followed: list[Job] = []
    follower = threading.Thread(target=lambda: followed.append(first.client.wait(running.id)))
    follower.start()
    first.kill()
    assert not is_running(worker), "the worker outlived its server"
    assert (first.folder / "server.json").exists()

    second = start(first.folder, port=port)
    assert whole(second, second.client.job(done.id))
    follower.join(20)
    assert [job.state for job in followed] == ["done"], "the client did not find the server again"
    again = second.ended(running)
    assert (again.state, again.attempt) == ("done", 2) and whole(second, again)
    assert second.ended(waiting).state == "done"
    assert second.client.job(gone.id).state == "cancelled"
    assert second.client.jobs(state="running") == []


@posix
def test_servers_killed_at_any_moment_lose_nothing(start: Start) -> None:
    server = start()
    submitted: list[Job] = []
    for seed in range(3):
        submitted += [
            server.client.submit("play", options={"size": 50_000, "seconds": 0.05}) for _ in range(6)
        ]
        seen_done = [job.id for job in server.client.jobs(state="done")]
        time.sleep(random.Random(seed).uniform(0.0, 0.4))
        server.kill()
        server = start(server.folder)
        for job_id in seen_done:
            assert whole(server, server.client.job(job_id))
    ended = [server.ended(job) for job in submitted]
    for job in ended:
        if job.error:
            assert job.error.code == WorkerDied.code and job.attempt == 2
        else:
            assert job.state == "done" and whole(server, job)
    kept = {path.name for path in (server.folder / "files").iterdir()}
    assert kept == {result.file for job in ended for result in job.results}, "strays, or something is missing"


@posix
def test_a_killed_worker_is_replaced_and_the_job_done(server: Server) -> None:
    job = working(server, seconds=2.0)
    killed = server.worker()
    os.killpg(killed, signal.SIGKILL)
    done = server.ended(job)
    assert (done.state, done.attempt) == ("done", 2) and server.worker() != killed
    assert "semblance_workers_lost_total" in server.http.get("/v1/metrics").text
    server.client.delete_job(job.id)


@posix
def test_a_worker_that_dies_twice_fails_the_job_alone(server: Server) -> None:
    job = server.play(act="die")
    with pytest.raises(WorkerDied) as raised:
        server.client.wait(job.id)
    assert raised.value.hint
    assert server.client.job(job.id).attempt == 2
    following = server.play()
    assert server.ended(following).state == "done"
    for each in (job, following):
        server.client.delete_job(each.id)


@posix
def test_a_worker_killed_while_idle_is_replaced(server: Server) -> None:
    server.client.delete_job(server.ended(server.play()).id)
    os.killpg(server.worker(), signal.SIGKILL)
    job = server.ended(server.play())
    assert job.state == "done"
    server.client.delete_job(job.id)


def test_an_asked_end_keeps_jobs_for_the_next_start(start: Start) -> None:
    first = start()
    running, waiting = working(first, seconds=3), first.play()
    first.client.shutdown()
    assert first.process.wait(10) == 0
    assert read_note(first.folder) is None
    second = start(first.folder)
    again = second.ended(running)
    assert (again.state, again.attempt) == ("done", 1)
    assert second.ended(waiting).state == "done"


def test_a_stream_ends_with_its_server(start: Start) -> None:
    first = start()
    job = working(first, seconds=30)
    with first.http.stream("GET", f"/v1/jobs/{job.id}/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        first.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        list(lines)
    assert first.process.wait(10) == 0 and time.monotonic() - began < 10


def test_a_second_server_and_a_busy_port_are_refused(server: Server, tmp_path: Path) -> None:
    second = CliRunner().invoke(app, ["serve", "--folder", str(server.folder), "--json"])
    assert second.exit_code == 10 and '"server_running"' in second.stdout and server.url in second.stdout
    assert server.client.health().status == "ready" and read_note(server.folder)
    port = str(httpx.URL(server.url).port)
    busy = CliRunner().invoke(app, ["serve", "--folder", str(tmp_path / "other"), "--port", port, "--json"])
    assert busy.exit_code == 11 and '"port_busy"' in busy.stdout and port in busy.stdout


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(b"not a database" * 100)
    command = [sys.executable, "-m", "server", "serve", "--folder", str(tmp_path), "--json"]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert refused.returncode == 9 and "jobs.sqlite3" in refused.stdout and "Move it away" in refused.stdout


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take all the room that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError:
                continue
    return filler


def test_a_full_disk_fails_a_job_and_nothing_else(small_disk: Path, start: Start) -> None:
    server = start(small_disk / "server")
    kept = server.ended(server.play(size=1_000_000))
    failed = server.ended(server.play(size=60_000_000))
    assert failed.state == "failed" and failed.error
    assert failed.error.code == "output_failed" and "room" in failed.error.hint
    assert whole(server, server.client.job(kept.id))
    assert server.ended(server.play(size=1000)).state == "done"

    refused = server.http.post("/v1/files", content=iter([b"\x89PNG\r\n\x1a\n", bytes(30_000_000)]))
    assert refused.status_code == 507 and refused.json()["error"]["code"] == QuotaExceeded.code
    assert server.client.health().status == "ready"


def test_a_disk_without_a_single_byte_left(small_disk: Path, start: Start) -> None:
    server = start(small_disk / "server")
    running = working(server, seconds=3.0, size=1_000_000)
    filler = fill(small_disk)
    for answer in (
        server.http.post("/v1/jobs", json={"kind": "play"}),
        server.http.post("/v1/files", content=picture()),
    ):
        assert answer.status_code == 507 and answer.json()["error"]["code"] == QuotaExceeded.code
    while server.client.health().worker == "busy":
        time.sleep(0.05)
    assert server.client.jobs(), "reading needs no room"
    filler.unlink()
    ended = server.ended(running)
    assert ended.error and ended.error.code == "output_failed"
    assert server.ended(server.play(size=1000)).state == "done"


def test_a_slow_head_is_given_up(server: Server) -> None:
    """A slow loris: many connections, each with half a request."""
    address = httpx.URL(server.url)
    slow = [socket.create_connection((address.host, address.port or 0)) for _ in range(200)]
    for connection in slow:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
    assert server.client.health().status == "ready"
    ends = time.monotonic() + 20
    for connection in slow:
        connection.settimeout(max(0.1, ends - time.monotonic()))
        assert connection.recv(100) == b"", "it still waits"
        connection.close()
