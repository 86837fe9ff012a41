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
    attributes: Float[Tensor, "*batch attributed channels"],
    barycentrics: Float[Tensor, "*images height width 3"] | None = None,
) -> Float[Tensor, "*images height width channels"]:
    """Attributes at every pixel, 0 in the background. Differentiable in both float arguments.

    Args:
        fragments: of one image or of a batch of images.
        triangles: indices into ``attributes``: vertex indices, or corner indices for per-corner values.
        attributes: values to interpolate; of each image, or without a batch the same for all.
        barycentrics: from :func:`recompute_barycentrics`, so that gradients reach the vertices; the
            fragments' own where not given.
    """
    covered = fragments.covered
    if barycentrics is None:
        barycentrics = fragments.barycentrics.to(attributes.dtype)
    values = _at_corners(fragments, triangles, attributes)
    image = attributes.new_zeros(*covered.shape, attributes.shape[-1])
    return image.index_put((covered,), (barycentrics[covered].unsqueeze(-1) * values).sum(1))


def recompute_barycentrics(
    fragments: Fragments,
    vertices_camera: Float[Tensor, "*batch vertices 3"],
    triangles: Int[Tensor, "triangles 3"],
    camera: Camera,
) -> Float[Tensor, "*batch height width 3"]:
    """The fragments' barycentrics as a function of vertex positions and intrinsics; 0 in the background.

    Each covered pixel's ray is intersected with its triangle's plane. The ray is followed from the depth
    that the rasteriser found instead of from the camera: the same intersection and the same gradients, with
    rounding errors relative to the triangle instead of to its distance.
    """
    covered = fragments.covered
    v0, v1, v2 = _at_corners(fragments, triangles, vertices_camera).unbind(1)
    rays = pixel_rays(camera, device=vertices_camera.device, dtype=vertices_camera.dtype)
    rays = rays.expand(*covered.shape, 3)[covered]
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


def _at_corners(fragments: Fragments, triangles: Tensor, values: Tensor) -> Tensor:
    """(covered pixels, 3, channels): values at the corners of the triangle that each pixel sees."""
    covered = fragments.covered
    corners = triangles[fragments.triangle[covered].long()].long()
    if values.dim() > 2:  # each image has its own: they are one list, image after image
        image = torch.arange(len(values), device=values.device)[:, None, None].expand(covered.shape)
        corners = corners + (image[covered] * values.shape[-2]).unsqueeze(-1)
        values = values.flatten(0, 1)
    return values.index_select(0, corners.reshape(-1)).reshape(-1, 3, values.shape[-1])
