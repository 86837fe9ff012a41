"""The WebSocket client: against uvicorn over real sockets, and byte by byte."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from hypothesis import given
from hypothesis import strategies as st
from websockets.sync.server import ServerConnection, serve

from blender_addon.client import live_messages as say
from blender_addon.client import websocket
from blender_addon.client.errors import Fault, Unreachable
from blender_addon.client.http import Address
from blender_addon.client.live import LiveListener
from blender_addon.client.websocket import BadMessage, Closed, MessageParser, frame, masked
from server.folder import read_token
from server.live.serving import LiveServer
from server.serving import listen

HELLO = {"type": "hello", "api_version": 1, "names": ["jawOpen"], "source": "x", "fps": 30.0, "rig": None}
PATH = "/v1/live/frames"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path / "server", HELLO) as server:
        yield server


def address_of(server: LiveServer, token: str = "", url: str = "") -> Address:
    return Address(url or server.url, token or (read_token(server._folder) or ""))


@pytest.fixture
def app() -> Iterator[Callable[..., Address]]:
    """``app(endpoint)``: a uvicorn that serves it at ``/``."""
    with_listeners: list[Any] = []

    def started(endpoint: Callable[[WebSocket], Any]) -> Address:
        api = FastAPI()
        api.websocket("/")(endpoint)
        context = listen("127.0.0.1", 0)
        socket = context.__enter__()
        server = uvicorn.Server(
            uvicorn.Config(
                api, ws="websockets-sansio", ws_ping_interval=0.05, ws_ping_timeout=0.4, ws_max_size=2000,
                ws_per_message_deflate=False, log_config=None, timeout_graceful_shutdown=1,
            )
        )  # fmt: skip
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        with_listeners.append((server, thread, context))
        return Address(f"http://127.0.0.1:{socket.getsockname()[1]}", "x")

    yield started
    for server, thread, context in with_listeners:
        server.should_exit = True
        thread.join(5)
        context.__exit__(None, None, None)


def open_line(address: Address, path: str = "/", **options: Any) -> websocket.WebSocket:
    return websocket.WebSocket(address, path, **options)


def received(line: websocket.WebSocket, seconds: float = 5.0) -> str:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if (text := line.receive(0.1)) is not None:
            assert isinstance(text, str)
            return text
    raise TimeoutError


def test_it_listens_to_a_live_session(live: LiveServer) -> None:
    line = open_line(address_of(live), PATH)
    assert json.loads(received(line)) == HELLO
    live.publish({"type": "frame", "number": 1})
    assert json.loads(received(line))["number"] == 1
    line.send(json.dumps({"type": "map", "meshes": {"face": ["jawOpen", "blush"]}}))
    mapping = json.loads(received(line))
    assert list(mapping["preset"]["channels"]) == ["jawOpen"] and "blush" in mapping["warnings"][0]
    line.close()


def test_refusals_come_in_the_servers_words(live: LiveServer) -> None:
    with pytest.raises(Fault, match="token") as caught:
        open_line(address_of(live, token="wrong"), PATH)
    assert caught.value.code == "unauthorized" and caught.value.hint
    with pytest.raises(Fault):
        open_line(address_of(live), "/v1/live")  # no WebSocket there
    with pytest.raises(Unreachable):
        open_line(Address("http://127.0.0.1:9", "x"), PATH)


def test_the_hosts_name_is_what_the_address_says(live: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "_bracketed", lambda host: "evil.example")
    with pytest.raises(Fault) as caught:
        open_line(address_of(live), PATH)
    assert caught.value.code == "forbidden_host"


def test_pings_are_answered_both_ways(app: Callable[..., Address]) -> None:
    """The server hangs up on a client that leaves its pings without an answer for 0.4 seconds."""

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        await asyncio.sleep(1.0)
        await socket.send_text("still there")
        await socket.receive_text()

    line = open_line(app(endpoint))
    line.ping(b"hello")
    assert received(line) == "still there"
    line.close()


def test_large_messages_and_any_text_pass(app: Callable[..., Address]) -> None:
    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(100 * await socket.receive_text())

    line = open_line(app(endpoint))
    for text in ("", "x", "ä€𝄞" * 20, "x" * 1500):  # lengths of one, two and eight bytes
        line.send(text)
        assert received(line) == 100 * text
    with pytest.raises(Closed) as caught:  # more than this server takes
        line.send("x" * 3000)
        received(line)
    assert caught.value.number == 1009


def test_a_message_that_is_too_large_closes_the_line(app: Callable[..., Address]) -> None:
    codes: list[int] = []

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("x" * 5000)
        codes.append((await socket.receive())["code"])

    line = open_line(app(endpoint), most=4096)
    with pytest.raises(BadMessage, match="4 KiB") as caught:
        received(line)
    assert caught.value.number == 1009
    ends = time.monotonic() + 5
    while not codes and time.monotonic() < ends:
        time.sleep(0.01)
    assert codes == [1009]


@pytest.mark.parametrize("error", [BadMessage, Closed])
def test_what_comes_with_the_handshake_waits_until_asked_for(error: type[Exception]) -> None:
    """A message that is too large, or a goodbye, in one piece with the server's head."""
    sent = served(1, b"x" * 5000) if error is BadMessage else served(8, b"")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            asked = connection.recv(65536).decode()
            key = asked.split("Sec-WebSocket-Key: ")[1].split("\r\n")[0]
            proof = base64.b64encode(hashlib.sha1((key + websocket._GUID).encode()).digest()).decode()
            head = f"HTTP/1.1 101 Welcome\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {proof}\r\n\r\n"
            connection.sendall(head.encode() + sent)
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        line = open_line(Address(f"http://127.0.0.1:{listener.getsockname()[1]}", "x"), most=4096)
        with pytest.raises(error):
            received(line)
        thread.join(5)


