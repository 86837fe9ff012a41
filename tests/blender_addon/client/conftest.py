"""A worker, a real server, and a line between them that can be cut."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_addon.client import messages as say
from blender_addon.client.worker import Worker
from tests.blender_addon.client.lines import Client, Line
from tests.blenders import ROOT


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A worker that looks for a local server; whatever server was started ends with the test."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    folder = tmp_path / "server"
    client = Client(Worker(tmp_path / "rigs"), folder)
    client.worker.post(say.UseServer(say.LocalServer(folder)))
    yield client
    client.worker.post(say.UseServer(say.LocalServer(folder)))
    client.worker.post(say.StopServer())
    deadline = time.monotonic() + 10
    while (folder / "server.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert client.worker.stop()


@pytest.fixture
def line(client: Client) -> Iterator[Line]:
    """A line to the running server, used as a remote one."""
    client.start_server()
    url = json.loads((client.folder / "server.json").read_text())["url"]
    line = Line(int(url.rpartition(":")[2]))
    client.worker.post(say.UseServer(say.RemoteServer(line.url, (client.folder / "token").read_text())))
    client.wait(lambda report: isinstance(report, say.ServerState) and report.url == line.url)
    yield line
    line.close()
