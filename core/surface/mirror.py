"""The mirror twin of every texel."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.face_model.model import FaceModel
from core.images import look_up
from core.surface.atlas import Atlas

_BROAD = 0.02  # of the atlas's side: shadows and lights of this size are judged, features are not
_LIFTED = 0.85
_MOST = 1.0  # log of the strongest lift


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
    """(column, row) of each texel's mirror twin, texel centres at integers + 0.5.

    Texels without a twin point at -10, outside the picture.
    """
    uv = mirror_uv(atlas.model)
    missing = np.isnan(uv).any(axis=1)
    uv[missing] = -1e3
    painted = atlas.paint_corners(uv)
    image = np.stack([painted[..., 0], 1 - painted[..., 1]], axis=-1) * np.float32(atlas.size)
    image[(atlas.triangle < 0) | (painted < 0).any(axis=-1)] = -10
    return image


def lift_shadows(
    composite: Float32[ndarray, "size size 3"],
    trust: Float32[ndarray, "size size"],
    twins: Float32[ndarray, "size size 2"],
) -> Float32[ndarray, "size size 3"]:
    """Factors that lift broad shadows which only one side of the face has.

    Smooth light cannot express a cast shadow, but faces are alike left and right: where one side is broadly
    darker than its mirror image, it is lifted most of the way.

    Args:
        trust: how far each texel is known and tells of skin.
        twins: from :func:`mirror_map`.
    """
    sigma = _BROAD * len(composite)
    known = cv2.GaussianBlur(trust, (0, 0), sigma)
    logs = np.log(np.maximum(composite, 2e-3)) * trust[..., None]
    broad = cv2.GaussianBlur(logs, (0, 0), sigma) / np.maximum(known, 1e-4)[..., None]
    packed = np.dstack([broad, np.minimum(4 * known, 1)])
    twin = look_up(packed, twins, outside_black=True)
    both = packed[..., 3] * twin[..., 3]
    darker = np.maximum((twin[..., :3] - broad).mean(axis=2), 0)
    tint = np.clip(twin[..., :3] - broad - darker[..., None], -0.4, 0.4)
    part = np.clip(darker / 0.1, 0, 1)[..., None]
    gain = _LIFTED * (np.minimum(darker, _MOST)[..., None] + tint * part) * both[..., None]
    return np.exp(cv2.GaussianBlur(gain.astype(np.float32), (0, 0), 0.5 * sigma))
