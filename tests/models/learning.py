"""A few steps of training on a handful of pictures, and how far expressions are off."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def learn(
    net: nn.Module, terms: Callable[[float], dict[str, Tensor]], steps: int, rate: float = 3e-3
) -> list[float]:
    """Losses of the steps; ``terms`` is given the part of training that is over."""
    parameters = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(parameters, rate)
    losses = []
    net.train()
    for step in range(steps):
        loss = torch.stack(list(terms(step / steps).values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def expression_errors(said: Tensor, truth: Tensor) -> tuple[float, float]:
    """Mean error of the units that are active in truth, and of those at rest."""
    error, active = (said - truth).abs().detach(), truth > 0.1
    return float(error[active].mean()), float(error[~active].mean())


def assert_expressions_learnt(first: Tensor, last: Tensor, truth: Tensor) -> None:
    """Both the units that are active in truth and those at rest are nearer to it than at first."""
    (active, idle), (active_after, idle_after) = (expression_errors(said, truth) for said in (first, last))
    assert active_after < 0.9 * active and idle_after < 0.9 * idle
