"""JR2Net's activation loss."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from models.losses.activation import activation_loss


@pytest.mark.parametrize(
    ("said", "true", "expected"),
    [(0.5, 0.2, 0.15), (0.1, 0.4, 0.12), (0.0, 1.0, 1.0), (0.3, 0.0, 0.09), (0.7, 0.7, 0.0)],
)
def test_an_error_counts_as_much_as_the_unit_is_active(said: float, true: float, expected: float) -> None:
    expression, truth = torch.zeros(1, 52), torch.zeros(1, 52)
    expression[0, 3], truth[0, 3] = said, true
    assert activation_loss(expression, truth) == pytest.approx(expected / 52)


def test_units_that_cannot_be_seen_do_not_count() -> None:
    expression, truth, known = torch.zeros(2, 52), torch.zeros(2, 52), torch.zeros(2, 52)
    expression[:, :2] = 0.5
    known[0, :2] = 1
    known[1, 5] = 1
    assert activation_loss(expression, truth, known) == pytest.approx(0.5 / 3)
    assert activation_loss(expression, truth, torch.zeros(2, 52)) == 0


def test_gradients_match_finite_differences() -> None:
    make = torch.Generator().manual_seed(0)
    expression, truth = (torch.rand(2, 52, dtype=torch.float64, generator=make) for _ in range(2))
    known = (torch.rand(2, 52, generator=make) > 0.3).double()
    assert float((expression - truth).abs().min()) > 1e-4
    assert gradcheck(lambda e: activation_loss(e, truth), expression.requires_grad_())
    assert gradcheck(lambda e: activation_loss(e, truth, known), expression)
