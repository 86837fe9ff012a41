"""Smoothing: jitter goes, movements stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from core.retarget.filters import OneEuro, noise_level, smooth, smooth_rotations

NOISE = 0.01


def random_times(random: np.random.Generator, frames: int) -> np.ndarray:
    """Irregular, near 30 frames a second."""
    return np.cumsum(random.uniform(0.02, 0.047, frames))


def blinking(times: np.ndarray) -> np.ndarray:
    """Closed for a moment once in two seconds: up in 80 ms, down in 120 ms."""
    phase = times % 2.0 - 1.0
    return np.clip(np.minimum(1 + phase / 0.08, 1 - phase / 0.12), 0, 1)


@settings(max_examples=20, deadline=None, derandomize=True)  # noise has no bound that always holds
@given(st.integers(0, 10_000))
def test_jitter_goes_and_blinks_stay(seed: int) -> None:
    random = np.random.default_rng(seed)
    times = random_times(random, 400)
    clean = np.stack([blinking(times), np.full(400, 0.3), 0.4 * np.sin(0.5 * times)], axis=1)
    noisy = clean + random.normal(0, NOISE, clean.shape)
    smoothed = smooth(times, noisy)
    still = clean[:, 0] == 0
    away = still & np.roll(still, 3) & np.roll(still, -3)
    for column, where in ((0, away), (1, still | True), (2, still | True)):
        left = np.std(np.diff(smoothed[:, column], 2)[where[1:-1]])
        assert left < 0.35 * np.std(np.diff(noisy[:, column], 2)[where[1:-1]])
    tops = clean[:, 0] > 0.9
    assume(tops.any())
    assert np.abs(smoothed[tops, 0] - clean[tops, 0]).max() < 4.5 * NOISE
    assert np.sqrt(np.mean((smoothed - clean) ** 2)) < 0.75 * NOISE


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_what_has_no_jitter_is_hardly_touched(seed: int, frames: int) -> None:
    """Straight lines come back, whatever the times; so does silence."""
    random = np.random.default_rng(seed)
    times = random_times(random, frames)
    slopes = random.normal(size=2)
    values = np.stack([np.full(frames, 0.7), slopes[0] * times + slopes[1]], axis=1)
    np.testing.assert_allclose(smooth(times, values), values, atol=1e-9)


def test_strength_none_changes_nothing() -> None:
    values = np.random.default_rng(0).random((50, 3))
    np.testing.assert_array_equal(smooth(np.arange(50.0), values, strength=0.0), values)


def test_more_strength_leaves_less_jitter() -> None:
    times = np.arange(300) / 30
    noisy = np.random.default_rng(0).normal(0, NOISE, (300, 4))
    left = [np.std(np.diff(smooth(times, noisy, strength), axis=0)) for strength in (0.3, 0.6, 1.0)]
    assert left[0] > left[1] > left[2]


def test_cuts_stay_sharp() -> None:
    """Nothing of one shot reaches the other, even where the step is as small as the jitter."""
    random = np.random.default_rng(0)
    times = np.arange(120) / 30
    values = random.normal(0, NOISE, (120, 1))
    values[60:] += 1.5 * NOISE
    with_break = smooth(times, values, breaks=[60])
    values[60:] += 5.0
    moved = smooth(times, values, breaks=[60])
    np.testing.assert_allclose(moved[:60], with_break[:60], atol=1e-9)
    np.testing.assert_allclose(moved[60:], with_break[60:] + 5.0, atol=1e-9)


def test_the_noise_is_measured_through_movement() -> None:
    random = np.random.default_rng(0)
    times = np.arange(600) / 30
    values = np.stack([blinking(times), 0.5 * np.sin(3 * times)], axis=1) + random.normal(0, NOISE, (600, 2))
    np.testing.assert_allclose(noise_level(times, values), NOISE, rtol=0.25)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_rotations_stay_rotations_and_grow_calm(seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.arange(200) / 30
    path = np.stack([0.5 * np.sin(times), 0.3 * np.cos(1.3 * times), 3.0 + 0.2 * np.sin(0.7 * times)], axis=1)
    clean = Rotation.from_rotvec(path)
    noisy = clean * Rotation.from_rotvec(random.normal(0, NOISE, path.shape))
    smoothed = smooth_rotations(times, noisy.as_matrix())
    identity = np.broadcast_to(np.eye(3), (200, 3, 3))
    np.testing.assert_allclose(smoothed @ smoothed.transpose(0, 2, 1), identity, atol=1e-9)
    assert np.linalg.det(smoothed) == pytest.approx(np.ones(200))
    error = (clean.inv() * Rotation.from_matrix(smoothed)).magnitude()
    assert np.sqrt(np.mean(error**2)) < 0.75 * np.sqrt(3) * NOISE


def test_the_live_filter_calms_and_follows() -> None:
    random = np.random.default_rng(0)
    times = np.arange(600) / 30
    clean = np.stack([blinking(times), np.zeros(600)], axis=1)
    noisy = clean + random.normal(0, NOISE, clean.shape)
    run = OneEuro()
    live = np.array([run(float(time), row) for time, row in zip(times, noisy, strict=True)])
    assert np.std(live[30:, 1]) < 0.75 * NOISE
    tops = np.nonzero((clean[:, 0] > 0.85) & (clean[:, 0] >= np.roll(clean[:, 0], 1)))[0]
    assert all(live[top : top + 2, 0].max() > 0.85 for top in tops)


def test_the_live_filter_starts_afresh_when_time_goes_back() -> None:
    run = OneEuro()
    run(10.0, np.array([0.0]))
    assert run(0.0, np.array([1.0])) == pytest.approx([1.0])
    assert 0.0 < run(0.03, np.array([0.0]))[0] < 1.0
