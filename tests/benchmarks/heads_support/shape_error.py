"""Distance of a true face to a fitted head, as a judge measures it who knows neither's face model.

Every true vertex of the face to the nearest point of the whole fitted mesh, both aligned by landmarks and
then by closest points, with the size free: NoW's protocol on every vertex that counts as face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from core.geometry.alignment import align_similarity
from tests.benchmarks.heads_support.nearest import nearest_points

MARKS_68: Final = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2,
    326, 305, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 61, 39, 37,
    0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""MediaPipe's landmark nearest to each of the 68 of iBUG's scheme; the first 17 are the outline."""

_ROUNDS: Final = 60
_KEPT: Final = 90  # per cent of the vertices that pull, and all within a millimetre


@dataclass(frozen=True)
class TrueFace:
    """A face whose shape is known, metres.

    Attributes:
        face: the vertices that count.
        marks: landmarks that the alignment starts from.
        which: MediaPipe's index of each.
    """

    face: Float[ndarray, "points 3"]
    marks: Float[ndarray, "marks 3"]
    which: Int[ndarray, "marks"]


@dataclass(frozen=True)
class ShapeError:
    """Distances in millimetres over the face: median, mean and the 90th percentile."""

    median: float
    mean: float
    p90: float


def shape_error(
    truth: TrueFace,
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    landmarks: Float[ndarray, "478 3"],
) -> ShapeError:
    """How far the true face is from a head.

    Args:
        landmarks: MediaPipe's on the head.
    """
    placed = aligned(truth, vertices.astype(np.float64), triangles, landmarks.astype(np.float64))
    distance = 1e3 * nearest_points(truth.face, placed, triangles)[0]
    return ShapeError(float(np.median(distance)), float(distance.mean()), float(np.percentile(distance, 90)))


def aligned(
    truth: TrueFace,
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    landmarks: Float[ndarray, "478 3"],
) -> Float[ndarray, "vertices 3"]:
    """The head moved, turned and scaled onto the truth.

    Iterated closest points (Besl and McKay 1992) with a scale, by the nearest ``_KEPT`` per cent.
    """
    placed, near = _moved(vertices, landmarks[truth.which], truth.marks), None
    for _ in range(_ROUNDS):
        distance, position, near = nearest_points(truth.face, placed, triangles, near)
        kept = distance < max(float(np.percentile(distance, _KEPT)), 1e-3)
        placed = _moved(placed, position[kept], truth.face[kept])
    return placed


def _moved(
    vertices: Float[ndarray, "vertices 3"],
    source: Float[ndarray, "marks 3"],
    target: Float[ndarray, "marks 3"],
) -> Float[ndarray, "vertices 3"]:
    scale, rotation, translation = align_similarity(source, target, np.ones(len(source)))
    moved: ndarray = scale * vertices @ rotation.T + translation
    return moved
