"""Pulls towards what is likely."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def coefficient_prior(
    identity: Float[Tensor, "batch identity"],
    albedo: Float[Tensor, "batch albedo"],
    identity_weight: float = 1.0,
    albedo_weight: float = 1.7e-3,
) -> Float[Tensor, ""]:
    """Squared lengths of whitened coefficients (CPEM eq. 9, with its weights), mean over the batch."""
    return identity_weight * _squared_length(identity) + albedo_weight * _squared_length(albedo)


def sparsity_loss(expression: Float[Tensor, "batch 52"]) -> Float[Tensor, ""]:
    """Mean absolute coefficient (L_sp of CPEM eq. 5): few units explain most expressions."""
    return expression.abs().mean()


def _squared_length(coefficients: Tensor) -> Tensor:
    return coefficients.square().sum(dim=1).mean()
