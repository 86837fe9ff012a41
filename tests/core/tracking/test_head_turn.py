"""How the fit's turns and learnt ones are joined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from core.face_model.registry import load_model
from core.tracking.clip_identity import head_points
from core.tracking.head_turn import joined_turns, placed, ray_rotation, turns_with_readings

TURNS = Rotation.from_rotvec(np.random.default_rng(0).normal(0, 0.3, (41, 3)))


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=2), st.floats(0.3, 3))
def test_a_ray_is_where_the_optical_axis_is_turned_to(aside: list[float], depth: float) -> None:
    direction = np.array([[*aside, depth]])
    turn = ray_rotation(direction)[0]
    np.testing.assert_allclose(turn @ [0, 0, 1], direction[0] / np.linalg.norm(direction), atol=1e-9)
    assert Rotation.from_matrix(turn).as_rotvec()[2] == 0  # the smallest turn does not roll


def test_where_both_say_the_same_nothing_changes() -> None:
    np.testing.assert_allclose(
        joined_turns(TURNS.as_matrix(), TURNS.as_matrix()), TURNS.as_matrix(), atol=1e-12
    )


@given(st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=3))
def test_the_zero_is_the_fits_whatever_the_learnt_one_is(offset: list[float]) -> None:
    learnt = (TURNS * Rotation.from_rotvec(offset)).as_matrix()
    np.testing.assert_allclose(joined_turns(TURNS.as_matrix(), learnt), TURNS.as_matrix(), atol=1e-9)


def test_small_nods_of_the_fit_become_larger_but_not_all_the_learnt_ones() -> None:
    nods = np.zeros((61, 3))
    nods[:, 0] = np.linspace(-0.3, 0.3, 61)
    fitted, learnt = (Rotation.from_rotvec(gain * nods).as_matrix() for gain in (0.8, 1.0))
    nod = Rotation.from_matrix(joined_turns(fitted, learnt)).as_rotvec()[:, 0]
    gain = np.polyfit(nods[:, 0], nod, 1)[0]
    assert 0.85 < gain < 0.98


def test_one_frame_is_left_to_the_fit() -> None:
    fitted, learnt = TURNS[:1].as_matrix(), TURNS[1:2].as_matrix()
    np.testing.assert_allclose(joined_turns(fitted, learnt), fitted, atol=1e-12)


def off(found: np.ndarray) -> np.ndarray:
    """Rotation vectors from the true turns, degrees."""
    return (TURNS.inv() * Rotation.from_matrix(found)).as_rotvec(degrees=True)


def test_a_sure_reader_is_followed_and_a_doubtful_one_is_not() -> None:
    joined = (TURNS * Rotation.from_euler("x", 4, degrees=True)).as_matrix()
    sizes = [
        np.linalg.norm(off(turns_with_readings(joined, TURNS.as_matrix(), np.full((41, 3), std))), axis=1)
        for std in (1e-4, np.radians(2), 10.0)
    ]
    np.testing.assert_allclose(sizes[0], 0, atol=0.01)
    np.testing.assert_allclose(sizes[1], 2, atol=0.05)  # the zero is as doubtful on both sides
    np.testing.assert_allclose(sizes[2], 4, atol=0.01)


def test_two_that_err_on_their_own_are_better_together() -> None:
    rng = np.random.default_rng(2)
    joined, read = (
        (TURNS * Rotation.from_rotvec(rng.normal(0, np.radians(size), (41, 3)))).as_matrix()
        for size in (0.9, 1.2)
    )
    both = turns_with_readings(joined, read, np.full((41, 3), np.radians(1.2)))
    error = [np.linalg.norm(off(turns), axis=1).mean() for turns in (joined, read, both)]
    assert error[2] < 0.9 * min(error[:2])


def test_where_frames_were_not_read_all_take_the_zero_alone() -> None:
    joined = (TURNS * Rotation.from_euler("x", 4, degrees=True)).as_matrix()
    read, std = TURNS.as_matrix(), np.full((41, 3), np.radians(2))
    read[::3], std[::3] = np.eye(3), np.inf
    found = turns_with_readings(joined, read, std)
    np.testing.assert_allclose(off(found), np.tile([2.0, 0, 0], (41, 1)), atol=0.05)
    np.testing.assert_array_equal(turns_with_readings(joined, read, np.full((41, 3), np.inf)), joined)


def test_heads_of_known_rotation_are_put_where_their_landmarks_are() -> None:
    head, rng = head_points(load_model("anny")), np.random.default_rng(1)
    rotation = np.diag([1.0, -1.0, -1.0]) @ Rotation.from_rotvec(rng.normal(0, 0.2, (5, 3))).as_matrix()
    away = rng.normal((0.0, 0.0, 0.7), 0.05, (5, 3))
    coefficients = rng.uniform(0, 0.5, (5, 52))
    points = (head.rest + np.tensordot(coefficients, head.units, axes=1)) @ rotation.transpose(0, 2, 1)
    points = points + away[:, None]
    pixels = points[..., :2] / points[..., 2:] * 900 + (320, 240)
    landmarks = np.concatenate([pixels, points[..., 2:]], axis=2)
    found = placed(head, coefficients, rotation, landmarks, 900.0, (320.0, 240.0))
    assert found == pytest.approx(away, abs=1e-9)
