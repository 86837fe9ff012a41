"""NoW-style shape error: rigid + scale alignment, then true face vertices to the predicted surface."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from core.face_model.closest import closest_points
from core.face_model.identity_basis import align_similarity

ALIGNMENT_ROUNDS = 12


def shape_error(
    true_points: Float[ndarray, "points 3"],
    true_landmarks: Float[ndarray, "landmarks 3"],
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    landmarks: Float[ndarray, "landmarks 3"],
) -> Float[ndarray, "points"]:
    """Distance in metres of each true point to the predicted surface.

    The prediction is brought onto the truth by landmarks first, then by closest points, as the NoW challenge
    does (https://now.is.tue.mpg.de), with scale free, since photos do not tell size.
    """
    scale, rotation, translation = align_similarity(landmarks, true_landmarks, np.ones(len(landmarks)))
    predicted = scale * vertices @ rotation.T + translation
    sample = np.linspace(0, len(true_points) - 1, min(len(true_points), 1500)).astype(int)
    for _ in range(ALIGNMENT_ROUNDS):
        nearest = closest_points(true_points[sample], predicted, triangles)
        kept = nearest.distance <= np.quantile(nearest.distance, 0.95)
        scale, rotation, translation = align_similarity(
            nearest.position[kept], true_points[sample][kept], np.ones(int(kept.sum()))
        )
        predicted = scale * predicted @ rotation.T + translation
    return closest_points(true_points, predicted, triangles).distance
