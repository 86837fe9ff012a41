"""What a learned prior tells tracking, and how far a tracked frame can be trusted."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.tracking.performance import Belief

_STILL_GOOD: Final = 0.02  # landmark error, fraction of the eye distance, that costs no confidence
_HOPELESS: Final = 0.10


@runtime_checkable
class ExpressionPrior(Protocol):
    """What a learned prior can tell about a person's frames (see ``models.prior``)."""

    def reference(self, landmarks: Float32[ndarray, "frames 478 3"]) -> Float[ndarray, "478 3"]:
        """The person at rest, from frames spread over the clip."""

    def __call__(
        self, landmarks: Float32[ndarray, "frames 478 3"], reference: Float[ndarray, "478 3"]
    ) -> Belief:
        """Coefficients and their standard deviations."""

    def rotation(
        self, landmarks: Float32[ndarray, "frames 478 3"], reference: Float[ndarray, "478 3"]
    ) -> Float[ndarray, "frames 3 3"]:
        """How the head is turned against the ray on which it is seen."""


def confidence_of(
    presence: Float32[ndarray, "frames"], error: Float[ndarray, "frames"]
) -> Float[ndarray, "frames"]:
    """How far frames can be trusted, 0-1: by the network's belief in a face, and how well the head fits it.

    Args:
        error: of :class:`~core.tracking.performance.Performance`.
    """
    trust: Float[ndarray, "frames"] = presence * np.clip(
        (_HOPELESS - error) / (_HOPELESS - _STILL_GOOD), 0, 1
    )
    return trust
