"""Spheres and rigid or similar motions that fit points best."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation


def align_similarity(
    source: Float[ndarray, "*samples points 3"],
    target: Float[ndarray, "points 3"],
    weight: Float[ndarray, "points"],
) -> tuple[Any, ndarray, ndarray]:
    """Scale, rotation and translation that bring ``source`` onto ``target`` (Umeyama 1991, weighted).

    Returns:
        scale (*samples), rotation (*samples, 3, 3), translation (*samples, 3) with
        ``target ~ scale * source @ rotation.T + translation``.
    """
    w = weight / weight.sum()
    source_mean = np.einsum("...pd,p->...d", source, w)
    target_mean = w @ target
    centred = source - source_mean[..., None, :]
    covariance = np.einsum("pi,p,...pj->...ij", target - target_mean, w, centred)
    U, singular, Vt = np.linalg.svd(covariance)
    flip = np.ones(singular.shape)
    flip[..., -1] = np.sign(np.linalg.det(U @ Vt))
    rotation = (U * flip[..., None, :]) @ Vt
    variance = np.einsum("...pd,p->...", centred**2, w)
    scale = (singular * flip).sum(-1) / variance
    translation = target_mean - scale[..., None] * np.einsum("...ij,...j->...i", rotation, source_mean)
    return scale, rotation, translation


def fit_sphere(points: Float[ndarray, "points 3"]) -> tuple[Float[ndarray, "3"], float]:
    """Centre and radius of the sphere nearest to most of the points.

    Algebraic least squares, then once more without the worst fifth, so that a cornea's bulge does not count.
    """
    kept = points
    for _ in range(2):
        system = np.c_[2 * kept, np.ones(len(kept))]
        x, y, z, rest = np.linalg.lstsq(system, (kept**2).sum(axis=1), rcond=None)[0]
        centre = np.array([x, y, z])
        radius = float(np.sqrt(rest + centre @ centre))
        error = np.abs(np.linalg.norm(points - centre, axis=1) - radius)
        kept = points[error <= np.quantile(error, 0.8)]
    return centre, radius


def fit_rigid(
    source: Float[ndarray, "points 3"], target: Float[ndarray, "points 3"]
) -> tuple[Float[ndarray, "3 3"], Float[ndarray, "3"]]:
    """Rotation ``R`` and translation ``t`` for which ``R x + t`` is nearest to ``target`` (Kabsch)."""
    a, b = source.mean(axis=0), target.mean(axis=0)
    rotation = Rotation.align_vectors(target - b, source - a)[0].as_matrix()
    return rotation, b - rotation @ a
