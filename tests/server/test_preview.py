"""A photo that follows states, over a real socket: what the add-on sends is what the server takes."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from blender_addon.client import messages
from blender_addon.client import preview_messages as say
from blender_addon.client.preview import PreviewLine
from core.arkit import ARKIT_NAMES
from core.rig import save_rig
from tests.rigs import make_rig, photographed_rig
from tests.server.conftest import Server, Start

SIZE = 256


@pytest.fixture(scope="module")
def rigs(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Ids of rigs at the server: with a copy of its photo, and without."""
    folder, ids = tmp_path_factory.mktemp("rigs"), {}
    bare = make_rig(previews={}, provenance={})
    for name, rig in (("kept", photographed_rig()), ("bare", bare)):
        save_rig(rig, folder / f"{name}.semrig")
        with server.http as http:
            content = (folder / f"{name}.semrig").read_bytes()
            file = http.post("/v1/files", content=content, headers={"X-Filename": "a.semrig"}).json()
            ids[name] = http.post("/v1/rigs", json={"file": file["id"]}).json()["id"]
    yield ids
    with server.http as http:
        for rig_id in ids.values():
            http.delete(f"/v1/rigs/{rig_id}")


def line(server: Server, rig: str, **headers: str) -> ClientConnection:
    told = {"Authorization": f"Bearer {server.token}", **headers}
    url = f"{server.url.replace('http', 'ws')}/v1/rigs/{rig}/preview"
    return connect(url, additional_headers={name: value for name, value in told.items() if value})


@contextmanager
def opened(
    server: Server, rig: str, **options: Any
) -> Iterator[tuple[ClientConnection, dict[str, Any], bytes]]:
    """A line, the layout and picture 0."""
    with line(server, rig) as own:
        own.send(json.dumps({"type": "open", "size": SIZE, **options}))
        ready = json.loads(own.recv(timeout=120))
        assert ready["type"] == "ready", ready
        first = own.recv(timeout=10)
        assert isinstance(first, bytes)
        yield own, ready, first


def state(turn: float = 0.0, **coefficients: float) -> say.HeadState:
    values = np.array([coefficients.get(name, 0.0) for name in ARKIT_NAMES])
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    return say.HeadState(values, rotation, np.zeros(3), np.stack([np.eye(3)] * 2))


def test_a_photo_follows_states(server: Server, rigs: dict[str, str]) -> None:
    with opened(server, rigs["kept"], format="raw") as (own, ready, first):
        assert ready["names"] == list(ARKIT_NAMES) and ready["photo"] == [300, 240]
        number, base = say.unpacked(first, None)
        assert number == 0 and base.shape == (SIZE, SIZE, 3)
        pictures = {}
        for number, one in enumerate(
            (state(jawOpen=0.25), state(0.3, jawOpen=0.25), state(jawOpen=0.25)), start=1
        ):
            own.send(one.text(number))
            message = own.recv(timeout=60)
            assert isinstance(message, bytes)
            told, pictures[number] = say.unpacked(message, base)
            assert told == number
    as_taken, turned = (np.abs(pictures[number].astype(float) - base) for number in (1, 2))
    # the photo's own state shows the photo, as far as the flow's interpolation lets it
    assert np.median(as_taken) == 0 and as_taken.mean() < 3
    assert turned.mean() > 2 * as_taken.mean()
    np.testing.assert_array_equal(pictures[1], pictures[3])
    border = np.r_[turned[0].max(), turned[-1].max()]
    assert border.max() <= 1  # the square lies in the photo without a seam


