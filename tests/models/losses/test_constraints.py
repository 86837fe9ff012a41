"""CPEM's constraints."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from core.arkit import ARKIT_INDEX, EXCLUSIVE_PAIRS
from models.losses.constraints import consistent_loss, exclusive_loss

SMILE, FROWN = ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["mouthFrownLeft"]


def test_frames_of_one_person_agree_with_their_mean() -> None:
    identity = torch.tensor([[1.0, 0.0], [5.0, 5.0], [3.0, 0.0], [5.0, 5.0]])
    # persons 9: mean (2, 0), each frame 1 off in one of two coefficients; persons 4: agree
    assert consistent_loss(identity, torch.tensor([9, 4, 9, 4])) == pytest.approx(2 / 8)
    assert consistent_loss(identity, torch.arange(4)) == 0


def test_the_mean_is_a_label_that_gets_no_gradient() -> None:
    make = torch.Generator().manual_seed(0)
    identity = torch.randn(6, 3, dtype=torch.float64, generator=make).requires_grad_()
    person = torch.tensor([0, 0, 0, 7, 7, 7])
    (gradient,) = torch.autograd.grad(consistent_loss(identity, person), identity)
    label = identity.detach().reshape(2, 3, 3).mean(dim=1).repeat_interleave(3, dim=0)
    step = 1e-6
    for frame in range(6):
        for k in range(3):
            nudge = torch.zeros_like(label)
            nudge[frame, k] = step
            up, down = ((identity.detach() + s * nudge - label).square().mean() for s in (1, -1))
            assert float(gradient[frame, k]) == pytest.approx(float(up - down) / (2 * step), abs=1e-8)


def test_the_weaker_unit_of_a_pair_goes() -> None:
    expression = torch.zeros(2, 52)
    expression[0, SMILE], expression[0, FROWN] = 0.6, 0.2
    assert exclusive_loss(expression) == pytest.approx(0.04 / 2)
    expression[0, SMILE], expression[0, FROWN] = 0.1, 0.5
    assert exclusive_loss(expression) == pytest.approx(0.01 / 2)


def test_units_that_go_together_are_free() -> None:
    expression = torch.zeros(1, 52)
    expression[0, [ARKIT_INDEX[n] for n in ("jawOpen", "mouthSmileLeft", "eyeBlinkLeft", "browInnerUp")]] = 1
    assert exclusive_loss(expression) == 0


def test_a_recorded_pair_is_left_alone() -> None:
    expression, truth = torch.zeros(1, 52), torch.zeros(1, 52)
    expression[0, SMILE], expression[0, FROWN] = 0.6, 0.2
    truth[0, SMILE] = 0.6
    assert exclusive_loss(expression, truth) == pytest.approx(0.04)
    truth[0, FROWN] = 0.2
    assert exclusive_loss(expression, truth) == 0


def test_exclusive_gradients_match_finite_differences() -> None:
    make = torch.Generator().manual_seed(3)
    expression = torch.rand(2, 52, dtype=torch.float64, generator=make)
    truth = torch.rand(2, 52, dtype=torch.float64, generator=make) * (expression > 0.5)
    apart = [
        (expression[:, ARKIT_INDEX[a]] - expression[:, ARKIT_INDEX[b]]).abs() for a, b in EXCLUSIVE_PAIRS
    ]
    assert min(float(distance.min()) for distance in apart) > 1e-4  # no winner changes within the difference
    expression.requires_grad_()
    assert gradcheck(exclusive_loss, expression)
    assert gradcheck(lambda e: exclusive_loss(e, truth), expression)
