"""Distances of true faces to predicted ones, by the papers' protocols.

All of them bring the prediction onto the truth by landmarks, refine that by closest points, and measure from
every true point to the predicted surface. They differ in what of the truth counts, in whether the size is
free, and in whether distances are to the surface or to the plane of its nearest triangle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from core.geometry.alignment import align_similarity
from core.geometry.closest import closest_points

ALIGNMENT_ROUNDS: Final = 12
_ALIGNED: Final = 1500  # true points that the refinement looks at
_KEPT: Final = 0.95  # of them, the nearest: hair and holes must not pull
_CHUNK: Final = 20_000  # points at a time, so that large scans need little memory


@dataclass(frozen=True)
class Scan:
    """A true face.

    Attributes:
        points: metres.
        marks: landmarks on it, metres.
        which: for each, its place among the 68.
    """

    points: Float[ndarray, "points 3"]
    marks: Float[ndarray, "marks 3"]
    which: Int[ndarray, "marks"]

    def near(self, centre: Float[ndarray, "3"], radius: float) -> Scan:
        """The part of the scan in a ball, metres."""
        return Scan(self.points[within(self.points, centre, radius)], self.marks, self.which)


def within(
    points: Float[ndarray, "points 3"], centre: Float[ndarray, "3"], radius: float
) -> Bool[ndarray, "points"]:
    """Which points lie in a ball."""
    return np.linalg.norm(points - centre, axis=1) <= radius


def now_crop(seven: Float[ndarray, "7 3"]) -> tuple[Float[ndarray, "3"], float]:
    """Centre and radius of what the NoW challenge keeps of a scan.

    Between the base of the nose and the middle of the inner eye corners, three tenths up; 0.7 times the sum
    of the outer eye corners' distance and that of base and middle (https://now.is.tue.mpg.de).
    """
    base, bridge = seven[4], (seven[1] + seven[2]) / 2
    reach = np.linalg.norm(seven[0] - seven[3]) + np.linalg.norm(bridge - base)
    return base + 0.3 * (bridge - base), float(0.7 * reach)


def aligned(
    points: Float[ndarray, "points 3"],
    marks: Float[ndarray, "marks 3"],
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    own_marks: Float[ndarray, "marks 3"],
    *,
    refine_scale: bool = True,
) -> Float[ndarray, "vertices 3"]:
    """The predicted vertices where the truth is: a similarity by landmarks, then closest points.

    Args:
        marks, own_marks: the same landmarks on the truth and on the prediction.
        refine_scale: whether closest points may still change the size, which landmarks gave.
    """
    scale, rotation, translation = align_similarity(own_marks, marks, np.ones(len(marks)))
    placed = scale * vertices @ rotation.T + translation
    sample = np.linspace(0, len(points) - 1, min(len(points), _ALIGNED)).astype(int)
    for _ in range(ALIGNMENT_ROUNDS):
        nearest = closest_points(points[sample], placed, triangles)
        kept = nearest.distance <= np.quantile(nearest.distance, _KEPT)
        source, target = nearest.position[kept], points[sample][kept]
        scale, rotation, translation = align_similarity(source, target, np.ones(int(kept.sum())))
        if not refine_scale:
            scale, translation = 1.0, target.mean(axis=0) - rotation @ source.mean(axis=0)
        placed = scale * placed @ rotation.T + translation
    return placed


def surface_distance(
    points: Float[ndarray, "points 3"],
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    *,
    to_plane: bool = False,
) -> Float[ndarray, "points"]:
    """Distance of each point to a surface, metres.

    Args:
        to_plane: to the plane of the nearest triangle instead, as "point-to-plane" errors are.
    """
    found = []
    for start in range(0, len(points), _CHUNK):
        part = points[start : start + _CHUNK]
        nearest = closest_points(part, vertices, triangles)
        if not to_plane:
            found.append(nearest.distance)
            continue
        a, b, c = np.moveaxis(vertices[triangles[nearest.triangle]].astype(np.float64), 1, 0)
        normal = np.cross(b - a, c - a)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
        found.append(np.abs(((part - nearest.position) * normal).sum(axis=1)))
    return np.concatenate(found) if found else np.zeros(0)


def shape_error(
    true_points: Float[ndarray, "points 3"],
    true_landmarks: Float[ndarray, "landmarks 3"],
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    landmarks: Float[ndarray, "landmarks 3"],
) -> Float[ndarray, "points"]:
    """Distance in metres of each true point to the predicted surface, NoW-style.

    The size is free, since photos do not tell it.
    """
    placed = aligned(true_points, true_landmarks, vertices, triangles, landmarks)
    return surface_distance(true_points, placed, triangles)


def root_mean_square(distance: Float[ndarray, "points"]) -> float:
    """RMSE of distances."""
    return float(np.sqrt(np.mean(np.square(distance)))) if len(distance) else float("nan")


@dataclass
class Pool:
    """Distances of all pictures of a dataset together, without keeping them.

    Mean and standard deviation are exact; the median is that of the hundredth of a millimetre's half.
    """

    _STEP = 5e-6
    _counts: ndarray = field(default_factory=lambda: np.zeros(20_000, np.int64))
    _count: int = 0
    _sum: float = 0.0
    _squares: float = 0.0

    def add(self, distance: Float[ndarray, "points"]) -> None:
        """Count the distances of one picture, metres."""
        bins = np.minimum((distance / self._STEP).astype(np.int64), len(self._counts) - 1)
        self._counts += np.bincount(bins, minlength=len(self._counts))
        self._count += len(distance)
        self._sum += float(distance.sum())
        self._squares += float(np.square(distance).sum())

    def figures(self) -> tuple[float, float, float]:
        """Median, mean and standard deviation, metres; NaN where nothing was counted."""
        if not self._count:
            return float("nan"), float("nan"), float("nan")
        middle = int(np.searchsorted(np.cumsum(self._counts), self._count / 2))
        mean = self._sum / self._count
        spread = float(np.sqrt(max(self._squares / self._count - mean**2, 0.0)))
        return (middle + 0.5) * self._STEP, mean, spread
