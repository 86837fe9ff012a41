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
    triangles: Int[Tensor, "triangles 3"] | Int[Tensor, "images triangles 3"],
    attributes: Float[Tensor, "*batch attributed channels"],
    barycentrics: Float[Tensor, "*images height width 3"] | None = None,
) -> Float[Tensor, "*images height width channels"]:
    """Attributes at every pixel, 0 in the background. Differentiable in both float arguments.

    Args:
        fragments: of one image or of a batch of images.
        triangles: indices into ``attributes``: vertex indices, or corner indices for per-corner values; of
            each image, or the same for all.
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
    triangles: Int[Tensor, "triangles 3"] | Int[Tensor, "batch triangles 3"],
    camera: Camera | Float[Tensor, "batch 4"],
) -> Float[Tensor, "*batch height width 3"]:
    """The fragments' barycentrics as a function of vertex positions and intrinsics; 0 in the background.

    Each covered pixel's ray is intersected with its triangle's plane. The ray is followed from the depth
    that the rasteriser found instead of from the camera: the same intersection and the same gradients, with
    rounding errors relative to the triangle instead of to its distance.

    Args:
        camera: of all images, or fx, fy, cx, cy of each, in pixels.
    """
    covered = fragments.covered
    v0, v1, v2 = _at_corners(fragments, triangles, vertices_camera).unbind(1)
    rays = _rays(covered, camera, vertices_camera)
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


def _rays(covered: Tensor, camera: Camera | Tensor, like: Tensor) -> Tensor:
    """(covered pixels, 3): direction through each pixel's centre, as :func:`pixel_rays` has it."""
    if isinstance(camera, Camera):
        rays = pixel_rays(camera, device=like.device, dtype=like.dtype)
        return rays.expand(*covered.shape, 3)[covered]
    _, height, width = covered.shape
    fx, fy, cx, cy = camera.to(like)[:, :, None].unbind(1)
    across = (torch.arange(width, device=like.device, dtype=like.dtype) + 0.5 - cx) / fx
    down = (torch.arange(height, device=like.device, dtype=like.dtype) + 0.5 - cy) / fy
    x = across[:, None, :].expand(covered.shape)[covered]
    y = down[:, :, None].expand(covered.shape)[covered]
    return torch.stack([x, y, torch.ones_like(x)], dim=-1)


def _at_corners(fragments: Fragments, triangles: Tensor, values: Tensor) -> Tensor:
    """(covered pixels, 3, channels): values at the corners of the triangle that each pixel sees."""
    covered = fragments.covered
    number = fragments.triangle[covered].long()
    own_triangles, own_values = triangles.dim() > 2, values.dim() > 2
    if own_triangles or own_values:  # each image has its own: they are one list, image after image
        images = torch.arange(len(covered), device=covered.device)[:, None, None]
        image = images.expand(covered.shape)[covered]
    if own_triangles:
        number = number + image * triangles.shape[-2]
        triangles = triangles.flatten(0, 1)
    corners = triangles[number].long()
    if own_values:
        corners = corners + (image * values.shape[-2]).unsqueeze(-1)
        values = values.flatten(0, 1)
    return values.index_select(0, corners.reshape(-1)).reshape(-1, 3, values.shape[-1])
