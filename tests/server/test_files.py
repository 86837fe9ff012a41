"""Files on their way in and out."""

from __future__ import annotations

import hashlib
import socket
import struct
import time
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from core.errors import UnreadableMedia
from core.rig import save_rig
from server.client import Client
from server.errors import Conflict, NotFound, TooLarge, UnsupportedMedia
from tests.rigs import make_rig
from tests.server.conftest import Server, Start, cutting_proxy, zip_of
from tests.server.pictures import picture


def send(server: Server, content: Any, name: str = "a.png") -> httpx.Response:
    return server.http.post("/v1/files", content=content, headers={"X-Filename": quote(name)})


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["error"]["code"]
    return code


def stored(server: Server) -> int:
    return len(list((server.folder / "files").iterdir()))


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("TIFF", "image/tiff"), ("WEBP", "image/webp"),
     ("AVIF", "image/avif"), ("BMP", "image/bmp")],
)  # fmt: skip
def test_what_is_sent_comes_back(server: Server, kind: str, media_type: str) -> None:
    content = picture(kind)
    sent = send(server, content, "Wrong ending.txt")
    assert sent.status_code == 201
    file = sent.json()
    assert (file["kind"], file["media_type"], file["size"]) == ("image", media_type, len(content))
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert server.client.file(file["id"]).name == "Wrong ending.txt"
    back = server.http.get(f"/v1/files/{file['id']}")
    assert back.content == content and back.headers["etag"] == f'"{file["sha256"]}"'
    same = server.http.get(f"/v1/files/{file['id']}", headers={"If-None-Match": back.headers["etag"]})
    assert same.status_code == 304 and not same.content
    server.client.delete_file(file["id"])
    with pytest.raises(NotFound):
        server.client.file(file["id"])


@pytest.mark.parametrize(
    ("name", "label"),
    [("../../etc/passwd", "passwd"), ("C:\\Users\\me\\Ünï.png", "Ünï.png"), ("a\0\nb.png", "ab.png"),
     ("", "unnamed"), ("..", ".."), ("x" * 500, "x" * 200)],
)  # fmt: skip
def test_names_are_labels(server: Server, name: str, label: str) -> None:
    file = send(server, picture(), name).json()
    assert file["name"] == label
    assert {path.name for path in server.folder.iterdir()} >= {"files", "token"}
    assert (server.folder / "files" / file["id"]).is_file()
    server.client.delete_file(file["id"])


def test_rigs_and_videos_are_told_by_their_content(server: Server, tmp_path: Path) -> None:
    save_rig(make_rig("Anna"), tmp_path / "x.semrig")
    file = server.client.upload(tmp_path / "x.semrig")
    assert file.kind == "rig"
    server.client.delete_file(file.id)
    video = send(server, b"\0\0\0\x20ftypisom" + bytes(100)).json()
    assert (video["kind"], video["media_type"]) == ("video", "video/mp4")
    server.client.delete_file(video["id"])


@pytest.mark.parametrize(
    "content",
    [b"hello", b"<html>" * 100, b"\x89PNG\r\n\x1a\n" + bytes(100), b"\xff\xd8\xff" + bytes(100),
     b"PK\x03\x04" + bytes(90),
     zip_of(other=b"x" * 100), zip_of(rig_json=b"{}", mesh_npz=b""),
     zip_of(rig_json=b"[" * 100_000, mesh_npz=b""),
     b"\0\0\0\x20ftypheic" + bytes(100), b"MZ" + bytes(100), b"#!/bin/sh\n" * 20],
)  # fmt: skip
def test_other_things_are_refused(server: Server, content: bytes) -> None:
    before = stored(server)
    answer = send(server, content)
    assert answer.status_code == 415 and code_of(answer) == "unsupported_media"
    assert stored(server) == before


def test_nothing_is_refused_too(server: Server) -> None:
    assert send(server, b"").status_code == 422


