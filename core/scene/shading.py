"""Normals, textures, colour spaces and visibility."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.linalg import cross

from core.scene.camera import Camera, project_camera
from core.scene.rasterise import Fragments

LUMINANCE: Final = np.array([0.2126, 0.7152, 0.0722])
"""Of linear sRGB."""


@dataclass(frozen=True)
class Texture:
    """An image laid over a mesh.

    Attributes:
        image: row 0 is v = 1.
        uv: per corner, in [0, 1], v up.
        triangle_corners: indices into ``uv``, in the order of the mesh's triangles.
    """

    image: Float[Tensor, "texture_height texture_width channels"]
    uv: Float[Tensor, "corners 2"]
    triangle_corners: Int[Tensor, "triangles 3"]


def vertex_normals(
    vertices: Float[Tensor, "*batch vertices 3"], triangles: Int[Tensor, "triangles 3"]
) -> Float[Tensor, "*batch vertices 3"]:
    """Unit normals, the mean of the adjoining triangles' weighted by area. Differentiable.

    A vertex in no triangle of positive area gets 0.
    """
    v0, v1, v2 = (vertices.index_select(-2, triangles[:, k].long()) for k in range(3))
    face = cross(v1 - v0, v2 - v0, dim=-1)
    total = torch.zeros_like(vertices)
    for k in range(3):
        total = total.index_add(-2, triangles[:, k].long(), face)
    return F.normalize(total, dim=-1, eps=1e-20)


def sample_texture(
    image: Float[Tensor, "texture_height texture_width channels"], uv: Float[Tensor, "*batch 2"]
) -> Float[Tensor, "*batch channels"]:
    """Bilinear texture values; differentiable in image and uv; clamped at the borders.

    Texel centres lie at (column + 0.5) / width and 1 - (row + 0.5) / height.
    """
    grid = torch.stack([uv[..., 0] * 2 - 1, 1 - uv[..., 1] * 2], dim=-1).reshape(1, 1, -1, 2)
    sampled = F.grid_sample(
        image.permute(2, 0, 1)[None], grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled[0, :, 0].T.reshape(*uv.shape[:-1], image.shape[-1])


def srgb_to_linear(colour: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Decode sRGB in [0, 1] to linear light (IEC 61966-2-1). Differentiable.

    ``c / 12.92`` up to 0.04045, then ``((c + 0.055) / 1.055) ^ 2.4``.
    """
    low = colour / 12.92
    high = ((colour.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(colour <= 0.04045, low, high)


def linear_to_srgb(colour: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Encode linear light in [0, 1] as sRGB, the inverse of :func:`srgb_to_linear`. Differentiable.

    ``12.92 c`` up to 0.0031308, then ``1.055 c^(1 / 2.4) - 0.055``.
    """
    low = colour * 12.92
    high = 1.055 * colour.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(colour <= 0.0031308, low, high)


LINEAR_OF_BYTE: Final = srgb_to_linear(torch.arange(256, dtype=torch.float64) / 255).numpy()
"""Linear light of each 8-bit sRGB value, (256,) float64."""


def visible_vertices(
    fragments: Fragments,
    vertices_camera: Float[Tensor, "vertices 3"],
    normals_camera: Float[Tensor, "vertices 3"],
    camera: Camera,
    *,
    tolerance: float = 2e-3,
    minimum_cosine: float = 0.0,
) -> Bool[Tensor, "vertices"]:
    """Vertices that the camera sees: in the image, facing it, and not behind the depth map.

    Args:
        fragments: of the same vertices and camera.
        tolerance: metres that a vertex may lie behind the depth of its pixel, besides what the surface's
            slope within one pixel explains.
        minimum_cosine: of the angle between normal and direction to the camera; raise it to leave out
            grazing views.
    """
    depth = vertices_camera[:, 2]
    pixel = project_camera(vertices_camera, camera).floor()
    inside = (depth > 0) & (pixel >= 0).all(-1)
    inside &= (pixel[:, 0] < camera.width) & (pixel[:, 1] < camera.height)
    column, row = pixel.where(inside[:, None], pixel.new_zeros(())).long().unbind(-1)
    surface = fragments.depth[row, column].to(depth.dtype)
    cosine = -(F.normalize(vertices_camera, dim=-1) * normals_camera).sum(-1)
    slope = (1 - cosine**2).clamp_min(0).sqrt() / cosine.clamp_min(0.1)
    pixel_size = depth / min(camera.intrinsics[:2])
    hidden = depth > surface + tolerance + 0.75 * pixel_size * slope
    return inside & (cosine > minimum_cosine) & ~hidden
