"""Points of the surface and where photos show them: what the landmark fit and the track fit solve for."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.face_model.model import LANDMARK_COUNT, FaceModel
from core.fitting.face_belief import PhotoBelief
from core.fitting.types import Observation, PhotoFit
from core.scene.camera import Camera


@dataclass(frozen=True)
class LinearPoints:
    """Points of the surface, linear in identity and expression; metres, head space.

    Attributes:
        shape: offsets of the 52 units, then of the identity's modes; coordinates first, which makes the
            solver's products large and plain.
        normals: of the mean head, unit.
    """

    mean: Float[ndarray, "points 3"]
    shape: Float[ndarray, "3 points units_and_modes"]
    normals: Float[ndarray, "points 3"]

    @classmethod
    def on_model(
        cls,
        model: FaceModel,
        triangles: Int[ndarray, "points"],
        barycentrics: Float[ndarray, "points 3"],
        mean: Float[ndarray, "vertices 3"],
        basis: Float[ndarray, "modes vertices 3"],
    ) -> LinearPoints:
        """Points at places of a model's triangles, of heads that vary by ``basis`` round ``mean``."""
        corners = model.triangles[triangles]
        bary = barycentrics.astype(np.float64)
        a, b, c = (mean[corners[:, k]].astype(np.float64) for k in range(3))
        normals = np.cross(b - a, c - a)
        offsets = [
            np.einsum("lk,mlkd->dlm", bary, deltas[:, corners]) for deltas in (model.expression_deltas, basis)
        ]
        return cls(
            mean=np.einsum("lk,lkd->ld", bary, mean[corners]),
            shape=np.ascontiguousarray(np.concatenate(offsets, axis=2)),
            normals=normals / np.linalg.norm(normals, axis=1, keepdims=True),
        )

    @property
    def modes(self) -> int:
        """Coefficients of the identity."""
        return self.shape.shape[2] - len(ARKIT_NAMES)

    def head(
        self, expression: Float[ndarray, "52"], identity: Float[ndarray, "identity"]
    ) -> Float[ndarray, "points 3"]:
        """The points of a head that shows an expression."""
        return self.mean + (self.shape @ np.concatenate([expression, identity])).T


@dataclass(frozen=True)
class PointView:
    """One photo: where it shows the points, and the present pose, lens and expression.

    Attributes:
        pixels: places of the points.
        noise: standard deviation of a place, pixels.
        trust: weight of each point.
        across: unit vectors across the outlines that points may slide along; 0 for all others.
        turns_away: points whose weight falls to 0 as their side of the head turns away; on the far side
            landmarks keep to the silhouette instead of a place on the skin.
        depth, depth_noise: of the landmarks, pixels, from their middle; no depth where the noise is infinite.
        focal_prior: log of the focal length, standard deviation.
        belief: what is believed of expression and rotation from elsewhere.
    """

    seen: Observation
    pixels: Float[ndarray, "points 2"]
    noise: Float[ndarray, "points"]
    trust: Float[ndarray, "points"]
    across: Float[ndarray, "points 2"]
    turns_away: Bool[ndarray, "points"]
    depth: Float[ndarray, "478"]
    depth_noise: float
    focal_prior: tuple[float, float]
    rotation: Float[ndarray, "3 3"]
    translation: Float[ndarray, "3"]
    log_focal: float
    expression: Float[ndarray, "52"]
    belief: PhotoBelief = field(default_factory=PhotoBelief.nothing)

    def camera(self) -> Camera:
        return Camera.centred(float(np.exp(self.log_focal)), self.seen.width, self.seen.height)

    def fit(self, points: Float[ndarray, "points 3"]) -> PhotoFit:
        """What was found; ``points`` in camera axes."""
        off = self.offsets(points)[:LANDMARK_COUNT] / self.seen.eye_distance
        return PhotoFit(
            camera=self.camera(),
            rotation=self.rotation,
            translation=self.translation,
            expression=self.expression,
            landmark_error=float(np.median(np.linalg.norm(off, axis=1))),
        )

    def offsets(self, points: Float[ndarray, "points 3"]) -> Float[ndarray, "points 2"]:
        """Pixels from where the points are seen to where ``points`` (camera axes) project."""
        centre = np.array([self.seen.width / 2, self.seen.height / 2])
        off = points[:, :2] / points[:, 2:] * np.exp(self.log_focal) + centre - self.pixels
        line = self.across.any(axis=1)
        off[line] = (off[line] * self.across[line]).sum(axis=1, keepdims=True) * self.across[line]
        return off
