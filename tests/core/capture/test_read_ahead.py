from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from core.capture.read_ahead import read_ahead
from core.capture.video import Frame
from core.errors import UnreadableMedia


def frame(number: int) -> Frame:
    return Frame(number / 30, np.full((2, 2, 3), number, np.uint8))


def test_the_same_frames_in_the_same_order() -> None:
    with read_ahead(frame(number) for number in range(20)) as frames:
        taken = list(frames)
    assert [shown.time for shown in taken] == [number / 30 for number in range(20)]
    assert [int(shown.pixels[0, 0, 0]) for shown in taken] == list(range(20))


def test_an_error_comes_after_the_frames_before_it() -> None:
    def broken() -> Iterator[Frame]:
        yield frame(0)
        yield frame(1)
        raise UnreadableMedia("It breaks off.", "Copy it again.")

    taken = []
    with pytest.raises(UnreadableMedia, match="breaks off"), read_ahead(broken()) as frames:
        for shown in frames:
            taken.append(shown.time)
    assert taken == [0.0, 1 / 30]


def test_leaving_early_ends_the_reader_a_few_frames_on() -> None:
    read: list[int] = []

    def endless() -> Iterator[Frame]:
        while True:
            read.append(1)
            yield frame(0)

    with pytest.raises(KeyError), read_ahead(endless()) as frames:
        next(frames)
        next(frames)
        raise KeyError
    assert len(read) <= 5
    assert not any(thread.name.startswith("frames") for thread in threading.enumerate())
