from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.retarget.smoothing import smooth_track
from core.track import Shot
from tests.tracks import make_track


def test_jitter_goes_and_cuts_stay() -> None:
    track = make_track(120)
    rng = np.random.default_rng(0)
    level = np.where(np.arange(120) < 60, 0.2, 0.8)[:, None]
    noisy = np.clip(level + rng.normal(0, 0.02, (120, 52)), 0, 1).astype(np.float32)
    cut = replace(track, coefficients=noisy, shots=(Shot(0), Shot(60)), lost=())
    calm = smooth_track(cut).coefficients
    assert np.abs(calm - level).mean() < 0.5 * np.abs(noisy - level).mean()
    assert np.abs(calm[58:62] - level[58:62]).max() < 0.06


def test_zero_changes_nothing_and_rotations_stay_rotations() -> None:
    track = make_track(40)
    assert smooth_track(track, 0.0) is track
    turned = smooth_track(track, 2.0).head_rotation
    np.testing.assert_allclose(
        turned @ turned.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turned.shape), atol=1e-5
    )
