"""How far eyes are open, for tests and benchmarks of lids."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.deformation.eyelids import Eyeball, Eyelids


def lid_gap(
    lids: Eyelids, eyeball: Eyeball, vertices: Float[ndarray, "vertices 3"]
) -> Float[ndarray, "upper"]:
    """Opening between the margins at each vertex of the upper one, metres along the eyeball.

    Negative where the upper lid has passed the lower one.
    """
    away = vertices - eyeball.centre
    longitude = np.arctan2(away[:, 0], away[:, 2])
    latitude = np.arctan2(away[:, 1], np.hypot(away[:, 0], away[:, 2]))
    lower = np.r_[lids.lower, lids.corners]
    order = lower[np.argsort(longitude[lower])]
    below = np.interp(longitude[lids.upper], longitude[order], latitude[order])
    return (latitude[lids.upper] - below) * eyeball.radius
