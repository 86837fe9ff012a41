"""Relief as tangent-space normals, for viewers that know no displacement."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.surface.atlas import Atlas, pad_charts


def normal_map(
    atlas: Atlas, vertices: Float32[ndarray, "vertices 3"], heights: Float32[ndarray, "size size"]
) -> UInt8[ndarray, "size size 3"]:
    """Normals of a surface with relief, in the frame of its texture layout.

    Red points along u, green along v, blue out of the surface, as glTF has it.

    Args:
        vertices: metres.
        heights: above the surface along its normals, metres.
    """
    points = atlas.paint_vertices(vertices)
    across, up = np.gradient(points, axis=1), -np.gradient(points, axis=0)
    rise_across, rise_up = np.gradient(heights, axis=1), -np.gradient(heights, axis=0)
    width = np.maximum(np.linalg.norm(across, axis=2), 1e-9)
    along = across / width[..., None]
    # the frame's second axis is square to the first, which v need not be
    slant = (up * along).sum(axis=2)
    square = np.maximum(np.linalg.norm(up - slant[..., None] * along, axis=2), 1e-9)
    slope_u = rise_across / width
    slope_v = (rise_up - slant * slope_u) / square
    whole = _inside(atlas.triangle >= 0)
    normals = np.dstack([-slope_u * whole, -slope_v * whole, np.ones_like(slope_u)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    colours = np.round(127.5 + 127.5 * normals).astype(np.uint8)
    return pad_charts(colours, atlas.triangle >= 0)


def _inside(covered: ndarray) -> ndarray:
    """Texels whose neighbours lie in a chart too: elsewhere differences mean nothing."""
    inside = covered.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inside &= np.roll(covered, step, axis)
    return inside
