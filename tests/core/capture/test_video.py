"""Videos as they come from phones, screens and broken downloads."""

from __future__ import annotations

import gc
import os
import weakref
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from core.capture.video import open_video, probe_video
from core.errors import BadInput, UnreadableMedia
from tests.core.capture.clips import (
    HEIGHT,
    WIDTH,
    frame_on_screen,
    number_of,
    picture,
    red_corner,
    write_clip,
)

ONE = 1 << 16
CLIPS = Path(os.environ.get("SEMBLANCE_TEST_DATA", "")) / "clips"
# How cameras lay the stored picture, as (a, b, c, d) of the display matrix → clockwise degrees, where the top
# left corner goes.
LAYINGS = {
    "upright": ((1, 0, 0, 1), 0, ("top", "left")),
    "clockwise": ((0, 1, -1, 0), 90, ("top", "right")),
    "upside down": ((-1, 0, 0, -1), 180, ("bottom", "right")),
    "counterclockwise": ((0, -1, 1, 0), 270, ("bottom", "left")),
    "selfie": ((-1, 0, 0, 1), 0, ("top", "right")),
    "flipped": ((1, 0, 0, -1), 180, ("bottom", "left")),
    "transposed": ((0, 1, 1, 0), 90, ("top", "left")),
    "transversed": ((0, -1, -1, 0), 270, ("bottom", "right")),
}


def read(path: Path, **options: float) -> tuple[list[float], list[int], list[str]]:
    """Times, frame numbers and warnings."""
    with open_video(path, **options) as video:  # type: ignore[arg-type]
        frames = [(frame.time, number_of(frame.pixels)) for frame in video]
        return [time for time, _ in frames], [number for _, number in frames], video.warnings


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0, 33, 67, 200, 210, 220, 700, 733]
    path = write_clip(tmp_path / "varying.mp4", times)
    read_times, numbers, warnings = read(path)
    np.testing.assert_allclose(read_times, np.array(times) / 1000, atol=1e-3)
    assert numbers == list(range(8)) and warnings == []


def test_time_begins_with_the_first_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "late.mkv", [500, 540, 580])
    np.testing.assert_allclose(read(path)[0], [0, 0.04, 0.08], atol=1e-3)


@pytest.mark.parametrize("laying", LAYINGS)
def test_frames_are_upright(tmp_path: Path, laying: str) -> None:
    (a, b, c, d), degrees, corner = LAYINGS[laying]
    matrix = [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]
    path = write_clip(tmp_path / "turned.mp4", matrix=matrix)
    info = probe_video(path)
    upright = (HEIGHT, WIDTH) if degrees % 180 else (WIDTH, HEIGHT)
    assert (info.rotation, info.width, info.height) == (degrees, *upright)
    with open_video(path) as video:
        shown = next(iter(video)).pixels
    assert shown.shape == (upright[1], upright[0], 3)
    assert red_corner(shown) == corner


