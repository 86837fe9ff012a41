"""A head's texture atlas: which surface point every texel shows, and values of the mesh painted into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Int32
from numba import njit, prange
from numpy import ndarray

from core.face_model.model import REGIONS, FaceModel
from core.scene.rasterise import rasterise_uv


@dataclass(frozen=True)
class Atlas:
    """Texels of a model's texture layout, or of a part of it. Row 0 is v = 1.

    Attributes:
        size: texels along a side of the whole layout.
        triangle: index into ``model.triangles``, -1 where no chart is.
        barycentrics: position in that triangle.
    """

    model: FaceModel
    size: int
    triangle: Int32[ndarray, "rows columns"]
    barycentrics: Float32[ndarray, "rows columns 3"]

    @classmethod
    def of(cls, model: FaceModel, size: int) -> Atlas:
        """Rasterise a model's layout at ``size`` × ``size`` texels."""
        corners = torch.from_numpy(model.triangle_corners)
        fragments = rasterise_uv(torch.from_numpy(model.uv), corners, size)
        return cls(model, size, fragments.triangle.numpy(), fragments.barycentrics.numpy())

    def part(self, box: tuple[slice, slice]) -> Atlas:
        """The texels of some rows and columns."""
        return Atlas(self.model, self.size, self.triangle[box], self.barycentrics[box])

    def paint_vertices(
        self, values: Float[ndarray, "vertices channels"]
    ) -> Float32[ndarray, "rows columns channels"]:
        """Values of vertices interpolated at every texel; 0 outside the charts."""
        return paint_triangles(self.triangle, self.barycentrics, self.model.triangles, values)

    def paint_corners(
        self, values: Float[ndarray, "corners channels"]
    ) -> Float32[ndarray, "rows columns channels"]:
        """Values of polygon corners interpolated at every texel; 0 outside the charts."""
        return paint_triangles(self.triangle, self.barycentrics, self.model.triangle_corners, values)

    def covers(self, *regions: str) -> Bool[ndarray, "rows columns"]:
        """Texels of the named regions."""
        wanted = np.isin(triangle_regions(self.model), [REGIONS.index(name) for name in regions])
        return np.append(wanted, False)[self.triangle]

    def texels(self, uv: Float[ndarray, "points 2"]) -> Float32[ndarray, "points 2"]:
        """Texture coordinates → (column, row), texel centres at integers + 0.5."""
        return np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1).astype(np.float32) * self.size


def triangle_regions(model: FaceModel) -> Int32[ndarray, "triangles"]:
    """Region of every triangle.

    The rim of a cavity belongs to the skin by its vertices; a triangle with a vertex inside is the cavity's.
    """
    return model.region[model.triangles].max(axis=1)


def solid_triangles(model: FaceModel) -> Int32[ndarray, "solid 3"]:
    """Triangles that hide what lies behind them: all but the lashes."""
    return model.triangles[triangle_regions(model) != REGIONS.index("lashes")]


def polygon_regions(model: FaceModel) -> Int32[ndarray, "polygons"]:
    """Region of every polygon, by the same rule as :func:`triangle_regions`."""
    return np.maximum.reduceat(model.region[model.polygon_vertices], model.polygon_starts)


def landmark_uv(model: FaceModel) -> Float32[ndarray, "478 2"]:
    """Where MediaPipe's landmarks lie in the layout."""
    corners = model.uv[model.triangle_corners[model.landmark_triangles]]
    return np.einsum("lk,lkd->ld", model.landmark_barycentrics, corners).astype(np.float32)


def pad_charts(image: ndarray, covered: Bool[ndarray, "size size"]) -> ndarray:
    """Continue the charts' border colours outwards, so that filtering never meets an empty texel."""
    _, label = cv2.distanceTransformWithLabels(
        (~covered).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3, labelType=cv2.DIST_LABEL_PIXEL
    )
    # labels number the covered texels from 1, not necessarily in reading order
    source = np.zeros(int(label.max()) + 1, np.int64)
    inside = np.flatnonzero(covered)
    source[label.reshape(-1)[inside]] = inside
    outside = np.flatnonzero(~covered)
    padded = image.copy()
    flat = padded.reshape(covered.size, -1)
    flat[outside] = flat[source[label.reshape(-1)[outside]]]
    return padded


def paint_triangles(
    triangle: Int32[ndarray, "rows columns"],
    barycentrics: Float32[ndarray, "rows columns 3"],
    indices: Int[ndarray, "triangles 3"],
    values: Float[ndarray, "values channels"],
) -> Float32[ndarray, "rows columns channels"]:
    """Values interpolated at every pixel of a rasterised mesh; 0 where ``triangle`` is -1.

    Args:
        indices: of each triangle's corners in ``values``.
    """
    return _paint(triangle, barycentrics, indices, np.ascontiguousarray(values, np.float32))


@njit(cache=True, parallel=True)
@no_type_check
def _paint(triangle, barycentrics, indices, values):
    height, width = triangle.shape
    channels = values.shape[1]
    image = np.zeros((height, width, channels), np.float32)
    for row in prange(height):
        for column in range(width):
            t = triangle[row, column]
            if t < 0:
                continue
            i, j, k = indices[t, 0], indices[t, 1], indices[t, 2]
            a, b, c = barycentrics[row, column]
            for channel in range(channels):
                image[row, column, channel] = (
                    a * values[i, channel] + b * values[j, channel] + c * values[k, channel]
                )
    return image
