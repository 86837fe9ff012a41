"""Parts of the face in the atlas, from MediaPipe's landmarks: where photos are trusted, and as what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.geometry.smooth import smoothstep
from core.images import fill_polygon, sample_image
from core.landmark_topology import (
    BROW_LEFT,
    BROW_RIGHT,
    EYE_LEFT,
    EYE_RIGHT,
    FACE_OVAL,
    LIPS_OUTER,
)
from core.surface.atlas import Atlas, landmark_uv

_LOWER_FACE = (
    132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361,
    411, 426, 327, 2, 98, 206, 187,
)  # fmt: skip
_UPPER_FACE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 447, 359, 263, 386, 362, 168, 133, 159, 33, 130, 227,
    93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_OUTER = (0.15, 0.45)  # the same, between which nothing but skin is believed
_RIM = 0.10  # of the distance between the eyes: how far inside the face's outline a photo reaches full trust


@dataclass(frozen=True)
class Zones:
    """Soft masks of the atlas's size, and the same at the vertices.

    Attributes:
        face: inside the face's outline, fading towards it.
        features: eyes, brows, lips and nostrils, where one photo must win and pixels need not look like skin.
        unbrowed: the same without the brows, for photos in which a fringe hides them.
        brows: the brows, of their usual shape.
        above_brows: a band of forehead over each brow.
        rims: eyelids and lips, whose inner edges the eyeballs and the other lip hide.
        beard: cheeks below the nose, chin and upper lip, where hair may be the person's beard.
        lips: the red of the lips.
        middle: well inside the outline, where neither hair nor background is to be feared.
        upper: forehead and temples, where hair hangs into the face.
    """

    face: Float32[ndarray, "size size"]
    features: Float32[ndarray, "size size"]
    unbrowed: Float32[ndarray, "size size"]
    brows: Float32[ndarray, "size size"]
    above_brows: tuple[Float32[ndarray, "size size"], ...]
    rims: Float32[ndarray, "size size"]
    beard: Float32[ndarray, "size size"]
    lips: Float32[ndarray, "size size"]
    middle: Float32[ndarray, "size size"]
    upper: Float32[ndarray, "size size"]

    def at_vertices(self, atlas: Atlas, zone: Float32[ndarray, "size size"]) -> Float32[ndarray, "vertices"]:
        """A zone's value at every vertex (its last corner's where it lies on a seam)."""
        values = np.zeros(atlas.model.vertex_count, np.float32)
        values[atlas.model.polygon_vertices] = sample_image(zone, atlas.texels(atlas.model.uv))
        return values


def face_zones(atlas: Atlas) -> Zones:
    """Draw the zones of a model's layout."""
    texels = atlas.texels(landmark_uv(atlas.model))
    unit = float(np.linalg.norm(texels[33] - texels[263]))

    def drawn(*outlines: Sequence[int], grow: float = 0.0, soft: float = 0.02, up: float = 0.0) -> ndarray:
        mask = np.zeros((atlas.size, atlas.size), np.uint8)
        for outline in outlines:
            fill_polygon(mask, texels[list(outline)] - np.array([0, up * unit], np.float32))
        if grow:
            radius = max(1, round(grow * unit))
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
            mask = cv2.dilate(mask, disc).astype(np.uint8)
        return cv2.GaussianBlur(mask, (0, 0), max(0.5, soft * unit)).astype(np.float32) / 255

    def hull(points: Sequence[int]) -> list[int]:
        order = cv2.convexHull(texels[list(points)], returnPoints=False)[:, 0]
        return [points[int(k)] for k in order]

    oval = np.zeros((atlas.size, atlas.size), np.uint8)
    fill_polygon(oval, texels[list(FACE_OVAL)])
    inside = cv2.distanceTransform(oval, cv2.DIST_L2, 5)
    face = smoothstep(inside, high=_RIM * unit)
    brows = drawn(hull(BROW_LEFT), hull(BROW_RIGHT), grow=0.03, soft=0.025)
    eyes = drawn(EYE_LEFT, EYE_RIGHT, grow=0.10, soft=0.03)
    lips = drawn(LIPS_OUTER, grow=0.02)
    nose = drawn(hull((48, 115, 220, 45, 4, 275, 440, 344, 278, 294, 327, 2, 98, 64)), grow=0.02)
    sides = (hull(BROW_LEFT), hull(BROW_RIGHT))
    above = tuple(np.clip(drawn(s, up=0.16) - drawn(s, grow=0.02), 0, 1) for s in sides)
    return Zones(
        face=face.astype(np.float32),
        features=np.maximum.reduce([brows, eyes, lips, nose]),
        unbrowed=np.maximum.reduce([eyes, lips, nose]),
        brows=drawn(*sides, soft=0.03),
        above_brows=above,
        rims=np.maximum(eyes, lips),
        beard=drawn(_LOWER_FACE, soft=0.06),
        lips=lips,
        middle=np.clip((inside / unit - _OUTER[0]) / (_OUTER[1] - _OUTER[0]), 0, 1).astype(np.float32),
        upper=drawn(_UPPER_FACE, soft=0.04),
    )
