"""The line where a head ends against what lies behind it, in a photo and on a posed head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from numpy import ndarray
from scipy.spatial import cKDTree

from core.images import sample_image
from core.scene.camera import Camera
from core.scene.rasterise import rasterise

_SMOOTH: Final = 1.5  # pixels, of the mask before its slope is the outline's normal
_CANDIDATES: Final = 12  # nearest points among which one that looks the same way is sought
_ALONG: Final = 0.6  # cosine of the normals of two points that may be the same one


@dataclass(frozen=True)
class PhotoOutline:
    """Where the mask of a person ends, pixels of the photo.

    Attributes:
        normals: unit, away from the person.
    """

    points: Float[ndarray, "points 2"]
    normals: Float[ndarray, "points 2"]

    @classmethod
    def of_mask(cls, mask: Float32[ndarray, "h w"], left: float, top: float, scale: float) -> PhotoOutline:
        """The outline of a mask of a part of a photo, the borders of the part left out.

        Args:
            mask: 0-1, the person's where above a half.
            left, top, scale: mask pixel = (photo pixel - (left, top)) * scale.
        """
        height, width = mask.shape
        chains, _ = cv2.findContours((mask > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        at = np.concatenate([chain[:, 0] for chain in chains] or [np.zeros((0, 2), int)])
        inner = ((at > 1) & (at < np.array([width, height]) - 2)).all(axis=1)
        at = at[inner] + 0.5
        smooth = cv2.GaussianBlur(mask, (0, 0), _SMOOTH)
        slope = np.dstack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)])
        normals = -_unit(sample_image(slope, at).astype(np.float64)) if len(at) else np.zeros((0, 2))
        return cls(at / scale + np.array([left, top]), normals)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points)

    def nearest(
        self, points: Float[ndarray, "points 2"], normals: Float[ndarray, "points 2"]
    ) -> tuple[Float[ndarray, "points 2"], Float[ndarray, "points"]]:
        """For each point the nearest of the outline that looks the same way, and its distance in pixels.

        The distance is infinite where none of the few nearest does.
        """
        if len(self.points) < _CANDIDATES:
            return points, np.full(len(points), np.inf)
        far, which = self._tree.query(points, k=_CANDIDATES)
        alike = (self.normals[which] * normals[:, None]).sum(axis=-1) > _ALONG
        far = np.where(alike, far, np.inf)
        best = far.argmin(axis=1)
        row = np.arange(len(points))
        return self.points[which[row, best]], far[row, best]


@dataclass(frozen=True)
class HeadOutline:
    """Places of a head's surface that make its outline before a camera.

    Attributes:
        corners, barycentrics: of the places; ``corners`` are vertices.
        pixels: where the camera sees them.
        normals: of the outline, unit, away from the head.
        weights: how much of the face they are, 0-1.
    """

    corners: Int[ndarray, "points 3"]
    barycentrics: Float[ndarray, "points 3"]
    pixels: Float[ndarray, "points 2"]
    normals: Float[ndarray, "points 2"]
    weights: Float[ndarray, "points"]

    def on(self, vertices: Float[ndarray, "vertices 3"]) -> Float[ndarray, "points 3"]:
        """The places on a head."""
        places: ndarray = np.einsum("pk,pkd->pd", self.barycentrics, vertices[self.corners])
        return places


def head_outline(
    vertices: Float32[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    camera: Camera,
    weights: Float[ndarray, "vertices"],
) -> HeadOutline:
    """The outline of a head, of the part of it where ``weights`` say so.

    Args:
        vertices: camera axes, metres.
        weights: of the vertices, 0 where the outline is of no interest.
    """
    seen = rasterise(torch.from_numpy(vertices), torch.from_numpy(triangles.astype(np.int64)), camera)
    covered = seen.covered.numpy().astype(np.uint8)
    chains, _ = cv2.findContours(covered, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    at = np.concatenate([chain[:, 0] for chain in chains] or [np.zeros((0, 2), int)])
    inner = ((at > 0) & (at < np.array([camera.width, camera.height]) - 1)).all(axis=1)
    column, row = at[inner].T
    corners = triangles[seen.triangle.numpy()[row, column]]
    barycentrics = seen.barycentrics.numpy()[row, column].astype(np.float64)
    own = (weights[corners] * barycentrics).sum(axis=1)
    smooth = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), _SMOOTH)
    slope = np.dstack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)])
    normals = -_unit(slope[row, column].astype(np.float64))
    kept = own > 0
    pixels = np.column_stack([column, row])[kept] + 0.5
    return HeadOutline(corners[kept], barycentrics[kept], pixels, normals[kept], own[kept])


def _unit(vectors: Float[ndarray, "vectors 2"]) -> Float[ndarray, "vectors 2"]:
    unit: ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit
