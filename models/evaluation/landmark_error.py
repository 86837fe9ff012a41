"""Landmarks in the picture: the normalised mean error by yaw, as CPEM's table 2 has it."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

YAW_GROUPS: Final = ((0.0, 30.0), (30.0, 60.0), (60.0, 90.0))
"""Degrees of |yaw|; a bound belongs to the lower group."""

GROUP_NAMES: Final = tuple(f"[{low:.0f},{high:.0f}]" for low, high in YAW_GROUPS)


def normalised_error(found: Float[ndarray, "marks 2"], true: Float[ndarray, "marks 2"]) -> float:
    """Mean distance in per cent of the true landmarks' bounding box, the root of its area."""
    size = np.sqrt(np.prod(np.ptp(true, axis=0)))
    return float(100 * np.linalg.norm(found - true, axis=1).mean() / max(size, 1e-9))


def by_yaw(errors: Float[ndarray, "pictures"], yaw: Float[ndarray, "pictures"]) -> list[float]:
    """Mean of each group and the mean of the groups' means; NaN for a group without pictures.

    Args:
        yaw: degrees; pictures beyond 90 count in none.
    """
    turn = np.abs(yaw)
    means = []
    for low, high in YAW_GROUPS:
        inside = (turn <= high) & ((turn > low) | (low == 0))
        means.append(float(errors[inside].mean()) if inside.any() else float("nan"))
    known = [mean for mean in means if not np.isnan(mean)]
    return [*means, float(np.mean(known)) if known else float("nan")]