def test_formats_say_the_same(server: Server, rigs: dict[str, str]) -> None:
    found = {}
    sizes = {}
    for form in ("raw", "deflate", "jpeg"):
        with opened(server, rigs["kept"], format=form, quality=95) as (own, _, first):
            own.send(state(0.2).text(7))
            message = own.recv(timeout=60)
        assert isinstance(message, bytes)
        sizes[form] = len(message)
        if form == "jpeg":
            assert struct.unpack_from("!IHHB", message) == (7, SIZE, SIZE, 2)
            found[form] = np.asarray(Image.open(io.BytesIO(message[12:])))
        else:
            number, found[form] = say.unpacked(message, say.unpacked(first, None)[1])
            assert number == 7
    np.testing.assert_array_equal(found["raw"], found["deflate"])
    assert np.abs(found["raw"].astype(float) - found["jpeg"]).mean() < 4
    assert sizes["raw"] == 12 + 3 * SIZE * SIZE and max(sizes["deflate"], sizes["jpeg"]) < sizes["raw"] / 2


def test_the_newest_state_wins(server: Server, rigs: dict[str, str]) -> None:
    with opened(server, rigs["kept"]) as (own, _, _):
        for number in range(1, 201):
            own.send(state(number / 1000).text(number))
        numbers: list[int] = []
        while not numbers or numbers[-1] < 200:
            message = own.recv(timeout=60)
            assert isinstance(message, bytes)
            numbers.append(struct.unpack_from("!I", message)[0])
    assert numbers == sorted(numbers) and len(numbers) < 150


def test_others_are_answered_meanwhile(server: Server, rigs: dict[str, str]) -> None:
    waits = []
    with opened(server, rigs["kept"], size=1024) as (own, _, _), server.http as http:
        for number in range(1, 10):
            own.send(state(number / 100).text(number))
            began = time.perf_counter()
            assert http.get("/v1/health").status_code == 200
            waits.append(time.perf_counter() - began)
    assert np.median(waits) < 0.5


def ending(own: ClientConnection) -> dict[str, Any]:
    """The error that a line ends by."""
    while True:
        message = own.recv(timeout=60)
        if isinstance(message, str):
            told = json.loads(message)
            if told["type"] == "error":
                with pytest.raises(ConnectionClosed):
                    own.recv(timeout=10)
                return dict(told["error"])


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("nonsense", "JSON"),
        ("[" * 5000, ""),
        ('{"type": "open", "size": 100000}', "size"),
        ('{"type": "open", "form": "raw"}', "form"),
        ('{"type": "open", "photo": 7}', "photo 8"),
        (b"\x00\x01", "bytes"),
    ],
)
def test_openings_that_make_no_sense(
    server: Server, rigs: dict[str, str], first: str | bytes, words: str
) -> None:
    with line(server, rigs["kept"]) as own:
        own.send(first)
        error = ending(own)
    assert error["code"] == "bad_input" and words in error["message"]


@pytest.mark.parametrize("part", ["nan", "rotation", "few", "far"])
def test_states_that_make_no_sense(server: Server, rigs: dict[str, str], part: str) -> None:
    told = json.loads(state().text(1))
    if part == "nan":
        told["coefficients"][3] = float("nan")
    elif part == "rotation":
        told["head"]["rotation"][0] = [0, 0, 0]
    elif part == "few":
        told["coefficients"].pop()
    else:
        told["head"]["translation"] = [0, 0, 1e9]
    with opened(server, rigs["kept"]) as (own, _, _):
        own.send(json.dumps(told))
        assert ending(own)["code"] == "bad_input"


def test_a_rig_without_photos_and_none(server: Server, rigs: dict[str, str]) -> None:
    with line(server, rigs["bare"]) as own:
        own.send('{"type": "open"}')
        assert "keeps no picture" in ending(own)["message"]
    for rig, headers, status in (
        ("nowhere", {}, 404),
        (rigs["kept"], {"Authorization": ""}, 401),
        (rigs["kept"], {"Origin": "https://evil.example"}, 403),
    ):
        with pytest.raises(InvalidStatus) as caught, line(server, rig, **headers):
            pass
        assert caught.value.response.status_code == status


