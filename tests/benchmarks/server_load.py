"""The server under load.

    python -m tests.benchmarks.server_load

Seconds until it answers; 200 jobs of 20 clients at a time, with 200 half requests held open beside them (a
"slow loris"); 1,000 event streams that are dropped and taken up again; and its memory after each. What is
lost is counted. The jobs are plays of 20 ms, so that the figures are the server's own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import httpx

from server.client import Client
from tests.server.conftest import Server, start_server

CLIENTS: Final = 20
JOBS: Final = 200
STREAMS: Final = 1000
LORIS: Final = 200


def main() -> None:
    """Print the figures."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        starts = [_seconds_to_ready(Path(folder) / f"start-{number}") for number in range(5)]
        print(f"ready after {median(starts):.2f} s (median of 5, slowest {max(starts):.2f} s)")
        server = start_server(Path(folder) / "server", heartbeat_seconds=1.0, header_seconds=60.0)
        try:
            _load(server)
        finally:
            server.stop()


def _seconds_to_ready(folder: Path) -> float:
    began = time.perf_counter()
    server = start_server(folder, real=True)
    server.client.health()
    seconds = time.perf_counter() - began
    server.stop()
    return seconds


def _load(server: Server) -> None:
    _jobs(server, "warm-up", 2 * CLIENTS)
    memory = [_memory(server)]
    print(f"memory after the warm-up: {memory[0]:.1f} MB")
    for turn in (1, 2):
        _jobs(server, f"{JOBS} jobs, round {turn}", JOBS)
        memory.append(_memory(server))
    with _slow_loris(server):
        _jobs(server, f"{JOBS} jobs beside {LORIS} half requests", JOBS)
    memory.append(_memory(server))
    for turn in (1, 2):
        _streams(server, turn)
        memory.append(_memory(server))
    print("memory after each round:", ", ".join(f"{megabytes:.1f}" for megabytes in memory[1:]), "MB")


def _jobs(server: Server, name: str, count: int) -> None:
    """Submit, follow and fetch from all clients at once; everything must come back, whole and once."""
    submits: list[float] = []
    began = time.perf_counter()

    def work(client_number: int) -> list[str]:
        with Client(server.url, server.token) as client:
            jobs = []
            for _ in range(count // CLIENTS):
                asked = time.perf_counter()
                jobs.append(client.submit("play", options={"seconds": 0.02, "size": 20_000}))
                submits.append(time.perf_counter() - asked)
            whole = []
            for job in jobs:
                done = client.wait(job.id)
                content = server.http.get(f"/v1/files/{done.results[0].file}").content
                if hashlib.sha256(content).hexdigest() == done.results[0].sha256:
                    whole.append(job.id)
                client.delete_job(job.id)
            return whole

    whole = _at_once(work)
    seconds = time.perf_counter() - began
    print(
        f"{name}: {len(set(whole))} of {count} whole, {count - len(set(whole))} lost, {seconds:.1f} s; "
        f"submit {1e3 * median(submits):.0f} ms (99%: {1e3 * quantiles(submits, n=100)[98]:.0f} ms)"
    )


def _at_once(work: Callable[[int], list[Any]]) -> list[Any]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [found for part in pool.map(work, range(CLIENTS)) for found in part]


def _streams(server: Server, turn: int) -> None:
    """Follow one job, dropping the stream after each event; no event may come twice, the end must come."""
    job = server.play(seconds=12)
    began = time.perf_counter()
    reconnects = 0
    lock = threading.Lock()

    def follow(client_number: int) -> list[tuple[list[int], str]]:
        nonlocal reconnects
        seen, state = [0], ""
        with server.http as client:
            while state != "done":
                headers = {"Last-Event-ID": str(seen[-1])}
                with client.stream("GET", f"/v1/jobs/{job.id}/events", headers=headers) as response:
                    for line in response.iter_lines():
                        if line.startswith("id: "):
                            seen.append(int(line[4:]))
                        elif line.startswith("data: "):
                            state = json.loads(line[6:])["state"]
                            break
                with lock:
                    reconnects += 1
                if reconnects > STREAMS and state != "done":
                    server.client.cancel(job.id)
                    state = "done"
            return [(seen, state)]

    followed = _at_once(follow)
    server.ended(job)
    server.client.delete_job(job.id)
    repeated = sum(len(seen) - len(set(seen)) for seen, _ in followed)
    backwards = sum(later <= sooner for seen, _ in followed for sooner, later in pairwise(seen))
    seconds = time.perf_counter() - began
    print(
        f"{reconnects} event streams of {CLIENTS} clients, round {turn}: {seconds:.1f} s, "
        f"{repeated} events twice, {backwards} out of order, {len(followed)} of {CLIENTS} clients served"
    )


@contextmanager
def _slow_loris(server: Server) -> Iterator[None]:
    """Half requests, of which a byte comes now and then."""
    address = httpx.URL(server.url)
    held = [socket.create_connection((address.host, address.port or 0)) for _ in range(LORIS)]
    ends = threading.Event()

    def dribble() -> None:
        while not ends.wait(0.5):
            for connection in held:
                connection.send(b"x")

    for connection in held:
        connection.send(b"GET /v1/health HTTP/1.1\r\nX-Slow: ")
    thread = threading.Thread(target=dribble)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
        for connection in held:
            connection.close()


def _memory(server: Server) -> float:
    """Megabytes of the server itself, without its worker."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1e3


if __name__ == "__main__":
    main()
