"""Streams arrive in pieces of any size."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from blender_addon.client.backoff import LONGEST, Backoff
from blender_addon.client.events import Chunks, EventParser
from blender_addon.client.mailbox import Mailbox

EVENTS = [("1", "state", '{"a": 1}'), ("2", "progress", '{"ü": "…"}'), ("3", "state", "{}")]
STREAM = "".join(
    f": heartbeat\n\nid: {at}\r\nevent: {name}\ndata: {data}\n\n" for at, name, data in EVENTS
).encode()


def cut(content: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    return [content[start:end] for start, end in pairwise(marks)]


CUTS = st.lists(st.integers(0, 10_000), max_size=30)


@given(CUTS)
def test_events_survive_any_cut(places: list[int]) -> None:
    parser = EventParser()
    assert [event for piece in cut(STREAM, places) for event in parser.feed(piece)] == EVENTS


@given(st.lists(st.binary(min_size=1, max_size=50)), CUTS)
def test_chunks_survive_any_cut(pieces: list[bytes], places: list[int]) -> None:
    content = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    chunks = Chunks()
    assert b"".join(chunks.feed(piece) for piece in cut(content, places)) == b"".join(pieces)
    assert chunks.ended


@given(st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.integers())))
def test_a_mailbox_keeps_the_last_of_each_key_and_all_others(messages: list[tuple[str | None, int]]) -> None:
    box = Mailbox()
    for key, message in messages:
        box.put((key, message), key)
    assert bool(box) == bool(messages)
    read = []
    while box:
        read.append(box.take())
    assert [item for item in read if item[0] is None] == [item for item in messages if item[0] is None]
    for key in ("a", "b"):
        assert [item for item in read if item[0] == key] == [item for item in messages if item[0] == key][-1:]
    assert box.take() is None


def test_pauses_grow_to_a_limit_and_start_again() -> None:
    backoff = Backoff()
    pauses = [backoff.pause() for _ in range(8)]
    assert pauses == sorted(pauses) and pauses[-1] == LONGEST
    backoff.reset()
    assert backoff.pause() == pauses[0]
