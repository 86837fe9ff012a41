"""Smooth ramps."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.numbers import Number


def smoothstep(
    values: Float[ndarray, "*shape"], low: Number = 0.0, high: Number = 1.0
) -> Float[ndarray, "*shape"]:
    """0 below ``low``, 1 above ``high``, between them the cubic ``3 t² - 2 t³``, which is level at both."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))
