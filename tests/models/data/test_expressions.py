"""What people in the training data do with their faces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arkit import ARKIT_INDEX, EXCLUSIVE_PAIRS
from models.data.expressions import CLIP_FRAMES, FRAMES, SHARED, ClipSampler, ExpressionSampler

TAKE = np.random.default_rng(3).uniform(0, 0.5, (100, 52)).astype(np.float32)


@given(st.integers(0, 2**32 - 1))
def test_expressions_without_a_take_hold_no_contradiction(seed: int) -> None:
    drawn = ExpressionSampler().expression(np.random.default_rng(seed))
    assert drawn.min() >= 0 and drawn.max() <= 1
    for a, b in EXCLUSIVE_PAIRS:
        assert min(drawn[ARKIT_INDEX[a]], drawn[ARKIT_INDEX[b]]) == 0
    assert drawn[ARKIT_INDEX["mouthClose"]] <= drawn[ARKIT_INDEX["jawOpen"]]


@given(st.integers(0, 2**32 - 1))
def test_people_of_a_pair_share_some_expressions_and_only_those(seed: int) -> None:
    sampler = ExpressionSampler(TAKE)
    one, other = (
        sampler.person(np.random.default_rng(seed), np.random.default_rng([seed, k])) for k in (0, 1)
    )
    assert one.shape == (FRAMES, 52)
    assert not one[0].any()
    shared = [np.array_equal(a, b) and a.any() for a, b in zip(one, other, strict=True)]
    assert sum(shared[3 : 3 + SHARED]) == SHARED
    assert sum(shared) == SHARED


def test_every_unit_is_drawn() -> None:
    rng = np.random.default_rng(0)
    drawn = np.stack([ExpressionSampler().expression(rng) for _ in range(1500)])
    assert (drawn > 0.5).any(axis=0).all()


def test_the_same_seeds_draw_the_same_person() -> None:
    sampler = ExpressionSampler(TAKE)
    one, again = (sampler.person(np.random.default_rng(1), np.random.default_rng(2)) for _ in range(2))
    np.testing.assert_array_equal(one, again)


def test_clips_play_the_whole_take_in_order() -> None:
    take = np.linspace(0, 1, 500, dtype=np.float32)[:, None].repeat(52, axis=1)
    played = ClipSampler(take).person(np.random.default_rng(0), np.random.default_rng(1))
    assert len(played) == CLIP_FRAMES
    assert (np.diff(played[:, 0]) > 0).all()
    assert played[0, 0] < 0.05 and played[-1, 0] == pytest.approx(1, abs=0.05)
