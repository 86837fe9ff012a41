"""As few keys as a stated error allows."""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float
from numba import njit
from numpy import ndarray


def reduced_keys(
    times: Float[ndarray, "frames"],
    values: Float[ndarray, "frames channels"],
    error: float,
) -> Bool[ndarray, "frames channels"]:
    """Which samples to keep as keys, so that lines between them stay within ``error`` of all samples.

    The bound holds for every channel at every sample (to rounding). From each key the furthest sample that a
    line may reach is the next one; the first and the last sample are always keys.

    Args:
        times: seconds, increasing.
        error: largest absolute difference; 0 keeps all samples that are not on a line exactly.
    """
    kept = np.zeros(values.shape, np.bool_)
    if kept.size:
        _reduce(np.ascontiguousarray(times, np.float64), np.asarray(values, np.float64), float(error), kept)
    return kept


# no_type_check keeps run-time type checkers (used in the tests) from wrapping what Numba compiles.
@njit(cache=True, nogil=True)
@no_type_check
def _reduce(times: ndarray, values: ndarray, error: float, kept: ndarray) -> None:
    frames, channels = values.shape
    for channel in range(channels):
        key = 0
        kept[0, channel] = True
        while key < frames - 1:
            low, high = -np.inf, np.inf
            furthest = key + 1
            for frame in range(key + 1, frames):
                apart = times[frame] - times[key]
                slope = (values[frame, channel] - values[key, channel]) / apart
                if low <= slope <= high:
                    furthest = frame
                low = max(low, slope - error / apart)
                high = min(high, slope + error / apart)
                if low > high:
                    break
            kept[furthest, channel] = True
            key = furthest
