"""What the judge's figures say of heads whose answers are known. No photo is needed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import ndarray

from tests.benchmarks.heads_support.nearest import nearest_points
from tests.benchmarks.heads_support.plausibility import MEASURES, measures
from tests.benchmarks.heads_support.shape_error import TrueFace, shape_error
from tests.benchmarks.heads_support.store import from_arrays, to_arrays


def _sheet(count: int) -> tuple[ndarray, ndarray]:
    """A curved sheet of 20 cm, cut into triangles."""
    across = np.linspace(-0.1, 0.1, count)
    x, y = (values.ravel() for values in np.meshgrid(across, across))
    z = 0.05 * np.cos(9 * x) * np.cos(7 * y) + 0.1 * x * y + 0.2 * x
    corner = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    first = np.stack([corner, corner + 1, corner + count], axis=1)
    second = np.stack([corner + 1, corner + count + 1, corner + count], axis=1)
    return np.stack([x, y, z], axis=1), np.concatenate([first, second])


def test_the_nearest_point_is_exact_among_slivers() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(-1, 1, (150, 1, 3)) + rng.normal(0, [2.0, 0.02, 0.2], (150, 3, 3))
    triangles = np.arange(450).reshape(150, 3)
    points = rng.uniform(-1.5, 1.5, (60, 3))
    distance, place, found = nearest_points(points, corners.reshape(-1, 3), triangles)
    # every triangle by itself
    alone = [
        nearest_points(points, corners.reshape(-1, 3), triangles[[t]], np.zeros(60, np.int64))[0]
        for t in range(150)
    ]
    assert np.array_equal(distance, np.min(alone, axis=0))
    assert np.array_equal(np.array(alone)[found, np.arange(60)], distance)
    assert np.allclose(np.linalg.norm(place - points, axis=1), distance)
    sampled = np.einsum("sk,tkd->tsd", rng.dirichlet(np.ones(3), 150), corners)
    gaps = np.linalg.norm(points[:, None, None] - sampled[None], axis=-1).min(axis=(1, 2))
    assert (distance <= gaps + 1e-12).all()


def test_a_head_moved_turned_and_scaled_is_no_error_and_a_raised_one_is() -> None:
    vertices, triangles = _sheet(41)
    marks = np.linspace(0, len(vertices) - 1, 12).astype(int)
    landmarks = np.zeros((478, 3))
    landmarks[:12] = vertices[marks]
    truth = TrueFace(1.3 * vertices @ np.diag([-1.0, -1, 1]) + 0.4, np.zeros((12, 3)), np.arange(12))
    truth = TrueFace(truth.face, truth.face[marks], truth.which)
    assert shape_error(truth, vertices, triangles, landmarks).p90 < 1e-6
    bent = vertices + np.array([0, 0, 0.004]) * np.sin(40 * vertices[:, :1])
    error = shape_error(truth, bent, triangles, landmarks)
    assert 1.0 < error.median < 1.3 * 4 and error.median < error.mean + 1 and error.mean < error.p90


def test_measures_know_no_size_place_or_turn_and_say_which_way_a_chin_goes() -> None:
    rng = np.random.default_rng(1)
    marks = np.zeros((478, 3))
    for index, place in (
        (33, (-0.045, 0, 0)), (263, (0.045, 0, 0)), (61, (-0.025, -0.07, 0.01)), (291, (0.025, -0.07, 0.01)),
        (168, (0, 0, 0.02)), (2, (0, -0.045, 0.03)), (1, (0, -0.035, 0.05)), (98, (-0.015, -0.04, 0.03)),
        (327, (0.015, -0.04, 0.03)), (199, (0, -0.1, 0.01)), (172, (-0.055, -0.07, -0.05)),
        (397, (0.055, -0.07, -0.05)),
    ):  # fmt: skip
        marks[index] = place
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    assert measures(1.7 * marks @ turn.T + 3) == pytest.approx(measures(marks))
    before = dict(zip(MEASURES, measures(marks), strict=True))
    marks[199, 2] += 0.01
    marks[1, 2] += 0.01
    after = dict(zip(MEASURES, measures(marks), strict=True))
    assert after["chin"] > before["chin"] + 0.1 and after["nose tip"] > before["nose tip"] + 0.1
    assert after["jaw width"] == before["jaw width"] and after["nose length"] == before["nose length"]


def test_what_is_kept_comes_back_as_it_was() -> None:
    truth = TrueFace(np.ones((2, 3)), np.zeros((1, 3)), np.array([4]))
    back = from_arrays(TrueFace, to_arrays(truth, "truth"), "truth")
    assert back is not None and np.array_equal(back.face, truth.face) and back.which.tolist() == [4]
    assert from_arrays(TrueFace, {}, "truth") is None
