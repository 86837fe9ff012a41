"""The one type that fitting, tracking, texture and rigging know about a head."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Int32
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.geometry.polygons import fan_corners

REGIONS: Final[tuple[str, ...]] = (
    "skin", "eye_left", "eye_right", "teeth_upper", "teeth_lower", "tongue", "lashes", "mouth_interior",
    "eye_socket",
)  # fmt: skip
"""Every vertex is in exactly one of these. Left and right are the person's own."""

JOINTS: Final[tuple[str, ...]] = ("neck", "head", "jaw", "eye_left", "eye_right")
JOINT_PARENTS: Final[tuple[int, ...]] = (-1, 0, 1, 1, 1)

LANDMARK_COUNT: Final = 478


@dataclass(frozen=True)
class FaceModel:
    """A statistical head with ARKit expressions.

    Space: metres, right-handed, +Y up, +Z out of the face, +X to the person's left; the origin lies midway
    between the two eyeball centres of the template.

    Attributes:
        name: provider name (``anny``, ``ict``, ...).
        licence: one line, shown to the user and stored with every rig.
        template: mean neutral head.
        polygon_vertices: vertex index of every polygon corner, polygon after polygon (3 or 4 each).
        polygon_starts: first corner of each polygon.
        uv: per corner, in [0, 1], v up (Blender's and OBJ's convention).
        identity_basis: offsets for one standard deviation of each whitened identity coefficient.
        identity_variance: fraction of the shape distribution's variance that the basis keeps (0–1);
            1 where the provider gives no figure.
        expression_deltas: offsets for coefficient 1 of each of ``ARKIT_NAMES``, in that order.
        joint_offset, joint_regressor: joints of a head with vertices ``v`` are ``offset + regressor @ v``.
        skin_weights: linear-blend weights for ``JOINTS``.
        region: index into ``REGIONS`` of each vertex.
        landmark_triangles, landmark_barycentrics: MediaPipe's 478 landmarks on ``triangles``.
        masks: further named vertex weights in [0, 1] (``face``, ``lips``, ``brows``, ``scalp``, ``ears``,
            ``neck`` ...), for priors and textures.
        mirror: index of each vertex's mirror twin; itself where there is none.
    """

    name: str
    licence: str
    template: Float32[ndarray, "vertices 3"]
    polygon_vertices: Int32[ndarray, "corners"]
    polygon_starts: Int32[ndarray, "polygons"]
    uv: Float32[ndarray, "corners 2"]
    identity_basis: Float32[ndarray, "identity vertices 3"]
    identity_variance: float
    expression_deltas: Float32[ndarray, "52 vertices 3"]
    joint_offset: Float32[ndarray, "5 3"]
    joint_regressor: Float32[ndarray, "5 vertices"]
    skin_weights: Float32[ndarray, "vertices 5"]
    region: Int32[ndarray, "vertices"]
    landmark_triangles: Int32[ndarray, "478"]
    landmark_barycentrics: Float32[ndarray, "478 3"]
    mirror: Int32[ndarray, "vertices"]
    masks: dict[str, Float32[ndarray, "vertices"]] = field(default_factory=dict)

    @property
    def vertex_count(self) -> int:
        return len(self.template)

    @property
    def expression_names(self) -> tuple[str, ...]:
        return ARKIT_NAMES

    @cached_property
    def triangle_corners(self) -> Int32[ndarray, "triangles 3"]:
        """Corner indices (into ``polygon_vertices`` and ``uv``) of the fan triangles of every polygon."""
        return fan_corners(self.polygon_starts, len(self.polygon_vertices))

    @cached_property
    def triangles(self) -> Int32[ndarray, "triangles 3"]:
        """Vertex indices of ``triangle_corners``."""
        return self.polygon_vertices[self.triangle_corners]

    @cached_property
    def opaque_triangles(self) -> Int32[ndarray, "opaque 3"]:
        """``triangles`` without the lashes, which are cards that need a texture with alpha."""
        return self.triangles[~self.region_mask("lashes")[self.triangles].any(axis=1)]

    def region_mask(self, *names: str) -> Bool[ndarray, "vertices"]:
        """Vertices of the named regions.

        Raises:
            ValueError: a name is not in ``REGIONS``.
        """
        return np.isin(self.region, [REGIONS.index(name) for name in names])

    def neutral(self, identity: Float32[ndarray, "identity"]) -> Float32[ndarray, "vertices 3"]:
        """Neutral head of whitened identity coefficients (fewer than the basis has: the rest are 0)."""
        basis = self.identity_basis[: len(identity)]
        return self.template + np.tensordot(identity, basis, axes=1).astype(np.float32)

    def joints(self, vertices: Float32[ndarray, "vertices 3"]) -> Float32[ndarray, "5 3"]:
        """Joint positions, in the order of ``JOINTS``, of a neutral head."""
        return self.joint_offset + self.joint_regressor @ vertices

    def landmarks(self, vertices: Float32[ndarray, "vertices 3"]) -> Float32[ndarray, "478 3"]:
        """Positions of MediaPipe's landmarks on a head's surface."""
        corners = vertices[self.triangles[self.landmark_triangles]]
        return np.einsum("lk,lkd->ld", self.landmark_barycentrics, corners)
