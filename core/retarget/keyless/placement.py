"""Where a mesh lies in the space of the rig: one turn, one scale, one shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

_OUTLIER: float = 2.5  # medians of the residual


@dataclass(frozen=True)
class Placement:
    """Takes a mesh's own coordinates ``x`` to the rig's: ``scale * rotation @ x + shift``."""

    scale: float
    rotation: Float[ndarray, "3 3"]
    shift: Float[ndarray, "3"]

    def to_rig(self, points: Float[ndarray, "*any 3"]) -> Float[ndarray, "*any 3"]:
        """Points of the mesh, in metres of the rig."""
        return self.scale * points @ self.rotation.T + self.shift

    def to_mesh(self, points: Float[ndarray, "*any 3"]) -> Float[ndarray, "*any 3"]:
        """Points of the rig's space, in the mesh's own units."""
        return (points - self.shift) @ self.rotation / self.scale

    def turn_to_mesh(self, offsets: Float[ndarray, "*any 3"]) -> Float[ndarray, "*any 3"]:
        """Displacements of the rig's space, in the mesh's own units."""
        return offsets @ self.rotation / self.scale


def fit_similarity(
    mesh: Float[ndarray, "points 3"], rig: Float[ndarray, "points 3"]
) -> tuple[Placement, Float[ndarray, "points"]]:
    """The placement that brings points of a mesh nearest to the rig's, and the distances left (metres).

    Least squares without reflection (Umeyama 1991), repeated without points that are far off.
    """
    kept = np.ones(len(mesh), bool)
    for _ in range(4):
        placement = _umeyama(mesh, rig, kept)
        distance = np.linalg.norm(placement.to_rig(mesh) - rig, axis=1)
        kept = distance <= max(_OUTLIER * float(np.median(distance)), 1e-9)
    return placement, distance


def _umeyama(mesh: ndarray, rig: ndarray, kept: Bool[ndarray, "points"]) -> Placement:
    a, b = mesh[kept].mean(axis=0), rig[kept].mean(axis=0)
    x, y = mesh[kept] - a, rig[kept] - b
    u, s, vt = np.linalg.svd(y.T @ x)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * sign) @ vt
    scale = float((s * sign).sum() / max((x**2).sum(), 1e-300))
    return Placement(scale, rotation, b - scale * rotation @ a)