def test_wide_pixels_become_square(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "wide.mp4", aspect=Fraction(3, 2))
    assert frame_on_screen(path).pixels.shape == (HEIGHT, WIDTH * 3 // 2, 3)


def test_colours_survive(tmp_path: Path) -> None:
    shown = frame_on_screen(write_clip(tmp_path / "clip.mp4")).pixels
    np.testing.assert_allclose(shown[4:12, 4:12].mean((0, 1)), [255, 0, 0], atol=8)
    np.testing.assert_allclose(shown[30:, 30:].mean((0, 1)), 20, atol=3)


def test_what_a_probe_tells(tmp_path: Path) -> None:
    info = probe_video(write_clip(tmp_path / "clip.mp4", range(0, 1000, 40)))
    assert (info.frames, info.codec, info.rotation) == (25, "mpeg4", 0)
    assert info.fps == pytest.approx(25, abs=0.1) and info.duration == pytest.approx(1.0, abs=0.05)


def test_sound_longer_than_the_picture_is_no_damage(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "sound.mp4", sound_seconds=4.0)
    times, _, warnings = read(path)
    assert len(times) == 10 and warnings == [] and probe_video(path).frames == 10


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi", "clip.ts", "clip.h264"])
def test_in_and_out_points(tmp_path: Path, name: str) -> None:
    """Transport streams are searched loosely; raw ones have no times and cannot be searched at all."""
    codec = "mpeg4" if name.endswith(("mp4", "mkv", "avi")) else "libx264"
    path = write_clip(tmp_path / name, range(0, 1000, 40), gop=10, codec=codec)
    assert read(path)[1] == list(range(25))
    assert number_of(frame_on_screen(path, 0.4).pixels) == 10
    times, numbers, warnings = read(path, start=0.5, end=0.8)
    assert numbers == list(range(13, 21)) and warnings == []
    np.testing.assert_allclose(times, 0.04 * np.arange(13, 21), atol=2e-3)


@pytest.mark.parametrize("span", [(-1.0, None), (1.0, 1.0), (2.0, 1.0), (float("nan"), None)])
def test_spans_that_make_no_sense(tmp_path: Path, span: tuple[float, float | None]) -> None:
    path = write_clip(tmp_path / "clip.mp4")
    with pytest.raises(BadInput, match="out point"), open_video(path, start=span[0], end=span[1]):
        pass


def test_a_video_can_be_read_twice(tmp_path: Path) -> None:
    with open_video(write_clip(tmp_path / "clip.mp4")) as video:
        assert [number_of(frame.pixels) for frame in video] == [number_of(f.pixels) for f in video]


@pytest.mark.parametrize("time, number", [(-1.0, 0), (0.0, 0), (0.2, 5), (0.239, 5), (0.3, 7), (99.0, 9)])
def test_the_frame_on_screen(tmp_path: Path, time: float, number: int) -> None:
    frame = frame_on_screen(write_clip(tmp_path / "clip.mp4"), time, long_side=32)
    assert number_of(frame.pixels) == number and frame.pixels.shape == (24, 32, 3)
    assert frame.time == pytest.approx(number * 0.04, abs=2e-3)


def test_only_one_frame_is_kept(tmp_path: Path) -> None:
    earlier: list[weakref.ref[np.ndarray]] = []
    with open_video(write_clip(tmp_path / "clip.mp4", range(0, 1000, 40))) as video:
        for frame in video:
            earlier.append(weakref.ref(frame.pixels))
    del frame
    gc.collect()
    assert sum(reference() is not None for reference in earlier) == 0


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv"])
def test_a_broken_tail_is_kept_up_to_the_break(tmp_path: Path, name: str) -> None:
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    path = write_clip(tmp_path / name, range(0, 4000, 40), options=options)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    times, numbers, warnings = read(path)
    assert 20 <= len(times) <= 80 and numbers == [index % 25 for index in range(len(times))]
    assert f"The video ends at {times[-1] + 0.04:.2f} s" in " ".join(warnings)


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "scratched.mp4", range(0, 2000, 40))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    times, _, _ = read(path)
    assert times[-1] == pytest.approx(1.96, abs=2e-3) and len(times) >= 40


def test_files_that_are_no_video(tmp_path: Path) -> None:
    cases = {"missing.mp4": "does not exist", ".": "is a folder"}
    for name, content, says in (
        ("empty.mp4", b"", r"0 bytes"),
        ("noise.mp4", bytes(range(256)) * 40, "not a video"),
        ("text.mp4", b"Just words.\n" * 100, "not a video"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n", "not a video"),
        ("script.txt", b"ffconcat version 1.0\nfile clip.mp4\n", "not a video"),
    ):
        (tmp_path / name).write_bytes(content)
        cases[name] = says
    Image.fromarray(picture(0)).save(tmp_path / "photo.png")
    cases["photo.png"] = "not a video"
    clip = write_clip(tmp_path / "whole.mp4", range(0, 2000, 40)).read_bytes()
    (tmp_path / "unfinished.mp4").write_bytes(clip[: len(clip) // 2])
    cases["unfinished.mp4"] = "never finished"
    for name, says in cases.items():
        with pytest.raises(UnreadableMedia, match=says) as caught:
            probe_video(tmp_path / name)
        assert str(tmp_path / name) in caught.value.message and caught.value.hint


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for index in range(10):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            samples.sample_rate, samples.pts = 16000, index * 1024
            container.mux(stream.encode(samples))
        container.mux(stream.encode())
    with pytest.raises(UnreadableMedia, match="no moving picture"):
        probe_video(path)


@pytest.mark.skipif(not CLIPS.is_dir(), reason="SEMBLANCE_TEST_DATA has no clips")
def test_real_clips() -> None:
    """The first and the last frames of every clip, its length and its rate agree with its header."""
    for path in sorted(CLIPS.glob("*.mp4")):
        info = probe_video(path)
        tail = max(0.0, info.duration - 0.5)
        with open_video(path, start=tail, long_side=320) as video:
            times = [frame.time for frame in video]
        assert video.warnings == [], path
        assert times[0] >= tail - 1e-3 and np.all(np.diff(times) > 0), path
        assert times[-1] + 1 / info.fps == pytest.approx(info.duration, abs=0.1), path
        assert max(frame_on_screen(path, 1.0, 320).pixels.shape) == 320, path
