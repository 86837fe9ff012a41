"""Priors of coefficients."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from models.losses.regularisers import coefficient_prior, sparsity_loss


def test_squared_lengths_count_with_the_papers_weights() -> None:
    identity, albedo = torch.tensor([[3.0, 4.0], [0.0, 1.0]]), torch.tensor([[10.0], [0.0]])
    assert coefficient_prior(identity, albedo) == pytest.approx(13 + 1.7e-3 * 50)
    assert coefficient_prior(identity, albedo, 0.0, 1.0) == pytest.approx(50)


def test_sparsity_is_the_mean_coefficient() -> None:
    expression = torch.zeros(2, 52)
    expression[0, :13] = 0.8
    assert sparsity_loss(expression) == pytest.approx(0.1)


def test_gradients_match_finite_differences() -> None:
    make = torch.Generator().manual_seed(0)
    identity, albedo = (torch.randn(2, n, dtype=torch.float64, generator=make) for n in (4, 3))
    assert gradcheck(coefficient_prior, (identity.requires_grad_(), albedo.requires_grad_()))
    expression = torch.rand(2, 52, dtype=torch.float64, generator=make) + 0.01
    assert gradcheck(sparsity_loss, expression.requires_grad_())
