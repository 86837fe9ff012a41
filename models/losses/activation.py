"""JR2Net's loss of expressions whose truth is known."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def activation_loss(
    expression: Float[Tensor, "frames 52"],
    truth: Float[Tensor, "frames 52"],
    known: Float[Tensor, "frames 52"] | None = None,
) -> Float[Tensor, ""]:
    """max(β, β_gt) · |β - β_gt| (JR2Net, "Tracking network"), mean over the units that are known.

    Most units are at rest in most pictures, and a plain l1 loss is content with saying so; here an error
    counts as much as the unit is active, in truth or by mistake. The paper prints the difference without
    bars; without them less would always be better.

    Args:
        known: 1 where a unit's truth can be seen in the picture, else 0; all where not given.
    """
    error = torch.maximum(expression, truth) * (expression - truth).abs()
    if known is None:
        return error.mean()
    return (known * error).sum() / known.sum().clamp_min(1)