def test_closing_is_told_with_its_code(app: Callable[..., Address]) -> None:
    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close(4001, "enough")

    with pytest.raises(Closed, match="enough") as caught:
        received(open_line(app(endpoint)))
    assert caught.value.number == 4001


def test_bytes_are_no_text(app: Callable[..., Address]) -> None:
    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_bytes(b"abc")
        await socket.receive()

    with pytest.raises(BadMessage) as caught:
        received(open_line(app(endpoint)))
    assert caught.value.number == 1003


def test_bytes_come_to_those_who_ask_for_them(app: Callable[..., Address]) -> None:
    async def sends_both(line: WebSocket) -> None:
        await line.accept()
        await line.send_bytes(bytes(range(256)) * 4000)
        await line.send_text("text")
        await line.receive_text()

    line = open_line(app(sends_both), binary=True)
    found: list[str | bytes] = []
    ends = time.monotonic() + 5
    while len(found) < 2 and time.monotonic() < ends:
        if (message := line.receive(0.1)) is not None:
            found.append(message)
    assert found == [bytes(range(256)) * 4000, "text"]
    line.close()


def test_messages_in_pieces_are_put_together() -> None:
    def pieces(connection: ServerConnection) -> None:
        connection.send(iter(["one ", "two ", "three"]))
        connection.recv()

    with serve(pieces, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        line = open_line(Address(f"http://127.0.0.1:{server.socket.getsockname()[1]}", "x"))
        assert received(line) == "one two three"
        line.send("done")
        line.close()
        server.shutdown()


def served(opcode: int, payload: bytes, last: bool = True) -> bytes:
    """A frame as servers send it, without a mask."""
    size = len(payload)
    length = (
        bytes([size]) if size < 126
        else struct.pack("!BH", 126, size) if size < 65536
        else struct.pack("!BQ", 127, size)
    )  # fmt: skip
    return bytes([(0x80 if last else 0) | opcode]) + length + payload


@given(st.lists(st.binary(max_size=300), max_size=5), st.data())
def test_the_parser_does_not_care_how_bytes_are_cut(messages: list[bytes], data: st.DataObject) -> None:
    stream = b""
    for message in messages:
        at = data.draw(st.integers(0, len(message)))
        stream += served(1, message[:at], last=False) + served(9, b"ping") + served(0, message[at:])
    parser, found, rest = MessageParser(), [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += parser.feed(rest[:size])
        rest = rest[size:]
    assert [payload for opcode, payload in found if opcode == 1] == messages
    assert [payload for opcode, payload in found if opcode == 9] == [b"ping"] * len(messages)


@pytest.mark.parametrize(
    ("content", "number"),
    [
        pytest.param(b"\xc1\x00", 1002, id="a reserved bit"),
        pytest.param(b"\x83\x00", 1002, id="an opcode that does not exist"),
        pytest.param(frame(1, b"x"), 1002, id="masked, which servers must not"),
        pytest.param(served(9, b"x", last=False), 1002, id="a ping in pieces"),
        pytest.param(b"\x89\x7e\x00\x7e" + bytes(126), 1002, id="a ping that is too long"),
        pytest.param(served(0, b"x"), 1002, id="a continuation of nothing"),
        pytest.param(served(1, b"x", last=False) + served(1, b"y"), 1002, id="a message within another"),
        pytest.param(b"\x81\x7f" + struct.pack("!Q", 1 << 40), 1009, id="too long a frame"),
        pytest.param(
            served(1, bytes(3000), last=False) + served(0, bytes(3000)), 1009, id="too long in parts"
        ),
    ],
)
def test_what_breaks_the_protocol_is_refused(content: bytes, number: int) -> None:
    with pytest.raises(BadMessage) as caught:
        MessageParser(4096).feed(content)
    assert caught.value.number == number


@given(st.binary(max_size=100), st.binary(min_size=4, max_size=4))
def test_masks_come_off_again(payload: bytes, mask: bytes) -> None:
    assert masked(masked(payload, mask), mask) == payload
    assert masked(payload, mask) == bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


@pytest.mark.parametrize(
    ("hello", "messages", "code"),
    [
        ({**HELLO, "api_version": 99}, [], "wrong_version"),
        ({"type": "hello"}, [], "damaged"),
        (HELLO, [{"type": "frame", "coefficients": [1, 2]}], "damaged"),
        (HELLO, [{"type": "error", "code": "camera_unavailable", "message": "Gone.", "hint": ""}],
         "camera_unavailable"),
    ],
)  # fmt: skip
def test_the_listener_says_what_is_wrong(
    tmp_path: Path, hello: dict[str, Any], messages: list[dict[str, Any]], code: str
) -> None:
    with LiveServer(tmp_path, hello) as server:
        listener = LiveListener(say.StartLive("take", tmp_path, "", ""))
        ended = None
        deadline = time.monotonic() + 10
        while not isinstance(ended, say.LiveEnded) and time.monotonic() < deadline:
            ended = listener.reports.take()
            for message in messages:
                server.publish(message)
            time.sleep(0.02)
        assert isinstance(ended, say.LiveEnded) and ended.code == code and ended.message
        assert listener.join()


def test_the_listener_ends_with_the_session_and_on_request(tmp_path: Path) -> None:
    with LiveServer(tmp_path, HELLO) as server:
        first, second = (LiveListener(say.StartLive("take", tmp_path, "", "")) for _ in range(2))
        number = 0
        while not (first.frames and second.frames):
            number += 1
            head = {"rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "translation": [0, 0, 0]}
            server.publish({"type": "frame", "number": number, "time": 0.1, "found": True, "head": head,
                            "coefficients": [0.5], "gaze": [[0, 0], [0, 0]]})  # fmt: skip
            time.sleep(0.02)
        assert first.frames.take().coefficients.tolist() == [0.5]
        first.stop()
        assert first.join()
    assert second.join()
    last = None
    while (report := second.reports.take()) is not None:
        last = report
    assert last == say.LiveEnded()
