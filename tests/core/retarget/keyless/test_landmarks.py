"""Landmarks as a document, and edited."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LandmarksUnreadable
from core.retarget.keyless.landmarks import NAMED, Landmarks, edited, load_landmarks, save_landmarks
from core.retarget.keyless.placement import Placement, fit_similarity


def _landmarks(seed: int = 0) -> Landmarks:
    return Landmarks(np.random.default_rng(seed).normal(size=(478, 3)), np.ones(478, bool))


def test_named_points_come_back_from_json(tmp_path: Path) -> None:
    landmarks = _landmarks()
    save_landmarks(landmarks, tmp_path / "face.json")
    points = load_landmarks(tmp_path / "face.json")
    assert set(points) == set(NAMED) and len(set(NAMED.values())) == len(NAMED)
    for name, place in points.items():
        np.testing.assert_array_equal(place, landmarks.positions[NAMED[name]])
    same = edited(landmarks, points)
    assert same is not None
    np.testing.assert_array_equal(same.positions, landmarks.positions)


def test_a_moved_point_takes_its_surroundings_along() -> None:
    landmarks = _landmarks()
    near = NAMED["nose_tip"] + 3  # no named one
    landmarks.positions[near] = landmarks.positions[NAMED["nose_tip"]] + 1e-3
    wanted = landmarks.positions[NAMED["nose_tip"]] + [0.1, 0.0, 0.0]
    moved = edited(landmarks, {"nose_tip": wanted})
    assert moved is not None
    np.testing.assert_array_equal(moved.positions[NAMED["nose_tip"]], wanted)
    np.testing.assert_allclose(moved.positions[near] - landmarks.positions[near], [0.1, 0, 0], atol=5e-3)
    for name, index in NAMED.items():
        if name != "nose_tip":
            np.testing.assert_allclose(moved.positions[index], landmarks.positions[index], atol=1e-9)


def test_points_alone_are_landmarks_too() -> None:
    only = edited(None, {"chin": np.ones(3)})
    assert only is not None and only.known.sum() == 1 and edited(None, None) is None


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"schema": 2},
        {"points": {"elbow": [0, 0, 0]}},
        {"points": {"chin": [0, 0]}},
        {"points": {"chin": [0, 0, "x"]}},
        {"points": []},
    ],
)
def test_damaged_documents_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    save_landmarks(_landmarks(), tmp_path / "face.json")
    document = {**json.loads((tmp_path / "face.json").read_text()), **change}
    (tmp_path / "face.json").write_text(json.dumps(document))
    with pytest.raises(LandmarksUnreadable, match="cannot be read"):
        load_landmarks(tmp_path / "face.json")


def test_a_missing_document_is_named(tmp_path: Path) -> None:
    with pytest.raises(LandmarksUnreadable, match=r"none\.json"):
        load_landmarks(tmp_path / "none.json")


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.floats(1e-3, 1e3))
def test_a_similarity_is_found_in_spite_of_outliers(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    true = Placement(scale, turn, rng.normal(size=3))
    points = rng.normal(size=(60, 3))
    aim = true.to_rig(points)
    aim[:6] += scale * rng.normal(size=(6, 3))
    found, _ = fit_similarity(points, aim)
    np.testing.assert_allclose(found.to_rig(points[6:]), aim[6:], atol=1e-6 * max(scale, 1))
    np.testing.assert_allclose(found.to_mesh(found.to_rig(points)), points, atol=1e-9)
