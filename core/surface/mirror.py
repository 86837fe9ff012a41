"""The mirror twin of every texel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.face_model.model import FaceModel
from core.surface.atlas import Atlas


def mirror_uv(model: FaceModel) -> Float32[ndarray, "corners 2"]:
    """Texture coordinates of the mirrored surface point of every polygon corner; NaN where there is none."""
    ends = np.append(model.polygon_starts[1:], len(model.polygon_vertices))
    sizes = ends - model.polygon_starts
    result = np.full((len(model.polygon_vertices), 2), np.nan, np.float32)
    for size in np.unique(sizes):
        corners = model.polygon_starts[sizes == size][:, None] + np.arange(size)
        vertices = model.polygon_vertices[corners]
        twins = model.mirror[vertices]
        place = {tuple(key): row for row, key in enumerate(np.sort(vertices, axis=1).tolist())}
        other = np.array([place.get(tuple(key), -1) for key in np.sort(twins, axis=1).tolist()])
        found = other >= 0
        # corner by corner: the twin polygon's corner that holds the twin vertex
        match = (vertices[other[found]][:, None, :] == twins[found][:, :, None]).argmax(axis=2)
        result[corners[found]] = model.uv[np.take_along_axis(corners[other[found]], match, axis=1)]
    return result


def mirror_map(atlas: Atlas) -> Float32[ndarray, "size size 2"]:
    """(column, row) of each texel's mirror twin for ``cv2.remap`` (texel centres at integers).

    Texels without a twin point at -10, outside the picture.
    """
    uv = mirror_uv(atlas.model)
    missing = np.isnan(uv).any(axis=1)
    uv[missing] = -1e3
    painted = atlas.paint_corners(uv)
    image = np.stack([painted[..., 0], 1 - painted[..., 1]], axis=-1) * np.float32(atlas.size) - np.float32(0.5)
    image[(atlas.triangle < 0) | (painted < 0).any(axis=-1)] = -10
    return image
