"""Polygon lists, as heads and rigs store them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32
from numpy import ndarray


def fan_corners(
    polygon_starts: Int32[ndarray, "polygons"], corner_count: int
) -> Int32[ndarray, "triangles 3"]:
    """Corner indices of the fan triangles of every polygon.

    Args:
        polygon_starts: first corner of each polygon; polygon after polygon, three corners or more each.
        corner_count: corners of all polygons.
    """
    sizes = np.append(polygon_starts[1:], corner_count) - polygon_starts
    fans = [
        np.stack([starts, starts + k, starts + k + 1], axis=1)
        for k in range(1, int(sizes.max()) - 1)
        for starts in [polygon_starts[sizes >= k + 2]]
    ]
    return np.concatenate(fans).astype(np.int32)
