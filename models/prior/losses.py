"""What the network is trained for: right coefficients, and CPEM's two constraints.

CPEM (Liu et al., 2022) learns from photos without truth; here rendered faces give the truth, and the
constraints are about what the network may do where landmarks alone leave a choice.
"""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from core.face_model.arkit import ARKIT_INDEX, EXCLUSIVE_PAIRS
from models.prior.network import Estimate

_FIRST: Final = [ARKIT_INDEX[a] for a, _ in EXCLUSIVE_PAIRS]
_SECOND: Final = [ARKIT_INDEX[b] for _, b in EXCLUSIVE_PAIRS]
_ABSENT: Final = 0.02  # a true coefficient below this is not there
_ACTIVE: Final = 3.0  # how much more an error counts at coefficient 1 than at 0


def coefficient_loss(
    estimate: Estimate, truth: Float[Tensor, "frames 52"], known: Float[Tensor, "frames 52"]
) -> Tensor:
    """Error of the coefficients, and the Gaussian likelihood of the errors under the deviations.

    The likelihood trains the deviations alone, so that hard coefficients are not given up.

    Args:
        known: 1 where the truth can be seen in the picture, else 0.
    """
    error = estimate.coefficients - truth
    weight = known * (1 + _ACTIVE * truth)
    size = error.abs()
    mean = (weight * (size + 3 * size.square())).sum() / known.sum()
    variance = estimate.deviation.square()
    likelihood = known * (error.detach().square() / variance + variance.log()) / 2
    return mean + 0.2 * likelihood.sum() / known.sum()


def identity_loss(neutral: Float[Tensor, "people frames shape"]) -> Tensor:
    """Eq. 3: what each frame says of the person's neutral agrees with the mean over frames, held fixed.

    Args:
        neutral: the reference plus the estimated rest of the way to the neutral, in deviations of shape.
    """
    return (neutral - neutral.mean(dim=1, keepdim=True).detach()).square().mean()


def same_expression_loss(coefficients: Float[Tensor, "pairs 2 frames 52"]) -> Tensor:
    """Eq. 3 for the coefficients: two people who make the same face get the same ones."""
    return (coefficients - coefficients.mean(dim=1, keepdim=True).detach()).square().mean()


def exclusive_loss(coefficients: Float[Tensor, "frames 52"], truth: Float[Tensor, "frames 52"]) -> Tensor:
    """Eq. 4: of a contradictory pair, the weaker unit goes to 0 — where it is absent in truth.

    Recorded takes do hold such pairs, so winner-take-all without looking at the truth would teach errors.
    """
    a, b = coefficients[:, _FIRST], coefficients[:, _SECOND]
    a_absent, b_absent = truth[:, _FIRST] < _ABSENT, truth[:, _SECOND] < _ABSENT
    loser = torch.where((a > b) & b_absent, b.square(), torch.zeros_like(b))
    loser = loser + torch.where((b > a) & a_absent, a.square(), torch.zeros_like(a))
    return loser.sum(dim=1).mean()
