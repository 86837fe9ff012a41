"""The live session's server: who may listen, and that no listener holds up the tracking."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from core.arkit import ARKIT_NAMES
from core.errors import BadInput, CameraUnavailable
from core.live.frame import LiveFrame
from core.track.livelink import APPLE_ORDER
from server.errors import PortBusy
from server.folder import LIVE_NOTE, read_note, read_token
from server.live.hub import Hub, Listener
from server.live.livelink_out import LiveLinkSender, livelink_packet
from server.live.messages import FrameWriter
from server.live.serving import LiveServer

HELLO = {"type": "hello", "api_version": 1, "names": list(ARKIT_NAMES), "source": "x"}


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path / "server", HELLO) as server:
        yield server


def listen(live: LiveServer, tmp_path: Path, **headers: str) -> ClientConnection:
    token = read_token(tmp_path / "server")
    told = {"Authorization": f"Bearer {token}", **headers}
    told = {name: value for name, value in told.items() if value}
    return connect(live.url.replace("http", "ws") + "/v1/live/frames", additional_headers=told)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "unauthorized"),
        ({"Authorization": "Bearer wrong"}, 401, "unauthorized"),
        ({"Origin": "https://evil.example"}, 403, "forbidden_host"),
        ({"Origin": "null"}, 403, "forbidden_host"),
    ],
)
def test_strangers_are_refused_before_the_handshake(
    live: LiveServer, tmp_path: Path, headers: dict[str, str], status: int, code: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        listen(live, tmp_path, **headers)
    assert caught.value.response.status_code == status
    assert json.loads(caught.value.response.body)["error"]["code"] == code


def test_a_rebound_name_is_refused(live: LiveServer, tmp_path: Path) -> None:
    port = int(live.url.rpartition(":")[2])
    token = read_token(tmp_path / "server")
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(
            f"GET /v1/live/frames HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {token}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 403")


def test_where_it_is_and_how_it_goes(live: LiveServer, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    note = read_note(folder, LIVE_NOTE)
    assert note is not None and note.url == live.url
    assert stat.S_IMODE((folder / LIVE_NOTE).stat().st_mode) == 0o600
    assert httpx.get(live.url + "/v1/live").status_code == 401
    live.publish({"type": "state", "fps": 29.0})
    told = httpx.get(live.url + "/v1/live", headers={"Authorization": f"Bearer {read_token(folder)}"}).json()
    assert told["fps"] == 29.0 and told["source"] == "x"


def test_a_slow_listener_skips_and_nobody_waits(live: LiveServer, tmp_path: Path) -> None:
    with listen(live, tmp_path) as slow, listen(live, tmp_path) as fast:
        assert json.loads(slow.recv()) == json.loads(fast.recv()) == HELLO
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        count, padding = 3000, "x" * 4000
        began, longest, heard = time.perf_counter(), 0.0, 0
        for number in range(count):
            before = time.perf_counter()
            live.publish({"type": "frame", "number": number, "padding": padding})
            longest = max(longest, time.perf_counter() - before)
            if number % 10 == 0:
                heard = json.loads(fast.recv())["number"]
        assert longest < 0.5 and time.perf_counter() - began < 20 and heard > 0
        numbers: list[int] = []
        while not numbers or numbers[-1] < count - 1:
            numbers.append(json.loads(slow.recv(timeout=10))["number"])
        assert numbers == sorted(numbers) and len(numbers) < count  # skipped, in order, up to the newest


def test_requests_that_make_no_sense_end_the_line(live: LiveServer, tmp_path: Path) -> None:
    for request in ("nonsense", "[1]", '{"type": "dance"}', "[" * 10_000, b"\x00"):
        with listen(live, tmp_path) as line:
            line.recv()
            line.send(request)
            with pytest.raises(ConnectionClosed) as caught:
                line.recv(timeout=5)
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1003
    with listen(live, tmp_path) as line:
        line.recv()
        line.send('{"type": "map", "meshes": {"a": 3}}')
        assert json.loads(line.recv(timeout=5))["error"]["code"] == "bad_input"
        with pytest.raises(ConnectionClosed) as caught:  # often before all is sent, sometimes as a reset line
            line.send("x" * (2 << 20))
            line.recv(timeout=5)
        assert caught.value.rcvd is None or caught.value.rcvd.code == 1009
    with listen(live, tmp_path) as line:
        assert json.loads(line.recv(timeout=5))["type"] == "hello"


def test_everyone_hears_how_it_ended(tmp_path: Path) -> None:
    error = CameraUnavailable("The camera is gone.", "Plug it in.")
    for raised, last in ((None, "end"), (error, "error")):
        told: list[Any] = []
        lines = ExitStack()
        try:
            with LiveServer(tmp_path / "server", HELLO) as live:
                line = lines.enter_context(listen(live, tmp_path))
                line.recv()
                if raised:
                    raise raised
        except CameraUnavailable:
            pass
        with lines, pytest.raises(ConnectionClosed):
            while True:
                told.append(json.loads(line.recv(timeout=5)))
        assert told[-1]["type"] == last
        assert not (tmp_path / "server" / LIVE_NOTE).exists()
    assert told[-1]["code"] == "camera_unavailable" and told[-1]["hint"] == "Plug it in."


def test_the_server_stays_until_the_end_is_heard() -> None:
    """uvicorn cuts lines when it shuts down, so it may not before the last message has gone out."""
    hub = Hub("hello")
    hub.wait_until_told(60)  # nobody ever listened
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def joined() -> Listener:
        return hub.join()

    try:
        listener = asyncio.run_coroutine_threadsafe(joined(), loop).result()
        hub.end("bye")
        began = time.perf_counter()
        hub.wait_until_told(0.3)
        assert time.perf_counter() - began > 0.25  # somebody still listens
        loop.call_soon_threadsafe(hub.leave, listener)
        hub.wait_until_told(60)
        assert time.perf_counter() - began < 30
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_taken_port_is_said(live: LiveServer, tmp_path: Path) -> None:
    port = int(live.url.rpartition(":")[2])
    with pytest.raises(PortBusy), LiveServer(tmp_path / "other", HELLO, port):
        pass


def frame(found: bool = True, place: float = 0.0) -> LiveFrame:
    values = np.linspace(0, 1, 52, dtype=np.float32)
    rotation = np.diag([1.0, -1.0, -1.0]).astype(np.float32)
    way = np.array([place, 0, 1], np.float32)
    return LiveFrame(1.25, found, values, rotation, way, np.zeros((2, 2), np.float32), 0.5)


def test_a_frames_head_is_away_from_rest() -> None:
    write = FrameWriter()
    assert write(frame(found=False, place=9.0))["head"]["translation"] == [0, 0, 0]
    first, second = write(frame(place=0.1)), write(frame(place=0.3))
    assert first["head"]["translation"] == [0, 0, 0]
    np.testing.assert_allclose(second["head"]["translation"], [0.2, 0, 0], atol=1e-5)
    np.testing.assert_allclose(second["head"]["rotation"], np.eye(3))
    assert [first["number"], second["number"]] == [2, 3]


def test_live_link_packets_have_the_apps_layout() -> None:
    """Read as the engine's plug-in reads it: names with lengths, the engine's order of the values."""
    packet = livelink_packet(frame(), "DEVICE", "Käthe", 3661.5)
    assert packet[0] == 6
    at, names = 1, []
    for _ in range(2):
        (length,) = struct.unpack_from("!i", packet, at)
        names.append(packet[at + 4 : at + 4 + length].decode())
        at += 4 + length
    assert names == ["DEVICE", "Käthe"]
    number, part, rate, denominator, count = struct.unpack_from("!ifiiB", packet, at)
    assert (number, part, rate, denominator, count) == (219690, 0.0, 60, 1, 61)
    values = struct.unpack_from("!61f", packet, at + 17)
    assert len(packet) == at + 17 + 4 * 61
    by_name = frame().named()
    order = [name for name in APPLE_ORDER if not name.startswith(("jaw", "mouthLeft", "mouthRight"))]
    places = [APPLE_ORDER.index(name) for name in order]
    np.testing.assert_allclose([values[place] for place in places], [by_name[name] for name in order])
    jaw = {14: "jawForward", 15: "jawLeft", 16: "jawRight", 17: "jawOpen"}
    for place, name in {**jaw, 21: "mouthLeft", 22: "mouthRight"}.items():
        assert values[place] == pytest.approx(by_name[name])


def test_live_link_packets_arrive() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as engine:
        engine.bind(("127.0.0.1", 0))
        engine.settimeout(5)
        sender = LiveLinkSender(f"127.0.0.1:{engine.getsockname()[1]}")
        sender(frame())
        assert len(engine.recv(1000)) == 1 + 4 + 36 + 4 + 9 + 16 + 1 + 244
        sender.close()
    for wrong in ("nowhere", "127.0.0.1:x", "127.0.0.1:99999", ""):
        with pytest.raises(BadInput):
            LiveLinkSender(wrong)
