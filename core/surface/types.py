"""What texture building starts from and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Float, Float32, Int32, UInt8
from numpy import ndarray


@dataclass(frozen=True)
class PhotoPixels:
    """One photo at full resolution, in the pixels that its ``PhotoFit`` speaks of.

    Attributes:
        image: sRGB.
        skin: probability that each pixel is the face's own bare skin, 0-1; 0 outside the outline of the face.
        person: probability that each pixel shows the person, 0-1.
        landmarks: MediaPipe's landmarks in pixels, as the fit got them.
    """

    image: UInt8[ndarray, "height width 3"]
    skin: Float32[ndarray, "height width"]
    person: Float32[ndarray, "height width"]
    landmarks: Float32[ndarray, "478 3"]


@dataclass(frozen=True)
class Material:
    """How one kind of surface takes light; the colour is the atlas's unless ``textured`` is false.

    Attributes:
        base_color: linear RGB, the mean of the texture, for viewers that show none.
        roughness, subsurface: of Blender's Principled BSDF, 0-1.
        alpha: the texture's alpha says where the surface is.
    """

    name: str
    base_color: tuple[float, float, float]
    roughness: float
    subsurface: float
    alpha: bool = False
    textured: bool = True


@dataclass(frozen=True)
class ReliefMap:
    """One map.

    Attributes:
        heights: metres above the mesh.
        measured: how much of it photos showed rather than was taken as usual, 0-1.
    """

    heights: Float32[ndarray, "size size"]
    measured: float


@dataclass(frozen=True)
class HeadTexture:
    """One atlas for the whole head.

    Attributes:
        albedo: sRGB; row 0 is v = 1. Empty texels continue the nearest chart.
        alpha: 255 but between the hairs of the lashes.
        coverage: trust in what the photos show of each texel (before mirroring and filling), 0-1.
        skin_tone: linear albedo of the person's clean skin.
        iris_left, iris_right: linear albedo of the irises.
        materials, material_of_polygon: see :func:`core.surface.materials.head_materials`.
        relief: displacement maps, see :func:`core.surface.relief.build_relief`.
        normals: the relief at rest as tangent-space normals; none where photos show no relief.
        warnings: sentences for the user.
    """

    albedo: UInt8[ndarray, "size size 3"]
    alpha: UInt8[ndarray, "size size"]
    coverage: Float32[ndarray, "size size"]
    skin_tone: Float[ndarray, "3"]
    iris_left: Float[ndarray, "3"]
    iris_right: Float[ndarray, "3"]
    materials: tuple[Material, ...]
    material_of_polygon: Int32[ndarray, "polygons"]
    relief: Mapping[str, ReliefMap]
    normals: UInt8[ndarray, "side side 3"] | None
    warnings: list[str] = field(default_factory=list)
