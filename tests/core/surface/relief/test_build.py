"""How photos' relief is shared out between the face at rest and its wrinkles."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pytest

from core.face_model.model import FaceModel
from core.retarget.wrinkles import WRINKLES
from core.surface.atlas import Atlas, landmark_uv
from core.surface.relief import NEUTRAL, PhotoRelief, build_relief, trust_in_relief
from core.surface.types import ReliefMap

SIZE = 512
RAISED = {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}


@pytest.fixture(scope="module")
def atlas(model: FaceModel) -> Atlas:
    return Atlas.of(model, SIZE)


@pytest.fixture(scope="module")
def forehead(atlas: Atlas) -> np.ndarray:
    """Lines 5 mm apart across the middle of the forehead, 0.4 mm high, metres."""
    centre = atlas.texels(landmark_uv(atlas.model))[[151, 9]].mean(axis=0)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    away = np.hypot((columns - centre[0]) / 45, (rows - centre[1]) / 18)
    heights = 4e-4 * np.sin(rows * (2 * np.pi * 0.8 / 5)) * np.exp(-0.5 * away**4)
    return (heights * atlas.covers("skin")).astype(np.float32)


def _seen(atlas: Atlas, heights: np.ndarray) -> PhotoRelief:
    face = atlas.covers("skin").astype(np.float32)
    return PhotoRelief(heights.astype(np.float32), np.zeros_like(face), face)


def _build(atlas: Atlas, *photos: tuple[PhotoRelief | None, Mapping[str, float]]) -> dict[str, ReliefMap]:
    return build_relief(atlas, atlas.model.template, photos)


def test_without_a_photo_that_shows_relief_the_usual_folds_are_taken(atlas: Atlas) -> None:
    usual, unresolved = _build(atlas), _build(atlas, (None, {}))
    assert NEUTRAL not in usual
    assert set(usual) < set(WRINKLES)
    for name, relief in usual.items():
        assert relief.measured == 0
        np.testing.assert_array_equal(relief.heights, unresolved[name].heights)


def test_what_a_face_shows_at_rest_stays_at_rest(atlas: Atlas, forehead: np.ndarray) -> None:
    usual = _build(atlas)
    built = _build(atlas, (_seen(atlas, forehead), {}))
    where = np.abs(forehead) > 1e-4
    share = (built[NEUTRAL].heights * forehead)[where].sum() / (forehead**2)[where].sum()
    assert 0.5 < share < 1
    assert 0.3 < built[NEUTRAL].measured < 1
    for name, relief in usual.items():
        np.testing.assert_array_equal(built[name].heights, relief.heights)
        assert built[name].measured == 0


def test_lines_that_come_with_an_expression_go_with_it(atlas: Atlas, forehead: np.ndarray) -> None:
    flat = np.zeros_like(forehead)
    built = _build(atlas, (_seen(atlas, flat), {}), (_seen(atlas, forehead), RAISED))
    where = np.abs(forehead) > 1e-4
    raised = built["wrinkle_brow_raise"]
    agreement = np.corrcoef(raised.heights[where], forehead[where])[0, 1]
    assert agreement > 0.85
    assert np.abs(built[NEUTRAL].heights[where]).mean() < 0.25 * np.abs(forehead[where]).mean()
    assert raised.measured > 0.5
    assert built["wrinkle_chin"].measured == pytest.approx(0, abs=1e-6)


def test_the_maps_of_a_photo_add_up_to_what_it_shows(atlas: Atlas, forehead: np.ndarray) -> None:
    expression = {"browInnerUp": 0.5, "mouthSmileLeft": 0.4}
    built = _build(atlas, (_seen(atlas, forehead), expression))
    total = built[NEUTRAL].heights.copy()
    for name, relief in built.items():
        if name != NEUTRAL:
            weights = WRINKLES[name].weights
            total += sum(w * expression.get(unit, 0) for unit, w in weights.items()) * relief.heights
    where = np.abs(forehead) > 1e-4
    error = np.sqrt(np.mean((total - forehead)[where] ** 2) / np.mean(forehead[where] ** 2))
    assert error < 0.45


def test_more_photos_say_more(atlas: Atlas, forehead: np.ndarray) -> None:
    random = np.random.default_rng(5)
    noisy = [
        _seen(atlas, forehead + 2e-4 * cv2.GaussianBlur(random.normal(size=forehead.shape), (0, 0), 1))
        for _ in range(4)
    ]
    where = np.abs(forehead) > 1e-4
    one, four = (
        np.abs(_build(atlas, *[(seen, {}) for seen in photos])[NEUTRAL].heights - forehead)[where].mean()
        for photos in (noisy[:1], noisy)
    )
    assert four < 0.7 * one


def test_of_photos_alike_the_best_is_asked_and_of_others_each() -> None:
    good, poor, bare = (
        np.full((4, 4), 0.9, np.float32),
        np.full((4, 4), 0.5, np.float32),
        np.ones((4, 4), np.float32),
    )
    first, second = trust_in_relief([good, poor], [{}, {"browInnerUp": 0.1}], bare)
    assert first.min() == 1 and second.max() < 0.1
    first, second = trust_in_relief([good, poor], [{}, RAISED], bare)
    assert first.min() == 1 and second.min() == 1
    assert not trust_in_relief([good], [{}], 0 * bare)[0].any()
