# SPDX-License-Identifier: GPL-3.0-or-later
"""Key reduction of head and eyes: their keys depend on rotation modes, which only Blender knows.

As :mod:`core.retarget.keys` does it, which needs Numba; Blender has none.
"""

from __future__ import annotations

import math

import numpy as np


def reduced_keys(times: np.ndarray, values: np.ndarray, error: float) -> np.ndarray:
    """Which samples (F,) to keep, so that lines between them stay within ``error`` of all samples."""
    kept = np.zeros(len(values), np.bool_)
    kept[:1] = True
    at, height = times.tolist(), values.tolist()
    key = 0
    while key < len(height) - 1:
        low, high = -math.inf, math.inf
        furthest = key + 1
        for sample in range(key + 1, len(height)):
            apart = at[sample] - at[key]
            slope = (height[sample] - height[key]) / apart
            if low <= slope <= high:
                furthest = sample
            low = max(low, slope - error / apart)
            high = min(high, slope + error / apart)
            if low > high:
                break
        kept[furthest] = True
        key = furthest
    return kept
