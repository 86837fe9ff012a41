"""Key reduction keeps its word."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_addon.retarget.keys import reduced_keys as reduced_in_blender
from core.retarget.keys import reduced_keys


def redrawn(times: np.ndarray, values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Straight lines through the keys."""
    columns = [np.interp(times, times[k], v[k]) for v, k in zip(values.T, kept.T, strict=True)]
    return np.stack(columns, axis=1)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    frames=st.integers(1, 120),
    channels=st.integers(1, 4),
    error=st.sampled_from([0.0, 1e-4, 0.01, 0.1, 1.0]),
)
def test_lines_through_the_keys_stay_within_the_bound(
    seed: int, frames: int, channels: int, error: float
) -> None:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.001, 0.1, frames))
    values = np.cumsum(random.normal(0, 0.05, (frames, channels)), axis=0)
    kept = reduced_keys(times, values, error)
    assert kept[0].all() and kept[-1].all()
    assert np.abs(redrawn(times, values, kept) - values).max() <= error + 1e-9
    # the add-on has no Numba and a routine of its own for head and eyes
    own = [reduced_in_blender(times, column, error) for column in values.T]
    np.testing.assert_array_equal(np.stack(own, axis=1), kept)


def test_lines_need_only_their_ends() -> None:
    times = np.arange(100) / 30
    values = np.stack([np.zeros(100), 0.3 * times, np.abs(times - times[40])], axis=1)
    kept = reduced_keys(times, values, 1e-9)
    assert [np.nonzero(column)[0].tolist() for column in kept.T] == [[0, 99], [0, 99], [0, 40, 99]]


def test_a_wider_bound_needs_fewer_keys() -> None:
    times = np.arange(500) / 30
    values = np.sin(times)[:, None]
    counts = [reduced_keys(times, values, error).sum() for error in (0.002, 0.02, 0.1)]
    assert counts[0] > counts[1] > counts[2] and counts[0] < 250


def test_nothing_to_reduce() -> None:
    assert reduced_keys(np.zeros(0), np.zeros((0, 3)), 0.1).shape == (0, 3)
    assert reduced_keys(np.arange(3.0), np.zeros((3, 0)), 0.1).shape == (3, 0)
