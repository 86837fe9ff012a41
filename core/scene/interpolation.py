"""Values on a mesh to values in pixels, with gradients to attributes and to vertex positions."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.linalg import cross

from core.scene.camera import Camera, pixel_rays
from core.scene.rasterise import Fragments


def interpolate(
    fragments: Fragments,
    triangles: Int[Tensor, "triangles 3"],
    attributes: Float[Tensor, "attributed channels"],
    barycentrics: Float[Tensor, "height width 3"] | None = None,
) -> Float[Tensor, "height width channels"]:
    """Attributes at every pixel, 0 in the background. Differentiable in both float arguments.

    Args:
        fragments: of one image.
        triangles: indices into ``attributes``: vertex indices, or corner indices for per-corner values.
        attributes: values to interpolate.
        barycentrics: from :func:`recompute_barycentrics`, so that gradients reach the vertices; the
            fragments' own where not given.
    """
    covered = fragments.covered
    if barycentrics is None:
        barycentrics = fragments.barycentrics.to(attributes.dtype)
    corners = triangles[fragments.triangle[covered].long()].reshape(-1).long()
    values = attributes.index_select(0, corners).reshape(-1, 3, attributes.shape[1])
    image = attributes.new_zeros(*covered.shape, attributes.shape[1])
    return image.index_put((covered,), (barycentrics[covered].unsqueeze(-1) * values).sum(1))


def recompute_barycentrics(
    fragments: Fragments,
    vertices_camera: Float[Tensor, "vertices 3"],
    triangles: Int[Tensor, "triangles 3"],
    camera: Camera,
) -> Float[Tensor, "height width 3"]:
    """The fragments' barycentrics as a function of vertex positions and intrinsics; 0 in the background.

    Each covered pixel's ray is intersected with its triangle's plane. The ray is followed from the depth
    that the rasteriser found instead of from the camera: the same intersection and the same gradients, with
    rounding errors relative to the triangle instead of to its distance.
    """
    covered = fragments.covered
    corners = triangles[fragments.triangle[covered].long()].reshape(-1).long()
    v0, v1, v2 = vertices_camera.index_select(0, corners).reshape(-1, 3, 3).unbind(1)
    rays = pixel_rays(camera, device=vertices_camera.device, dtype=vertices_camera.dtype)[covered]
    origins = rays * fragments.depth[covered].to(rays.dtype).unsqueeze(-1) - v0
    edge1, edge2 = v1 - v0, v2 - v0
    plane = cross(rays, edge2)
    # A triangle seen exactly edge-on covers no pixel centre; the guard is for rounding.
    determinant = (edge1 * plane).sum(-1)
    determinant = determinant.where(determinant.abs() > 1e-20, determinant.new_tensor(1e-20))
    b1 = (origins * plane).sum(-1) / determinant
    b2 = (rays * cross(origins, edge1)).sum(-1) / determinant
    image = vertices_camera.new_zeros(*covered.shape, 3)
    return image.index_put((covered,), torch.stack([1 - b1 - b2, b1, b2], dim=-1))
