"""Commands with ``--server``: the same files, messages and exit codes as without."""

from __future__ import annotations

import http.server
import json
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.rig import load_rig, save_rig
from tests.blenders import blenders
from tests.rigs import make_rig
from tests.server.cli.conftest import Run, events, start, wait_for_line
from tests.server.conftest import Server, start_server

DRAFT = ("--quality", "draft")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that does the real work."""
    server = start_server(tmp_path_factory.mktemp("real") / "server", real=True)
    yield server
    server.stop()


@pytest.fixture
def there(real: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    """The options that send the work there; afterwards nothing may have stayed."""
    monkeypatch.setenv("SEMBLANCE_SERVER", str(real.folder))
    yield ("--server", real.url)
    assert real.client.jobs() == [] and real.client.rigs() == []
    assert list((real.folder / "files").iterdir()) == []


def test_a_photo_becomes_a_rig_and_a_sheet(
    run: Run, there: tuple[str, ...], portrait: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "Ünï.png").write_bytes(portrait.read_bytes())
    (tmp_path / "photos" / "damaged.png").write_text("not a photo")
    asked = ("rig", "photos", "-o", "head.semrig", "--focal", "85", "--sheet", "head.png")
    done = run(*asked, *DRAFT, *there)
    assert done.exit_code == 0, done.output
    assert "lens, as 35 mm equivalent: 85 mm, as given" in done.stderr
    assert "head.semrig" in done.stdout and "in all" in done.stdout
    assert "rig: photos" in done.stderr and "sheet: views" in done.stderr
    assert "warning: A photo was left out: photos/damaged.png" in done.stderr
    rig = load_rig(tmp_path / "head.semrig")
    assert rig.name == "photos" and [photo.file for photo in rig.photos] == ["Ünï.png"]
    assert any(line.startswith("warning: Ünï.png: ") for line in done.stderr.splitlines())
    assert [origin["file"] for origin in rig.provenance["photos"]] == ["Ünï.png"]
    assert Image.open(tmp_path / "head.png").width > 1000
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "head.semrig", "head.png"}


def _prepare(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    (folder / "empty.png").touch()
    (folder / "taken.semrig").write_text("mine")
    (folder / "damaged.semrig").write_text("not a rig")


@pytest.mark.parametrize(
    "command",
    [("rig", "noise.png"), ("rig", "empty.png"), ("rig", "absent.png"),
     ("rig", "noise.png", "--model", "nobody"),
     ("rig", "noise.png", "--texture-size", "1000"), ("rig", "noise.png", "--focal", "wide"),
     ("rig", "noise.png", "-o", "taken.semrig"),
     ("rig", *["noise.png"] * 21), ("sheet", "damaged.semrig"), ("blend", "absent.semrig"),
     ("export", "taken.semrig", "-o", "x.fbx")],
    ids=" ".join,
)  # fmt: skip
def test_errors_have_the_same_code_here_and_there(
    run: Run, there: tuple[str, ...], tmp_path: Path, command: tuple[str, ...]
) -> None:
    _prepare(tmp_path)
    here, remote = run(*command, "--json"), run(*command, *there, "--json")
    assert here.exit_code == remote.exit_code != 0, remote.output
    told, told_there = events(here)[-1], events(remote)[-1]
    assert told["code"] == told_there["code"] and told_there["message"] and told_there["hint"]
    assert "/files/" not in told_there["message"]
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.skipif(sys.executable not in blenders(), reason="bpy is not installed: pip install '.[blender]'")
def test_a_rig_becomes_files_for_other_programs(run: Run, there: tuple[str, ...], tmp_path: Path) -> None:
    save_rig(make_rig("Anna"), tmp_path / "a.semrig")
    for command, target in (("blend", "a.blend"), ("export", "a.glb"), ("export", "b.obj")):
        done = run(command, "a.semrig", "-o", target, *there, "--json")
        assert done.exit_code == 0 and events(done)[-1]["written"] == [target], done.output
    assert (tmp_path / "a.glb").read_bytes()[:4] == b"glTF"
    companion = next(line for line in (tmp_path / "b.obj").read_text().splitlines() if "mtllib" in line)
    assert (tmp_path / companion.split()[1]).is_file()


def test_a_rig_that_the_server_has_already_stays_there(run: Run, real: Server, tmp_path: Path) -> None:
    save_rig(make_rig("Anna"), tmp_path / "a.semrig")
    rig, _ = real.client.add_rig(real.client.upload(tmp_path / "a.semrig").id)
    done = run("sheet", "a.semrig", "--server", real.url, "--token", real.token)
    assert done.exit_code == 0, done.output
    assert [found.id for found in real.client.rigs()] == [rig.id]
    real.client.delete_rig(rig.id)


def test_ctrl_c_cancels_the_job_there(real: Server, portrait: Path, tmp_path: Path) -> None:
    command = start(tmp_path, "rig", portrait, "--server", real.url, "--token", real.token)
    wait_for_line(command, "rig: ")
    (job,) = real.client.jobs()
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=30)
    assert command.returncode == 130 and said.splitlines()[-1] == "Cancelled."
    assert real.client.jobs() == [] and list((real.folder / "files").iterdir()) == []
    assert f'"job": "{job.id}", "state": "cancelled"' in (real.folder / "server.log").read_text()
    assert list(tmp_path.iterdir()) == []


def test_servers_that_cannot_be_used(run: Run, real: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEMBLANCE_TOKEN", raising=False)
    monkeypatch.setenv("SEMBLANCE_SERVER", str(real.folder / "nothing"))
    _prepare(Path.cwd())
    for server, token, exit_code in (
        ("http://127.0.0.1:9", "x", 12),
        ("nowhere", "x", 2),
        (real.url, "wrong", 13),
        (real.url, None, 13),
        ("http://semblance.invalid", None, 13),  # this machine's token is not sent elsewhere
    ):
        given = ("--token", token) if token else ()
        assert run("rig", "noise.png", "--server", server, *given).exit_code == exit_code


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"api_version": 2}, "version 2"),
        ({"status": "fine"}, "cannot be understood"),
        ("<html>", "cannot be"),
    ],
)
def test_another_release_and_other_programs_are_told_apart(run: Run, answer: object, told: str) -> None:
    health = dict(status="ready", version="9", pid=1, worker="idle", device="cpu", executor="local", queued=0)
    health["started"] = ""
    body = json.dumps({**health, **answer} if isinstance(answer, dict) else answer).encode()

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        _prepare(Path.cwd())
        url = f"http://127.0.0.1:{other.server_port}"
        done = run("rig", "noise.png", "--server", url, "--token", "x", "--json")
        other.shutdown()
    assert done.exit_code == 12 and told in events(done)[-1]["message"]


def test_the_doctor_knows_the_server(real: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from server.diagnosis import _server

    monkeypatch.setenv("SEMBLANCE_SERVER", str(real.folder))
    assert real.url in _server().text
    monkeypatch.setenv("SEMBLANCE_SERVER", str(tmp_path))
    assert "not running" in _server().text and str(tmp_path) in _server().text
