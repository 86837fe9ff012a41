"""Flow, visibility and layers, on a head whose every pixel is known."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.guidance.guide import Guide
from core.guidance.source import Source
from tests.core.guidance.heads import BACK, FOCAL, SIDE, pictured_head, state


@pytest.fixture(scope="module")
def source() -> Source:
    return pictured_head()


@pytest.fixture(scope="module")
def guide(source: Source) -> Guide:
    return Guide(source)


def test_the_sources_own_state_gives_the_source_back(guide: Guide, source: Source) -> None:
    guidance, plain = guide(source.state)
    head = source.person > 0
    assert np.abs(guidance.flow).max() < 0.05
    assert guidance.visible[0][head].min() > 0.9
    assert np.abs(plain[0] - source.picture)[head].max() < 0.02
    assert np.abs(plain[0] - source.picture)[~head].max() < 0.02


def test_flow_is_where_each_point_of_the_head_was(guide: Guide) -> None:
    """Equation 3: a head that only moves sideways by d comes from f d / z pixels to the other side."""
    d = 0.02
    guidance, _ = guide(state(move=(d, 0, 0)))
    on_head = guidance.masks[0, ..., 0] > 0.5
    wanted = -FOCAL * d / guidance.depth[0][on_head]
    assert np.abs(guidance.flow[0][on_head, 0] - wanted).max() < 0.05
    assert np.abs(guidance.flow[0][on_head, 1]).max() < 0.05


def test_what_the_source_hides_is_not_visible(guide: Guide) -> None:
    """Equation 4: none of the head's back, most of it when it turns a little."""

    def seen(yaw: float) -> float:
        guidance, _ = guide(state(yaw))
        return float(guidance.visible[0][np.isfinite(guidance.depth[0])].mean())

    assert seen(np.pi) < 0.1
    assert 0.6 < seen(0.4) < seen(0.15) <= 1


def test_the_ground_behind_a_head_that_left_is_filled_and_marked(guide: Guide, source: Source) -> None:
    guidance, plain = guide(state(move=(0.2, 0, 0)))
    left = (source.person > 0) & (guidance.masks[0, ..., 3] > 0.99)
    assert left.sum() > 500
    assert guidance.visible[0][left].max() < 0.5
    assert np.abs(plain[0][left] - BACK).max() < 0.1


def test_an_expression_moves_what_it_moves(guide: Guide) -> None:
    still, _ = guide(state())
    moved, _ = guide(state(jawOpen=1.0))
    apart = np.linalg.norm(moved.flow - still.flow, axis=-1)[0]
    assert apart[still.masks[0, ..., 0] > 0.5].max() > 0.3
    assert apart[still.masks[0, ..., 3] > 0.99].max() < 1e-3


@settings(max_examples=12, deadline=None)
@given(
    yaw=st.floats(-3.2, 3.2), x=st.floats(-0.6, 0.6), y=st.floats(-0.6, 0.6), z=st.floats(-0.8, 3.0),
    jaw=st.floats(0, 1),
)  # fmt: skip
def test_whatever_the_head_does_every_pixel_is_a_number(
    guide: Guide, yaw: float, x: float, y: float, z: float, jaw: float
) -> None:
    guidance, plain = guide(state(yaw, (x, y, z), jawOpen=jaw))
    for entry in fields(guidance):
        values = getattr(guidance, entry.name)
        assert not np.isnan(values).any()
        assert values.shape[1:3] == (SIDE, SIDE)
    assert np.abs(guidance.masks.sum(axis=-1) - 1).max() < 1e-5
    assert plain.min() >= 0 and plain.max() <= 1
    assert ((guidance.visible >= 0) & (guidance.visible <= 1)).all()