def test_a_killed_process_is_said_and_started_again(server: Server, rigs: dict[str, str]) -> None:
    with opened(server, rigs["kept"]) as (own, _, _):
        os.kill(server.worker("server.preview.process"), signal.SIGKILL)
        own.send(state().text(1))
        assert ending(own)["code"] == "worker_died"
    with opened(server, rigs["kept"]) as (_, ready, _):
        assert ready["size"] == SIZE


def test_the_add_ons_thread_follows(server: Server, rigs: dict[str, str], tmp_path: Path) -> None:
    target = messages.RemoteServer(server.url, server.token)
    for packed in (False, True):
        own = PreviewLine(say.StartPreview(target, tmp_path, rigs["kept"], 0, SIZE, packed))
        last = state(0.3)
        seen: list[say.Picture] = []
        deadline = time.monotonic() + 120
        while not (seen and seen[-1].key == last.key()):
            assert time.monotonic() < deadline and own.alive, own.reports.take()
            if seen and seen[-1].key == b"":  # picture 0 has come
                for turn in np.linspace(0, 0.3, 50):
                    own.ask(state(float(turn)))
            if (picture := own.pictures.take()) is not None:
                seen.append(picture)
            time.sleep(0.002)
        assert seen[-1].pixels.shape == (SIZE, SIZE, 4) and (seen[-1].pixels[..., 3] == 255).all()
        own.stop()
        assert own.join()
        stages = []
        while (report := own.reports.take()) is not None:
            stages.append(report)
        assert isinstance(stages[0], say.PreviewStage) and stages[0].layout is not None
        assert stages[-1] == say.PreviewEnded()


def test_the_add_on_says_what_is_wrong(server: Server, rigs: dict[str, str], tmp_path: Path) -> None:
    target = messages.RemoteServer(server.url, server.token)
    wrong = messages.RemoteServer(server.url, "wrong")
    nowhere = messages.RemoteServer("http://127.0.0.1:9", "x")
    for where, rig, photo, code in (
        (target, "nowhere", 0, "not_found"),
        (target, rigs["kept"], 9, "bad_input"),
        (wrong, rigs["kept"], 0, "unauthorized"),
        (nowhere, rigs["kept"], 0, "unreachable"),
    ):
        own = PreviewLine(say.StartPreview(where, tmp_path, rig, photo, SIZE))
        own._thread.join(60)
        while not isinstance(report := own.reports.take(), say.PreviewEnded):
            assert report is not None
        assert report.code == code and report.message


def test_threads_share_the_process(server: Server, rigs: dict[str, str]) -> None:
    """Two lines at a time: each gets its own numbers."""
    told: dict[int, list[int]] = {}

    def look(which: int) -> None:
        with opened(server, rigs["kept"], size=SIZE + which) as (own, _, _):
            for number in range(which, which + 5):
                own.send(state(number / 50).text(number + 1))
                message = own.recv(timeout=60)
                assert isinstance(message, bytes)
                told.setdefault(which, []).append(struct.unpack_from("!I", message)[0])

    threads = [threading.Thread(target=look, args=(which,)) for which in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {0: [1, 2, 3, 4, 5], 100: [101, 102, 103, 104, 105]}


def test_the_process_does_not_outlive_its_server(start: Start, tmp_path: Path) -> None:
    own_server = start()
    save_rig(photographed_rig(), tmp_path / "a.semrig")
    with own_server.http as http:
        content = (tmp_path / "a.semrig").read_bytes()
        file = http.post("/v1/files", content=content, headers={"X-Filename": "a.semrig"}).json()
        rig = http.post("/v1/rigs", json={"file": file["id"]}).json()["id"]
    with opened(own_server, rig):
        pid = own_server.worker("server.preview.process")
        own_server.kill()
        ends = time.monotonic() + 15
        with pytest.raises(ProcessLookupError):
            while time.monotonic() < ends:
                os.kill(pid, 0)
                time.sleep(0.05)
