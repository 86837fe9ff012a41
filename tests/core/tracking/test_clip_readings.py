"""Readings of a clip are collected without end, and only what is needed is kept."""

from __future__ import annotations

import numpy as np

from core.tracking.clip_readings import IDENTITY_FRAMES, ClipReadings
from tests.readers import FACING, Reading, ToldReader

PIXELS = np.zeros((8, 8, 3), np.uint8)
FACE = np.random.default_rng(0).normal(0, 40, (478, 3))


def turned_face(frame: int) -> np.ndarray:
    """A face that turns from one side to the other in a hundred frames."""
    yaw = np.radians(-40 + 0.8 * (frame % 100))
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    return (FACE @ about_y.T).astype(np.float32)


def test_the_identity_is_made_of_frames_spread_over_clip_and_yaw() -> None:
    readings_of = [
        Reading(identity=np.full(120, frame, np.float32), identity_std=np.full(120, 0.4, np.float32))
        for frame in range(1000)
    ]
    reader = ToldReader(readings_of.__getitem__)
    readings = ClipReadings(reader, every=1)
    for frame in range(1000):
        readings.add(frame, PIXELS, turned_face(frame))
    belief = readings.belief()
    assert len(reader.asked) == 1000 and len(reader.fused) == IDENTITY_FRAMES
    frames = np.sort([reading.identity[0] for reading in reader.fused])
    assert frames[0] < 200 and frames[-1] > 600
    yaws = frames % 100
    assert yaws.min() < 15 and yaws.max() > 85
    assert belief.identity is not None and belief.identity[0] == np.float32(frames.mean())
    assert belief.identity_std is not None and (belief.identity_std == np.float32(0.4)).all()


def test_frames_that_were_not_read_are_told_apart() -> None:
    std = np.full(3, 0.02, np.float32)
    reader = ToldReader(lambda number: Reading(rotation_std=std if number else None))
    readings = ClipReadings(reader, every=1)
    for frame in (1, 2, 4):
        readings.add(frame, PIXELS, turned_face(frame))
    rotation, stds = readings.turns(6)
    assert rotation.shape == (6, 3, 3)
    np.testing.assert_array_equal(np.isfinite(stds).all(axis=1), [False, False, True, False, True, False])
    np.testing.assert_array_equal(rotation[4], FACING)
    np.testing.assert_allclose(stds[2], 0.02, rtol=1e-6)


def test_frames_are_read_now_and_then() -> None:
    reader = ToldReader(lambda _: Reading(rotation_std=np.full(3, 0.02, np.float32)))
    readings = ClipReadings(reader, every=16)
    for frame in (3, 4, 18, 19, 40, 41, 56):
        readings.add(frame, PIXELS, turned_face(frame))
    stds = readings.turns(60)[1]
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(stds).all(axis=1)), [3, 19, 40, 56])


def test_a_reader_that_does_not_know_who_it_is_says_nothing() -> None:
    readings = ClipReadings(ToldReader(lambda _: Reading()))
    assert readings.belief().identity is None
    readings.add(0, PIXELS, turned_face(0))
    assert readings.belief().identity is None
