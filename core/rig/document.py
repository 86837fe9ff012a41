"""What a rig holds in memory."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float32, Int32, UInt8
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.documents import generator
from core.face_model.model import JOINT_PARENTS, JOINTS, REGIONS
from core.geometry.polygons import fan_corners
from core.lens import FILM_WIDTH_MM, LensSource
from core.rig.displacement import Displacement

_INDEX = {name: index for index, name in enumerate(ARKIT_NAMES)}

Image = UInt8[ndarray, "_ _ _"]  # height, width, 3 or 4 channels; every image has a size of its own


@dataclass(frozen=True)
class RigCamera:
    """A pinhole camera in pixels (OpenCV)."""

    fx: float
    fy: float
    cx: float
    cy: float


@dataclass(frozen=True)
class RigLens:
    """Where a photo's lens is known from.

    Attributes:
        shared_with: file of the photo that told it, or that it was found together with.
    """

    source: LensSource
    shared_with: str | None = None


@dataclass(frozen=True)
class RigPhoto:
    """One photo that the rig was fitted to, and what was found in it.

    Attributes:
        rotation, translation: from the head's space to the OpenCV camera's, metres.
        expression: ARKit name → coefficient in [0, 1]; names left out are 0.
        sh: lighting, nine spherical-harmonics coefficients for each of R, G and B.
        lens: where the camera's focal length is known from; none in rigs of before it was kept.
    """

    file: str
    width: int
    height: int
    camera: RigCamera
    rotation: Float32[ndarray, "3 3"]
    translation: Float32[ndarray, "3"]
    expression: Mapping[str, float]
    sh: Float32[ndarray, "9 3"]
    warnings: tuple[str, ...] = ()
    lens: RigLens | None = None

    @property
    def equivalent_mm(self) -> float:
        """The focal length on a sensor that is 36 mm wide along the photo's longer side."""
        return FILM_WIDTH_MM * self.camera.fx / max(self.width, self.height)


@dataclass(frozen=True)
class RigMaterial:
    """How a group of polygons looks.

    Attributes:
        base_color: linear RGB; a texture takes its place.
        subsurface: 0 (none) to 1.
        alpha: opacity; multiplies the texture's alpha channel where it has one.
        texture: name of one of the rig's textures, such as ``albedo.png``.
        normal_map: name of another, with the relief at rest as tangent-space normals (green up, as glTF has
            them), for viewers that know no displacement; never used together with it.
    """

    name: str
    base_color: tuple[float, float, float] = (0.8, 0.8, 0.8)
    roughness: float = 0.5
    subsurface: float = 0.0
    alpha: float = 1.0
    texture: str | None = None
    normal_map: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Rig:
    """A person's head, ready to animate.

    Space, polygons and UVs are those of :class:`core.face_model.model.FaceModel`; the arrays stand alone, so
    a rig needs no face model to be used.

    Attributes:
        model_name, model_licence: the face model it was made from.
        shape_keys: offsets from ``neutral`` at coefficient 1, in the order of ``ARKIT_NAMES``.
        landmarks: MediaPipe's 478 landmarks on the neutral head.
        regions: index into ``region_names`` of each vertex.
        polygon_material: index into ``materials`` of each polygon.
        textures: file name → sRGB image, RGB or RGBA; ``albedo.png`` is the skin.
        displacement: relief of the material ``skin``, at rest and by expression.
        previews: file name → RGB image.
        warnings: what the user should know about the whole rig, in sentences.
        provenance: how it was made (options, versions, timings); anything JSON can hold.
    """

    name: str
    model_name: str
    model_licence: str
    neutral: Float32[ndarray, "vertices 3"]
    polygon_vertices: Int32[ndarray, "corners"]
    polygon_starts: Int32[ndarray, "polygons"]
    uv: Float32[ndarray, "corners 2"]
    shape_keys: Float32[ndarray, "52 vertices 3"]
    landmarks: Float32[ndarray, "478 3"]
    regions: Int32[ndarray, "vertices"]
    joints: Float32[ndarray, "joints 3"]
    skin_weights: Float32[ndarray, "vertices joints"]
    polygon_material: Int32[ndarray, "polygons"]
    materials: tuple[RigMaterial, ...]
    textures: Mapping[str, Image]
    region_names: tuple[str, ...] = REGIONS
    joint_names: tuple[str, ...] = JOINTS
    joint_parents: tuple[int, ...] = JOINT_PARENTS
    photos: tuple[RigPhoto, ...] = ()
    displacement: tuple[Displacement, ...] = ()
    previews: Mapping[str, Image] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    rig_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    generator: str = field(default_factory=generator)

    @property
    def shape_key_names(self) -> tuple[str, ...]:
        return ARKIT_NAMES

    @cached_property
    def triangle_corners(self) -> Int32[ndarray, "triangles 3"]:
        """Corner indices (into ``polygon_vertices`` and ``uv``) of the fan triangles of every polygon."""
        return fan_corners(self.polygon_starts, len(self.polygon_vertices))

    @cached_property
    def triangles(self) -> Int32[ndarray, "triangles 3"]:
        """Vertex indices of ``triangle_corners``."""
        return self.polygon_vertices[self.triangle_corners].astype(np.int32)

    def expressed(self, expression: Mapping[str, float]) -> Float32[ndarray, "vertices 3"]:
        """The head with an expression: ARKit name → coefficient.

        Raises:
            KeyError: a name is not ARKit's.
        """
        head = self.neutral.copy()
        for name, coefficient in expression.items():
            head += np.float32(coefficient) * self.shape_keys[_INDEX[name]]
        return head
