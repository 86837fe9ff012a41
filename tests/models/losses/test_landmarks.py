"""Landmarks, lids and lips."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from core.landmark_topology import FACE_OVAL, LIP_PAIRS
from models.losses.landmarks import (
    EYELID_PAIRS,
    closure_loss,
    eye_closure_loss,
    landmark_loss,
    landmark_weights,
    lip_closure_loss,
)

NOSE, CHIN = 1, 152


def test_the_contour_counts_a_tenth_of_the_inner_face() -> None:
    weights = landmark_weights()
    assert sorted(torch.nonzero(weights == 1).flatten().tolist()) == sorted(FACE_OVAL)
    assert weights[NOSE] == 10
    seen = torch.zeros(1, 478, 2)
    for landmark, expected in ((NOSE, 10 * 25 / 478), (CHIN, 25 / 478)):
        projected = seen.clone()
        projected[0, landmark] = torch.tensor([3.0, -4.0])
        assert landmark_loss(projected, seen, weights) == pytest.approx(expected)


def test_a_blink_that_is_not_seen_is_the_closure_loss() -> None:
    seen, projected = torch.zeros(1, 478, 2), torch.zeros(1, 478, 2)
    upper, lower = EYELID_PAIRS[0]
    seen[0, lower, 1] = 6.0  # open by 6 pixels, drawn open by 2 and 1 to the side
    projected[0, lower] = torch.tensor([1.0, 2.0])
    assert eye_closure_loss(projected, seen) == pytest.approx(5.0)
    assert lip_closure_loss(projected, seen) == 0
    assert closure_loss(projected, seen, [(upper, lower)]) == pytest.approx(5.0)


def test_openings_do_not_depend_on_where_the_face_is() -> None:
    seen = torch.rand(2, 478, 2, dtype=torch.float64)
    moved = seen + torch.tensor([7.0, -3.0], dtype=torch.float64)
    assert float(eye_closure_loss(moved, seen)) == pytest.approx(0, abs=1e-10)
    assert float(lip_closure_loss(moved, seen)) == pytest.approx(0, abs=1e-10)
    assert landmark_loss(moved, seen, landmark_weights().double()) > 50


def test_the_mean_over_the_batch_counts() -> None:
    seen, projected = torch.zeros(2, 478, 2), torch.zeros(2, 478, 2)
    projected[1, LIP_PAIRS[0][0], 1] = 3.0
    assert lip_closure_loss(projected, seen) == pytest.approx(1.5)


def test_gradients_match_finite_differences() -> None:
    make = torch.Generator().manual_seed(1)
    few = [0, 13, 14, 152, 159, 145]
    seen, weights = torch.rand(2, 6, 2, dtype=torch.float64, generator=make), landmark_weights()[few].double()
    projected = torch.rand(2, 6, 2, dtype=torch.float64, generator=make).requires_grad_()
    assert gradcheck(lambda p: landmark_loss(p, seen, weights), projected)
    assert gradcheck(lambda p: closure_loss(p, seen, [(1, 2), (4, 5)]), projected)


@pytest.mark.parametrize("loss", [eye_closure_loss, lip_closure_loss])
def test_closure_gradients_match_finite_differences(loss: object) -> None:
    assert callable(loss)
    make = torch.Generator().manual_seed(2)
    seen, start, way = (torch.rand(1, 478, 2, dtype=torch.float64, generator=make) for _ in range(3))
    along = torch.zeros((), dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda t: loss(start + t * way, seen), along)