def _png(width: int, height: int) -> bytes:
    """A valid header of a picture that is never drawn."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def test_bombs_are_refused(server: Server) -> None:
    answer = send(server, _png(60_000, 60_000))
    assert answer.status_code == 413 and code_of(answer) == "too_large" and "megapixels" in answer.text
    rig_json = b'{"format": "semblance-rig", "schema": 1, "pad": "' + b" " * (20 << 20) + b'"}'
    answer = send(server, zip_of(rig_json=rig_json, mesh_npz=b"x"))
    assert answer.status_code == 415 and "too large" in answer.text


def test_too_many_bytes_are_refused_with_and_without_a_length(server: Server) -> None:
    content = b"\x89PNG\r\n\x1a\n" + bytes(1_100_000)
    before = stored(server)
    for body in (content, iter([content[:600_000], content[600_000:]])):
        answer = send(server, body)
        assert answer.status_code == 413 and code_of(answer) == "too_large"
    assert stored(server) == before


def test_json_bodies_have_a_limit_too(server: Server) -> None:
    big = b'{"kind": "' + b"x" * 2_000_000 + b'"}'
    for body in (big, iter([big])):
        answer = server.http.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413 and code_of(answer) == "too_large"


def test_a_quota_and_a_count_of_files(start: Start) -> None:
    small = start(quota=30_000, most_files=3)
    answers = [send(small, picture(side=60)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 507]
    assert code_of(answers[-1]) == "quota_exceeded"
    assert send(small, iter([picture(side=60)])).status_code == 507
    assert send(small, picture(side=10)).status_code == 201
    answer = send(small, picture(side=10))
    assert answer.status_code == 429 and code_of(answer) == "too_many"
    small.client.delete_file(answers[0].json()["id"])
    assert send(small, picture(side=60)).status_code == 201


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [("bytes=0-3", 206, slice(0, 4)), ("bytes=5-", 206, slice(5, None)), ("bytes=-7", 206, slice(-7, None)),
     ("bytes=0-999999", 206, slice(None)), ("bytes=99999-", 416, None), ("bytes=-0", 416, None),
     ("bytes=9-2", 416, None), ("lines=1-2", 200, slice(None)), ("bytes=0-1,4-5", 200, slice(None)),
     ("bytes=x", 200, slice(None)), ("\xff", 200, slice(None))],
)  # fmt: skip
def test_ranges(server: Server, wanted: str, status: int, part: slice | None) -> None:
    content = picture()
    file = send(server, content).json()["id"]
    answer = server.http.get(f"/v1/files/{file}", headers={b"Range": wanted.encode("latin-1")})
    assert answer.status_code == status
    if part is None:
        assert code_of(answer) == "bad_input" and str(len(content)) in answer.headers["content-range"]
    else:
        assert answer.content == content[part]
    stale = server.http.get(f"/v1/files/{file}", headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert stale.status_code == 200 and stale.content == content
    server.client.delete_file(file)


def test_an_upload_that_is_cut_leaves_nothing(server: Server) -> None:
    before = stored(server)
    head = f"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token}\r\n"
    address = httpx.URL(server.url)
    with socket.create_connection((address.host, address.port or 0)) as connection:
        connection.sendall(f"{head}Content-Length: 500000\r\n\r\n".encode() + picture()[:3000])
        ends = time.monotonic() + 5
        while stored(server) == before:
            assert time.monotonic() < ends
            time.sleep(0.01)
    while stored(server) > before:
        assert time.monotonic() < ends
        time.sleep(0.01)
    assert server.client.health().status == "ready"


def test_a_download_that_is_cut_is_taken_up_again(server: Server, tmp_path: Path) -> None:
    job = server.ended(server.play(size=5_000_000))
    with cutting_proxy(server, [1 << 20, 2 << 20]) as (url, cuts), Client(url, server.token) as client:
        client.download(job.results[0].file, tmp_path / "made.bin")
    assert cuts == []
    assert hashlib.sha256((tmp_path / "made.bin").read_bytes()).hexdigest() == job.results[0].sha256
    server.client.delete_job(job.id)


def test_a_file_in_use_is_not_deleted(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    file = server.client.upload(tmp_path / "a.png")
    job = server.client.submit("play", files=[file.id], options={"seconds": 5})
    with pytest.raises(Conflict):
        server.client.delete_file(file.id)
    server.client.cancel(job.id)
    server.ended(job)
    server.client.delete_file(file.id)
    made = server.ended(server.play())
    with pytest.raises(Conflict):
        server.client.delete_file(made.results[0].file)
    server.client.delete_job(made.id)
    with pytest.raises(NotFound):
        server.client.file(made.results[0].file)


@pytest.mark.parametrize("field", ["name", "created", "rig_id"])
@pytest.mark.parametrize("value", ['"\\ud800"', "1", "[]", '"../../x"'])
def test_rigs_with_odd_words_break_nothing(server: Server, field: str, value: str) -> None:
    values = {"name": '"A"', "created": '"now"', "rig_id": '"12345678"', field: value}
    rest = ", ".join(f'"{name}": {text}' for name, text in values.items())
    document = (
        '{"format": "semblance-rig", "schema": 1, "photos": [], "model": {"name": "x", "licence": "y"}, '
        f"{rest}}}"
    )
    sent = send(server, zip_of(rig_json=document.encode(), mesh_npz=b"x"), "x.semrig")
    if sent.status_code == 201:
        assert server.http.post("/v1/rigs", json={"file": sent.json()["id"]}).status_code == 201
        assert server.http.get("/v1/rigs").status_code == 200
        server.client.delete_rig("12345678")
    else:
        assert sent.status_code == 415
    assert (sent.status_code == 201) == (value == '"../../x"' and field != "rig_id")


def test_a_rig_is_one_rig(server: Server, tmp_path: Path) -> None:
    rig = make_rig("Anna")
    save_rig(rig, tmp_path / "x.semrig")
    first = server.client.upload(tmp_path / "x.semrig")
    made, is_new = server.client.add_rig(first.id)
    assert is_new and (made.id, made.name, made.model) == (rig.rig_id, "Anna", rig.model_name)
    assert made.photos[0].file == "front.jpg" and made.photos[0].warnings == list(rig.photos[0].warnings)
    again = server.client.upload(tmp_path / "x.semrig")
    assert server.client.add_rig(again.id) == (made, False)
    assert [found.id for found in server.client.rigs()] == [rig.rig_id]
    fetched = server.http.get(f"/v1/rigs/{made.id}/file")
    assert fetched.content == (tmp_path / "x.semrig").read_bytes()
    save_rig(make_rig("Another", rig_id=rig.rig_id), tmp_path / "y.semrig")
    other = server.client.upload(tmp_path / "y.semrig")
    with pytest.raises(Conflict):
        server.client.add_rig(other.id)
    with pytest.raises(Conflict):
        server.client.delete_file(first.id)
    server.client.delete_rig(made.id)
    with pytest.raises(NotFound):
        server.client.file(first.id)
    for file in (again, other):
        server.client.delete_file(file.id)


def test_the_client_names_files_that_it_cannot_read(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match=r"absent\.png"):
        server.client.upload(tmp_path / "absent.png")


def test_refusals_reach_who_sends_through_a_plain_client(server: Server, tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20_000_000))
    (tmp_path / "big.txt").write_bytes(b"hello" * 100_000)
    with Client(server.url, server.token) as client:
        with pytest.raises(TooLarge):
            client.upload(tmp_path / "big.png")
        with pytest.raises(UnsupportedMedia):
            client.upload(tmp_path / "big.txt")
