"""Takes of the Live Link Face app."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import TrackUnreadable
from core.track import read_livelink, write_livelink
from core.track.livelink import APPLE_ORDER
from tests.tracks import make_track

TAKE = Path(os.environ.get("SEMBLANCE_TEST_DATA", "")) / "arkit" / "livelink_range_of_motion.csv"
needs_take = pytest.mark.skipif(not TAKE.is_file(), reason="SEMBLANCE_TEST_DATA has no ARKit take")


@needs_take
def test_a_real_take_comes_back_as_it_was(tmp_path: Path) -> None:
    """Timecodes and coefficients to the last digit; eye angles to the precision of the file's floats."""
    track = read_livelink(TAKE)
    write_livelink(track, tmp_path / "take.csv")
    rows = [line.split(",") for line in TAKE.read_text().splitlines()]
    back = [line.split(",") for line in (tmp_path / "take.csv").read_text().splitlines()]
    assert back[0] == rows[0] and len(back) == len(rows) == 4031
    assert [row[:54] for row in back] == [row[:54] for row in rows]
    angles = [np.array([row[54:] for row in table[1:]], float) for table in (rows, back)]
    np.testing.assert_allclose(angles[1], angles[0], atol=1e-7)


@needs_take
def test_what_a_real_take_says() -> None:
    track = read_livelink(TAKE)
    assert track.fps == pytest.approx(30, abs=0.1) and track.duration == pytest.approx(134.38, abs=0.01)
    steps = np.diff(track.times)
    assert np.percentile(steps, [1, 99]) == pytest.approx([1 / 30, 1 / 30], abs=1e-4) and steps.max() < 0.07
    assert track.timecode == pytest.approx(13 * 3600 + 13 * 60 + 4 + 31.652 / 60)
    # Eyes: down is positive, and the left eye turns out to the person's left.
    assert np.corrcoef(track.gaze[:, 0, 1], track.curve("eyeLookDownLeft"))[0, 1] > 0.9
    assert np.corrcoef(track.gaze[:, 0, 0], track.curve("eyeLookOutLeft"))[0, 1] > 0.65
    assert np.corrcoef(track.gaze[:, 1, 0], track.curve("eyeLookInRight"))[0, 1] > 0.65


@settings(max_examples=30, deadline=None)
@given(
    start=st.floats(0, 86399),
    rate=st.sampled_from([24.0, 25.0, 30.0, 60.0]),
    frames=st.integers(130, 200),
)
def test_a_take_survives_the_way_there_and_back(
    tmp_path_factory: pytest.TempPathFactory, start: float, rate: float, frames: int
) -> None:
    """Over midnight too. Takes of two seconds or more tell the rate of their timecodes."""
    path = tmp_path_factory.mktemp("take") / "take.csv"
    track = make_track(frames, fps=30.0, timecode=start)
    write_livelink(track, path, timecode_rate=rate)
    back = read_livelink(path)
    np.testing.assert_allclose(back.times, track.times, atol=1e-4)
    np.testing.assert_allclose(back.coefficients, track.coefficients, atol=1e-7)
    np.testing.assert_allclose(back.head_rotation, track.head_rotation, atol=1e-6)
    np.testing.assert_allclose(back.gaze, track.gaze, atol=1e-6)
    assert (back.timecode or 0.0) == pytest.approx(start, abs=1e-4)


@pytest.mark.parametrize("column, moves, says", [(54, 2, (-1, 0)), (55, 2, (0, 1)), (56, 1, (-1, 0))])
def test_head_angles_have_the_signs_of_the_eyes(
    tmp_path: Path, column: int, moves: int, says: tuple[int, int]
) -> None:
    """Yaw turns the nose to the person's right (left in the picture), pitch down, roll tilts left."""
    path = tmp_path / "take.csv"
    header = ["Timecode", "BlendShapeCount", *APPLE_ORDER, "HeadYaw", "HeadPitch", "HeadRoll"]
    row = ["00:00:00:00.000", "61", *["0.0"] * 55]
    row[column] = "0.4"
    path.write_text(",".join(header) + "\n" + ",".join(row))
    direction = read_livelink(path).head_rotation[0, :, moves]
    np.testing.assert_allclose(
        direction[:2] - [0, -(moves == 1) * np.cos(0.4)], np.sin(0.4) * np.array(says), atol=1e-6
    )


def test_columns_may_be_few_and_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    path.write_text("﻿JawOpen,Timecode,mouthFunnel\r\n0.5,01:00:00:00,0.25\r\n0.6,01:00:00:02,0.3\r\n")
    track = read_livelink(path)
    np.testing.assert_allclose(track.curve("jawOpen"), [0.5, 0.6])
    np.testing.assert_allclose(track.curve("mouthFunnel"), [0.25, 0.3])
    assert track.curve("tongueOut").max() == 0 and track.gaze.max() == 0
    np.testing.assert_allclose(track.times, [0, 2 / 60])


def test_rows_that_do_not_advance_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    stamps = ["00:00:00:00.0", "00:00:00:02.0", "00:00:00:02.0", "00:00:00:01.0", "00:00:00:04.0"]
    path.write_text("Timecode,JawOpen\n" + "\n".join(f"{s},0.{i}" for i, s in enumerate(stamps)))
    track = read_livelink(path)
    np.testing.assert_allclose(track.curve("jawOpen"), [0.0, 0.1, 0.4])
    assert "2 frames" in track.warnings[0]


@pytest.mark.parametrize(
    "content, says",
    [
        ("", "empty"),
        ("a,b\n1,2\n", "no columns"),
        ("Timecode,JawOpen\n", "no frames"),
        ("Timecode,JawOpen\nnoon,0.5\n", "damaged"),
        ("Timecode,JawOpen\n00:00:00:00.0\n", "damaged"),
        ("Timecode,JawOpen\n00:00:00:00.0,wide\n", "damaged"),
        ("Timecode,JawOpen\n00:00:00:00.0,nan\n", "not finite"),
    ],
)
def test_files_that_are_no_take(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "take.csv"
    path.write_text(content)
    with pytest.raises(TrackUnreadable, match=says) as caught:
        read_livelink(path)
    assert str(path) in caught.value.message and caught.value.hint


def test_binary_and_missing_files_are_no_take(tmp_path: Path) -> None:
    (tmp_path / "take.csv").write_bytes(bytes(range(256)))
    for path in (tmp_path / "take.csv", tmp_path / "missing.csv", tmp_path):
        with pytest.raises(TrackUnreadable):
            read_livelink(path)
