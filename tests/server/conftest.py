"""Real servers, in processes of their own, with real sockets."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.api.schemas import Job
from server.client import Client
from server.folder import read_token

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Server:
    """A running server, and its client."""

    process: subprocess.Popen[str]
    url: str
    folder: Path
    client: Client

    @property
    def token(self) -> str:
        token = read_token(self.folder)
        assert token
        return token

    @property
    def http(self) -> httpx.Client:
        """Bare HTTP with the token."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=20)

    def kill(self) -> None:
        """As ``kill -9``, or the machine's power, would end it."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.client.__exit__(None, None, None)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                assert self.process.wait(15) == 0
            finally:
                self.process.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def play(self, **options: Any) -> Job:
        """Submit a job of the kind for tests."""
        return self.client.submit("play", options=options)

    def until(self, job: Job, is_so: Callable[[Job], bool], seconds: float = 20.0) -> Job:
        """Ask for the job until it is so."""
        ends = time.monotonic() + seconds
        while not is_so(job):
            assert time.monotonic() < ends, job
            time.sleep(0.02)
            job = self.client.job(job.id)
        return job

    def ended(self, job: Job) -> Job:
        return self.until(job, lambda job: job.is_final)

    def worker(self, module: str = "server.jobs.worker") -> int:
        """Process id of the worker, or of another process of the server's."""
        ends = time.monotonic() + 10
        while time.monotonic() < ends:
            command = ["ps", "--ppid", str(self.process.pid), "-o", "pid=,args="]
            for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines():
                if module in line:
                    return int(line.split()[0])
            time.sleep(0.05)
        raise AssertionError("no worker")


def start_server(folder: Path, **settings: Any) -> Server:
    """Start a server and wait until it answers."""
    asked = json.dumps({"folder": str(folder), **settings})
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.server.launch", asked],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the server ended with {process.wait()}"
    url = json.loads(line)["url"]
    token = read_token(folder)
    assert token
    return Server(process, url, folder, Client(url, token))


@contextmanager
def cutting_proxy(server: Server, cuts: list[int]) -> Iterator[tuple[str, list[int]]]:
    """A way to the server that breaks a connection after as many bytes of answer as ``cuts`` says first.

    Answers too short to be cut pass, and so does everything once ``cuts`` is empty.
    """
    address = httpx.URL(server.url)
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(client: socket.socket) -> None:
        with client, socket.create_connection((address.host, address.port or 0)) as upstream:
            passed = 0
            while True:
                for ready in select.select([client, upstream], [], [])[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    if ready is client:
                        upstream.sendall(data)
                        continue
                    passed += len(data)
                    if cuts and passed > cuts[0]:
                        cuts.pop(0)
                        return
                    client.sendall(data)

    def serve() -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                client = listener.accept()[0]
                threading.Thread(target=carry, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", cuts
    finally:
        listener.close()


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start(folder=None, **settings)``: servers that are ended after the test."""
    servers: list[Server] = []

    def started(folder: Path | None = None, **settings: Any) -> Server:
        servers.append(start_server(folder or tmp_path / "server", **settings))
        return servers[-1]

    yield started
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that tests share: they must leave nothing running there."""
    with tempfile.TemporaryDirectory() as folder:
        shared = start_server(
            Path(folder),
            most_image_bytes=1_000_000,
            most_queued=30,
            heartbeat_seconds=0.5,
            header_seconds=1.0,
        )
        yield shared
        shared.stop()


def zip_of(**members: bytes) -> bytes:
    """A zip of these members; an underscore in a name stands for a dot."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return stream.getvalue()
