"""The worker against real servers, good and bad."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from blender_addon.client import messages as say
from blender_addon.client.keys_job import MakeKeys
from blender_addon.client.rig_job import BuildRig, RigReady
from blender_addon.client.worker import Worker
from blender_addon.rig_file import read_rig
from tests.blender_addon.client.lines import Client, Line


def test_photos_become_a_rig(client: Client, portrait: Path) -> None:
    """Start, send, follow, fetch, stop."""
    client.wait_for_state("stopped")
    client.start_server()
    client.build(portrait)
    ready = client.wait_for(RigReady, 120)
    assert read_rig(ready.path).rig_id == ready.rig
    assert any("pixels apart" in message for _, message in ready.warnings)
    progress = [report for report in client.heard if isinstance(report, say.Progress)]
    fractions = [report.fraction for report in progress]
    assert fractions == sorted(fractions) and {"send", "texture", "fetch"} <= {r.stage for r in progress}
    models = next(report for report in client.heard if isinstance(report, say.Models))
    assert models.models[0][0] == "anny"
    client.worker.post(say.StopServer())
    client.wait_for_state("stopped")
    assert not (client.folder / "server.json").exists()


def test_an_error_of_the_job_arrives_whole(client: Client, tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), (90, 120, 150)).save(tmp_path / "sky.png")
    client.start_server()
    client.build(tmp_path / "sky.png")
    ended = client.wait_for(say.JobEnded)
    assert ended.code == "no_face_found" and "sky.png" in ended.message
    client.build(tmp_path / "absent.png")
    ended = client.wait_for(say.JobEnded)
    assert ended.code == "unreadable_media" and "absent.png" in ended.message
    (tmp_path / "text.png").write_text("no picture")
    client.build(tmp_path / "text.png")
    assert client.wait_for(say.JobEnded).code == "unsupported_media"


def test_a_killed_server_costs_nothing_but_time(client: Client, portrait: Path) -> None:
    client.start_server()
    client.build(portrait)
    client.wait_for(say.JobAccepted)
    client.wait(lambda report: isinstance(report, say.Progress) and report.stage == "surface")
    client.kill_server()
    note = client.wait(lambda report: isinstance(report, say.Progress) and report.note != "")
    assert note.fraction > 0
    client.wait_for_state("stopped")
    client.start_server()
    assert read_rig(client.wait_for(RigReady, 120).path).name == "Anna"


def test_cancelling(client: Client, portrait: Path) -> None:
    client.start_server()
    client.build(portrait)
    job = client.wait_for(say.JobAccepted).job
    client.worker.post(say.CancelJob("anna", job))
    assert client.wait_for(say.JobEnded, 30).code == "cancelled"


def test_a_job_that_the_server_does_not_know(client: Client) -> None:
    client.start_server()
    client.worker.post(BuildRig("anna", (), {}, "", job="0" * 32))
    ended = client.wait_for(say.JobEnded, 10)
    assert ended.code == "job_lost" and "again" in ended.hint


def test_cut_lines_are_mended(client: Client, line: Line, tmp_path: Path, portrait: Path) -> None:
    """Uploads are sent again, downloads go on where they stopped."""
    line.cuts += [("POST /v1/files", 4000, None)]
    client.build(portrait)
    client.wait(lambda report: isinstance(report, say.Progress) and report.note != "")
    client.wait_for(say.JobAccepted)
    client.wait(lambda report: isinstance(report, say.Progress) and report.stage == "texture", 90)
    line.cuts += [("GET /v1/files", None, 200_000)] * 3
    ready = client.wait_for(RigReady, 90)
    assert read_rig(ready.path).name == "Anna" and line.cuts == []


def test_events_that_are_kept_back_are_asked_for(client: Client, line: Line, portrait: Path) -> None:
    line.silent = "/events"
    client.build(portrait)
    assert read_rig(client.wait_for(RigReady, 120).path).name == "Anna"
    stages = {report.stage for report in client.heard if isinstance(report, say.Progress)}
    assert len(stages - {"send", "fetch"}) > 1


def test_a_wrong_token(client: Client, line: Line, portrait: Path) -> None:
    client.worker.post(say.UseServer(say.RemoteServer(line.url, "wrong")))
    state = client.wait_for_state("wrong")
    assert state.code == "unauthorized" and state.hint
    client.build(portrait)
    assert client.wait_for(say.JobEnded).code == "unauthorized"
    # A job in work waits until the token is mended.
    client.worker.post(BuildRig("ben", (), {}, "", job="0" * 32))
    assert client.wait(lambda report: isinstance(report, say.Progress) and report.owner == "ben").note


@pytest.mark.parametrize("token", ["two\nlines", "\u00fcmlaut"])
def test_a_token_that_cannot_be_sent(client: Client, token: str) -> None:
    client.worker.post(say.UseServer(say.RemoteServer("http://127.0.0.1:9", token)))
    assert client.wait_for_state("wrong", 10).code == "unauthorized"


def test_an_offline_blender_asks_nobody(client: Client) -> None:
    client.worker.post(say.UseServer(None))
    state = client.wait_for_state("offline")
    assert "Allow Online Access" in state.hint


@pytest.fixture
def impostor() -> Iterator[Any]:
    """A server that answers every question with ``server.answer``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self.server.answer  # type: ignore[attr-defined]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((200, {"status": "ready", "api_version": 2}), "wrong_version", "Update the Semblance add-on"),
        ((200, {"status": "ready", "api_version": 0}), "wrong_version", "Update the server"),
        ((200, {"hello": 1}), "wrong_version", "Update the server"),
        ((200, []), "not_semblance", "address"),
        ((404, {"detail": "Not Found"}), "not_semblance", "address"),
        ((503, {"error": {"code": "error", "message": "Down.", "hint": "Wait."}}), "error", "Wait."),
    ],
)
def test_servers_that_do_not_fit(client: Client, impostor: Any, answer: Any, code: str, words: str) -> None:
    impostor.answer = (answer[0], json.dumps(answer[1]).encode())
    client.worker.post(say.UseServer(say.RemoteServer(impostor.url, "token")))
    state = client.wait_for_state("wrong", 10)
    assert state.code == code and words in state.hint


