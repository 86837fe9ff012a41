"""Relief finer than a mesh: the normals of its surface raised by an image of heights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.linalg import cross

from core.scene.rasterise import Fragments
from core.scene.shading import sample_texture

_LINE = 1e-4  # a triangle's height over its length in the layout; of thinner ones rounding decides the sides


@dataclass(frozen=True, eq=False)
class Relief:
    """Heights over some triangles of a mesh.

    Attributes:
        heights: metres above the mesh, along its normals; row 0 is v = 1. For a picture without sparkle, a
            texel should be about as large as a pixel.
        uv: per corner, in [0, 1], v up.
        triangle_corners: indices into ``uv``, in the order of the mesh's triangles; -1 where a triangle has
            no relief. Triangles that meet without a seam share their corners.
    """

    heights: Float[Tensor, "side side"]
    uv: Float[Tensor, "corners 2"]
    triangle_corners: Int[Tensor, "triangles 3"]

    @cached_property
    def slopes(self) -> Float[Tensor, "side side 2"]:
        """:func:`height_slopes`, kept for all pictures that show these heights."""
        return height_slopes(self.heights)


def raised_normals(
    normals: Float[Tensor, "covered 3"],
    fragments: Fragments,
    triangles: Int[Tensor, "triangles 3"],
    vertices_camera: Float[Tensor, "vertices 3"],
    relief: Relief,
) -> Float[Tensor, "covered 3"]:
    """Unit normals of a mesh with relief at the pixels that see it. Differentiable in normals and heights.

    Args:
        normals: the mesh's, unit, at every covered pixel in reading order.
        fragments: of one picture.
        triangles: vertex indices.
        vertices_camera: metres, camera axes.
    """
    raised = relief.triangle_corners[:, 0] >= 0
    corners = relief.triangle_corners.clamp_min(0)
    gradients = uv_gradients(vertices_camera, triangles[raised], relief.uv, corners[raised])
    values = torch.cat([relief.uv, gradients.flatten(1)], dim=1)
    pixel = fragments.covered.flatten().nonzero()[:, 0]
    number = fragments.triangle.flatten().index_select(0, pixel)
    own = raised.index_select(0, number).nonzero()[:, 0]
    number, pixel = number.index_select(0, own), pixel.index_select(0, own)
    weights = fragments.barycentrics.flatten(0, 1).index_select(0, pixel).to(values.dtype)
    # interpolation as a weighted sum of rows: several times faster than to gather the corners' values first
    bag = corners.index_select(0, number)
    uv, across = F.embedding_bag(bag, values, mode="sum", per_sample_weights=weights).split([2, 6], dim=1)
    bent = displaced_normals(normals.index_select(0, own), uv, across.unflatten(1, (2, 3)), relief.slopes)
    return normals.index_copy(0, own, bent)


def displaced_normals(
    normals: Float[Tensor, "*batch 3"],
    uv: Float[Tensor, "*batch 2"],
    gradients: Float[Tensor, "*batch 2 3"],
    slopes: Float[Tensor, "side side 2"],
) -> Float[Tensor, "*batch 3"]:
    """Unit normals of a surface raised along its own: n - ∇h, to first order in the height. Differentiable.

    ∇h is the gradient along the surface (Mikkelsen 2020, "Surface Gradient-Based Bump Mapping Framework"), by
    the chain rule that of the image times those of u and v: the layout may be turned, stretched or mirrored.

    Args:
        normals: unit.
        uv: in [0, 1], v up.
        gradients: of u and v along the surface, as :func:`uv_gradients` has them.
        slopes: as :func:`height_slopes` has them, of heights in the unit of length of the gradients.
    """
    slope = sample_texture(slopes, uv)
    gradient = slope[..., :1] * gradients[..., 0, :] + slope[..., 1:] * gradients[..., 1, :]
    # triangles' planes are not quite square to the smooth normal
    gradient = gradient - (gradient * normals).sum(-1, keepdim=True) * normals
    return F.normalize(normals - gradient, dim=-1)


def height_slopes(heights: Float[Tensor, "side side"]) -> Float[Tensor, "side side 2"]:
    """∂h/∂u and ∂h/∂v at every texel, by central differences. Differentiable.

    Args:
        heights: row 0 is v = 1.
    """
    side = len(heights)
    if side < 2:
        return heights.new_zeros(side, side, 2)
    down, right = torch.gradient(heights)
    return torch.stack([right * side, down * -side]).permute(1, 2, 0)


def uv_gradients(
    vertices: Float[Tensor, "vertices 3"],
    triangles: Int[Tensor, "triangles 3"],
    uv: Float[Tensor, "corners 2"],
    triangle_corners: Int[Tensor, "triangles 3"],
) -> Float[Tensor, "corners 2 3"]:
    """Gradients of u and of v along a mesh, the mean of the adjoining triangles' weighted by area.

    As with smooth normals, the mean hides the facets. Triangles that are a line in the layout, and corners of
    no triangle, get 0.

    Args:
        vertices: any unit of length; the gradients are per that unit.
        triangle_corners: indices into ``uv``; the mean is over the triangles that share a corner.
    """
    v0, v1, v2 = vertices[triangles.long()].unbind(1)
    edge1, edge2 = v1 - v0, v2 - v0
    across = cross(edge1, edge2, dim=-1)
    area = across.norm(dim=-1)  # doubled
    p0, p1, p2 = uv[triangle_corners.long()].unbind(1)
    step1, step2 = p1 - p0, p2 - p0
    twice = step1[:, 0] * step2[:, 1] - step1[:, 1] * step2[:, 0]  # the area drawn on, doubled
    drawn = twice.abs() > _LINE * torch.maximum(step1.square().sum(-1), step2.square().sum(-1))
    # edge2 × across and across × edge1, over area², are the gradients of the last two barycentrics
    sums = step1[:, :, None] * cross(edge2, across, dim=-1)[:, None]
    sums = (sums + step2[:, :, None] * cross(across, edge1, dim=-1)[:, None]).flatten(1)
    values = torch.cat([sums / area.clamp_min(1e-30)[:, None], area[:, None]], dim=1) * drawn[:, None]
    total = values.new_zeros(len(uv), 7)
    for k in range(3):
        total = total.index_add(0, triangle_corners[:, k].long(), values)
    return (total[:, :6] / total[:, 6:].clamp_min(1e-30)).unflatten(1, (2, 3))
