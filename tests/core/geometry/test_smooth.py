"""The one smooth ramp."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.geometry.smooth import smoothstep

edge = st.floats(-10, 10)
width = st.floats(1e-3, 10)


@given(edge, width, st.integers(0, 1000))
def test_it_rises_from_0_to_1_point_symmetric_about_its_middle(low: float, width: float, seed: int) -> None:
    high = low + width
    share = np.sort(np.random.default_rng(seed).uniform(-0.5, 1.5, 50))
    values = smoothstep(low + share * width, low, high)
    assert values.min() >= 0 and values.max() <= 1
    assert (values[share < -1e-3] == 0).all() and (values[share > 1.001] == 1).all()
    assert (np.diff(values) >= -1e-9).all()
    mirrored = smoothstep(low + (1 - share) * width, low, high)
    np.testing.assert_allclose(values + mirrored, 1, atol=1e-9)


@given(edge, width)
def test_it_is_level_at_both_ends_and_steepest_in_the_middle(low: float, width: float) -> None:
    step = 1e-4
    share = np.array([0.0, 0.5, 1.0])
    before, after = (smoothstep(low + (share + s) * width, low, low + width) for s in (-step, step))
    np.testing.assert_allclose((after - before) / (2 * step), [0, 1.5, 0], atol=2e-3)