@pytest.mark.parametrize("url", ["", "heads.example.org", "ftp://x", "http://", "http://host:port"])
def test_addresses_that_are_none(client: Client, url: str) -> None:
    client.worker.post(say.UseServer(say.RemoteServer(url, "token")))
    assert client.wait_for_state("wrong", 10).code in ("no_address", "bad_address")


def test_a_python_without_semblance(client: Client, tmp_path: Path) -> None:
    client.worker.post(say.StartServer(client.folder, str(tmp_path), 0, True))
    state = client.wait(lambda report: getattr(report, "code", "") == "no_python", 20)
    assert state.state == "stopped" and str(tmp_path) in state.message
    assert client.wait_for(say.Notice, 20).is_error


def test_stopping_does_not_wait_for_a_server_that_hangs(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        worker = Worker(tmp_path)
        worker.post(say.UseServer(say.RemoteServer(f"http://127.0.0.1:{silent.getsockname()[1]}", "token")))
        time.sleep(0.3)  # it now waits for an answer
        started = time.monotonic()
        worker.stop()
        assert time.monotonic() - started < 3
    assert worker.reports.take() is None


def test_a_request_that_nobody_knows_does_not_end_the_thread(client: Client) -> None:
    client.wait_for_state("stopped")
    client.worker.post(object())
    assert client.wait_for(say.Notice, 10).is_error
    client.worker.post(say.UseServer(None))
    client.wait_for_state("offline", 10)


def test_a_file_written_for_one_job_goes_when_it_is_refused(
    client: Client, impostor: Any, tmp_path: Path
) -> None:
    impostor.answer = (404, b"{}")
    mesh = tmp_path / "mesh.npz"
    mesh.write_bytes(b"vertices")
    client.worker.post(say.UseServer(say.RemoteServer(impostor.url, "token")))
    client.worker.post(MakeKeys("figure", mesh, "rig", {}, "key"))
    assert client.wait_for(say.JobEnded, 20).owner == "figure" and not mesh.exists()


def test_an_unchanged_server_is_reported_once(client: Client) -> None:
    client.wait_for_state("stopped")
    with pytest.raises(TimeoutError):
        client.wait_for(say.ServerState, 3)


def test_the_download_is_what_the_server_has(client: Client, portrait: Path) -> None:
    client.start_server()
    client.build(portrait)
    ready = client.wait_for(RigReady, 120)
    stored = {hashlib.sha256(f.read_bytes()).digest() for f in client.folder.rglob("*") if f.is_file()}
    assert hashlib.sha256(ready.path.read_bytes()).digest() in stored
    assert [f.name for f in ready.path.parent.iterdir()] == [ready.path.name]
