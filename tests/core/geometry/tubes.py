"""A small mesh of quads whose loops are known."""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def tube(around: int, rings: int) -> ndarray:
    """Quads (n, 4) between rings of ``around`` vertices; ring r has the vertices from ``r * around`` on."""
    ring, k = (index.ravel() for index in np.indices((rings - 1, around)))
    here, onward = ring * around + k, ring * around + (k + 1) % around
    return np.stack([here, onward, onward + around, here + around], axis=1)
