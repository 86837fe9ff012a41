"""Small quadratic problems with bounds, many at once."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float
from numpy import ndarray

_SWEEPS = 60
_ENOUGH = 1e-4  # change of any unknown that ends the sweeps


def solve_bounded(
    H: Float[ndarray, "problems n n"],
    g: Float[ndarray, "problems n"],
    low: Float[ndarray, "problems n"],
    high: Float[ndarray, "problems n"],
) -> Float[ndarray, "problems n"]:
    """Minimise ``x.H x / 2 + g.x`` within bounds for each problem, by projected Gauss-Seidel sweeps.

    Args:
        H: symmetric and positive definite.
        low, high: with ``low <= 0 <= high``; the sweeps start from 0.
    """
    x = np.zeros_like(g)
    _sweep(H, g, low, high, x)
    return x


# no_type_check keeps run-time type checkers (used in the tests) from wrapping what Numba compiles.
@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _sweep(H, g, low, high, x):
    problems, n = g.shape
    for p in range(problems):
        slope = g[p].copy()
        for _ in range(_SWEEPS):
            largest = 0.0
            for i in range(n):
                new = min(max(x[p, i] - slope[i] / H[p, i, i], low[p, i]), high[p, i])
                change = new - x[p, i]
                if change != 0.0:
                    for j in range(n):
                        slope[j] += H[p, i, j] * change
                    x[p, i] = new
                    largest = max(largest, abs(change))
            if largest < _ENOUGH:
                break
