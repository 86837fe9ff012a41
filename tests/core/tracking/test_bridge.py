from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from core.tracking.bridge import EASE, bridge_poses, bridge_values, spans


@given(st.lists(st.booleans(), max_size=40))
def test_spans_cover_exactly_the_true_frames(mask: list[bool]) -> None:
    covered = np.zeros(len(mask), bool)
    for first, end in spans(np.array(mask, bool)):
        assert first < end and not covered[first:end].any()
        covered[first:end] = True
    assert covered.tolist() == mask


def test_a_short_gap_is_bridged_in_a_line() -> None:
    times = np.arange(6) / 30
    values = np.array([[0.0], [0.2], [9.0], [9.0], [0.8], [1.0]])
    found = np.array([True, True, False, False, True, True])
    np.testing.assert_allclose(bridge_values(times, values, found)[2:4, 0], [0.4, 0.6])


def test_a_long_gap_rests_instead_of_freezing() -> None:
    times = np.arange(120) / 30
    found = np.ones(120, bool)
    found[20:100] = False
    filled = bridge_values(times, np.full((120, 2), 0.8), found)
    np.testing.assert_allclose(filled[found], 0.8)
    assert np.abs(np.diff(filled, axis=0)).max() < 0.25  # eased, not dropped
    middle = (times > times[19] + EASE + 0.05) & (times < times[100] - EASE - 0.05)
    np.testing.assert_allclose(filled[middle], 0.0, atol=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_bridged_values_stay_between_rest_and_what_was_seen(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = rng.random(50) > 0.5
    values = rng.random((50, 3))
    times = np.cumsum(rng.uniform(0.01, 0.2, 50))
    filled = bridge_values(times, values, found)
    np.testing.assert_array_equal(filled[found], values[found])
    assert filled.min() >= 0 and filled.max() <= 2  # both ends of a gap may add up where they meet


def test_poses_turn_over_the_gap_and_hold_at_the_ends() -> None:
    times = np.arange(10) / 10
    angles = np.linspace(0, 0.9, 10)
    rotation = Rotation.from_rotvec(np.outer(angles, [0, 1, 0])).as_matrix()
    translation = np.outer(angles, [1.0, 0.0, 0.0])
    found = np.array([0, 1, 1, 0, 0, 0, 1, 1, 0, 0], bool)
    turned, moved = bridge_poses(
        times,
        np.where(found[:, None, None], rotation, np.eye(3)),
        translation * found[:, None],
        found,
        [0],
    )
    np.testing.assert_allclose(turned[3:6], rotation[3:6], atol=1e-6)
    np.testing.assert_allclose(moved[3:6], translation[3:6], atol=1e-6)
    np.testing.assert_allclose(turned[[0, 8, 9]], rotation[[1, 7, 7]], atol=1e-6)


def test_a_shot_without_a_face_takes_the_nearest_pose() -> None:
    found = np.array([1, 1, 0, 0, 1], bool)
    translation = np.arange(5.0)[:, None] * np.ones(3)
    _, moved = bridge_poses(np.arange(5.0), np.tile(np.eye(3), (5, 1, 1)), translation, found, [0, 2, 4])
    np.testing.assert_allclose(moved[2:4], 1.0)
