"""Frames as they happen: pace, drops, ends and cameras."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.arkit import ARKIT_NAMES
from core.capture.video import Frame
from core.errors import BadInput, CameraUnavailable, UnreadableMedia
from core.live.camera import CameraSource
from core.live.feed import Feed
from core.live.frame import LiveFrame
from core.live.session import run_live
from core.live.sources import FileSource
from core.live.statistics import Statistics
from tests.performances import RATE, write_video

COUNT = 20


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames whose grey says which they are."""
    frames = [np.full((64, 64, 3), 10 * index, np.uint8) for index in range(COUNT)]
    return write_video(tmp_path_factory.mktemp("clip") / "grey.mp4", frames)


def nothing(frame: Frame) -> LiveFrame:
    return LiveFrame(
        frame.time, True, np.zeros(len(ARKIT_NAMES), np.float32), np.eye(3, dtype=np.float32),
        np.zeros(3, np.float32), np.zeros((2, 2), np.float32), 1.0,
    )  # fmt: skip


def test_a_file_plays_at_its_own_pace(clip: Path) -> None:
    for speed in (1.0, 2.0):
        shown: list[tuple[float, float]] = []
        began = time.monotonic()
        with Feed(FileSource(clip, speed)) as feed:
            run_live(
                feed,
                nothing,
                lambda frame: shown.append((time.monotonic() - began, frame.time)),  # noqa: B023
            )
        # none comes before its time, and the last one soon after
        assert all(at * speed >= due - 1e-3 for at, due in shown)
        assert shown[-1][1] == pytest.approx((COUNT - 1) / RATE, abs=1e-3)


def test_a_loop_goes_on_in_time(clip: Path) -> None:
    source = FileSource(clip, speed=20.0, loop=True)
    times: list[float] = []
    stopped = threading.Event()
    for frame in source.frames(stopped):
        times.append(frame.time)
        if len(times) == 2 * COUNT + 3:
            stopped.set()
    assert len(times) == 2 * COUNT + 3
    np.testing.assert_allclose(np.diff(times), 1 / RATE, atol=2e-3)


def test_a_slow_tracker_gets_the_newest_frame_and_the_rest_is_dropped(clip: Path) -> None:
    ages: list[float] = []
    shown: list[float] = []
    began = time.monotonic()

    def slow(frame: Frame) -> LiveFrame:
        ages.append(time.monotonic() - began - frame.time)
        time.sleep(0.15)
        return nothing(frame)

    with Feed(FileSource(clip)) as feed:
        pace = run_live(feed, slow, lambda frame: shown.append(frame.time))
        dropped = feed.dropped
    assert dropped == pace.dropped == COUNT - len(shown) > COUNT // 2
    assert shown == sorted(shown) and shown[-1] == pytest.approx((COUNT - 1) / RATE, abs=1e-3)
    # With a queue, ages would grow by 110 ms a frame.
    assert ages[-1] - min(ages) < 0.15 + 1 / RATE
    assert pace.latency_ms >= 150


def test_errors_of_a_source_arrive_where_frames_are_taken() -> None:
    class Broken:
        name, fps, size = "broken", 30.0, (4, 4)
        closed = False

        def frames(self, stopped: threading.Event) -> Iterator[Frame]:
            yield Frame(0.0, np.zeros((4, 4, 3), np.uint8))
            raise CameraUnavailable("gone")

        def close(self) -> None:
            self.closed = True

    source = Broken()
    shown: list[LiveFrame] = []
    with Feed(source) as feed, pytest.raises(CameraUnavailable, match="gone"):
        run_live(feed, nothing, shown.append)
    assert len(shown) == 1 and source.closed


def test_stopping_is_prompt(clip: Path) -> None:
    feed = Feed(FileSource(clip, speed=0.01))
    assert feed.take(5.0) is not None
    began = time.monotonic()
    assert feed.take(0.05) is None and not feed.ended
    feed.close()
    assert time.monotonic() - began < 2.0 and feed.ended


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_speeds_are_refused(clip: Path, speed: float) -> None:
    with pytest.raises(BadInput):
        FileSource(clip, speed)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia):
        FileSource(tmp_path / "none.mp4")


def test_a_camera_that_is_not_there_says_what_was_tried() -> None:
    with pytest.raises(CameraUnavailable, match="63") as caught:
        CameraSource(63)
    assert "Tried" in caught.value.message and caught.value.hint


def test_a_cameras_pictures_are_rgb_and_its_end_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenCV reads a file as it reads a camera."""
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    clip = write_video(tmp_path / "red.mp4", [red] * 3)
    monkeypatch.setattr("core.live.camera._SILENT", 0.1)
    source = CameraSource(str(clip), backends=("FFMPEG",))
    assert source.size == (64, 64) and source.fps == pytest.approx(RATE)
    seen: list[Frame] = []
    with Feed(source) as feed, pytest.raises(CameraUnavailable, match="no pictures any more"):
        while True:
            if arrived := feed.take(1.0):
                seen.append(arrived.frame)
    middle = seen[0].pixels[32, 32].astype(int)
    assert middle[0] > 150 and middle[1] < 60 and middle[2] < 60


def test_figures_look_back_a_few_seconds() -> None:
    statistics = Statistics()
    assert statistics.pace(0.0, 0).fps == 0
    for index in range(100):
        statistics.add(index / 10, index / 10 + (0.5 if index < 50 else 0.02))
    pace = statistics.pace(10.0, 7)
    assert pace.fps == pytest.approx(10.0, rel=0.01) and pace.dropped == 7
    assert pace.latency_ms == pytest.approx(20.0) and pace.latency_ms_95 == pytest.approx(20.0)
