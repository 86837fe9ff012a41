"""Who may call the server, and from where."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from core.errors import BadInput
from server.cli.app import app
from server.client import Client
from server.errors import ForbiddenHost, Unauthorized
from tests.server.conftest import Server

PATHS = ("/v1/health", "/v1/jobs", "/v1/openapi.json", "/v1/metrics", "/nowhere")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic {token}", "Bearer {token}x", "{token}"]
)
def test_every_path_wants_the_token(server: Server, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.format(token=server.token)}
    answer = httpx.get(server.url + path, headers=headers)
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    told = answer.json()["error"]
    assert told["code"] == "unauthorized" and "token" in told["hint"] and server.token not in answer.text


def test_the_client_says_so_too(server: Server) -> None:
    with Client(server.url, "wrong") as client, pytest.raises(Unauthorized):
        client.health()
    with pytest.raises(Unauthorized):
        Client(server.url, "wröng")
    with pytest.raises(BadInput):
        Client("ftp://127.0.0.1", "x")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.0.7", "[::2]", ""]
)
def test_a_rebound_name_is_refused(server: Server, host: str) -> None:
    answer = server.http.get("/v1/health", headers={"Host": host})
    assert answer.status_code == 403 and answer.json()["error"]["code"] == "forbidden_host"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:{port}", "LOCALHOST", "[::1]:{port}"])
def test_the_machines_own_names_are_taken(server: Server, host: str) -> None:
    port = httpx.URL(server.url).port
    assert server.http.get("/v1/health", headers={"Host": host.format(port=port)}).status_code == 200


def test_web_pages_are_refused(server: Server) -> None:
    for origin in ("https://evil.example", "null", server.url):
        answer = server.http.get("/v1/health", headers={"Origin": origin})
        assert answer.status_code == 403 and answer.json()["error"]["code"] == ForbiddenHost.code
        assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = httpx.options(
        f"{server.url}/v1/jobs",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert asked.status_code == 403 and "access-control-allow-origin" not in asked.headers


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps permissions otherwise")
def test_what_is_secret_is_its_owners_alone(server: Server) -> None:
    for name in ("token", "server.json", "server.log", "jobs.sqlite3"):
        assert stat.S_IMODE((server.folder / name).stat().st_mode) == 0o600
    assert len(server.token) >= 40


def test_the_token_is_in_no_log(server: Server) -> None:
    server.client.health()
    log = (server.folder / "server.log").read_text()
    assert '"path": "/v1/health"' in log and server.token not in log


def test_listening_for_others_needs_a_flag(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["serve", "--host", "0.0.0.0", "--folder", str(tmp_path / "server")])
    assert refused.exit_code == 2 and "--allow-remote" in refused.stderr
    assert not (tmp_path / "server").exists()
