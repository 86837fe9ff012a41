"""What the network is trained for besides CPEM's two constraints: right coefficients.

CPEM learns from photos without truth; here rendered faces give the truth, and the constraints
(``models.losses.constraints``) are about what the network may do where landmarks alone leave a choice.
"""

from __future__ import annotations

from typing import Final

from jaxtyping import Float
from torch import Tensor

from models.prior.network import Estimate

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
