"""The ground behind a person."""

from __future__ import annotations

import numpy as np

from core.guidance.backdrop import spread, without_person


def test_an_even_ground_stays_even_behind_the_person_and_their_soft_edge() -> None:
    side = 128
    row, column = np.mgrid[:side, :side] - side / 2
    radius = np.hypot(row, column)
    alpha = np.clip((40 - radius) / 6 + 0.5, 0, 1)[..., None]
    ground, hair = np.array([0.7, 0.8, 0.6]), np.array([0.1, 0.05, 0.0])
    picture = (alpha * hair + (1 - alpha) * ground).astype(np.float32)
    mask = np.clip((39 - radius) / 2 + 0.5, 0, 1).astype(np.float32)  # tighter than the hair
    behind, seen = without_person(picture, mask)
    assert np.abs(behind - ground).max() < 0.12
    assert np.abs(behind - ground).mean() < 0.02
    assert seen[side // 2, side // 2] == 0 and seen[0, 0] == 1


def test_what_is_known_stays() -> None:
    random = np.random.default_rng(0)
    picture = random.random((64, 64, 3)).astype(np.float32)
    known = (random.random((64, 64)) > 0.5).astype(np.float32)
    filled = spread(picture, known)
    assert np.abs(filled - picture)[known > 0].max() < 1e-5
    assert filled.min() >= 0 and filled.max() <= 1
