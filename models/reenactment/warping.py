"""Moving pictures and features by a flow in normalised units, and flows and masks between sizes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def pixel_grid(height: int, width: int, like: Tensor) -> Float[Tensor, "1 2 height width"]:
    """G(h, w) of eq. 3: x and y of pixel centres, where the picture is [-1, 1]."""
    y = (2 * torch.arange(height, device=like.device, dtype=like.dtype) + 1) / height - 1
    x = (2 * torch.arange(width, device=like.device, dtype=like.dtype) + 1) / width - 1
    return torch.stack([x[None].expand(height, width), y[:, None].expand(height, width)])[None]


def warp(
    image: Float[Tensor, "batch channels h w"],
    flow: Float[Tensor, "batch 2 height width"],
    mode: str = "bilinear",
) -> Float[Tensor, "batch channels height width"]:
    """What a picture shows at each point + flow; beyond its edge, what it shows there.

    Args:
        flow: its size is that of the result.
        mode: as of ``torch.nn.functional.grid_sample``.
    """
    grid = pixel_grid(int(flow.shape[2]), int(flow.shape[3]), flow) + flow
    moved: Tensor = F.grid_sample(
        image, grid.permute(0, 2, 3, 1), mode=mode, padding_mode="border", align_corners=False
    )
    return moved


def resized(
    maps: Float[Tensor, "batch channels h w"], height: int, width: int
) -> Float[Tensor, "batch channels height width"]:
    """Maps of another size: means of blocks where it is smaller by a whole number, else bilinear.

    Flows in normalised units stay as they are.
    """
    h, w = int(maps.shape[2]), int(maps.shape[3])  # plain numbers in a traced network too
    if (h, w) == (height, width):
        return maps
    if h % height == 0 and w % width == 0:
        return F.avg_pool2d(maps, (h // height, w // width))
    larger: Tensor = F.interpolate(maps, (height, width), mode="bilinear", align_corners=False)
    return larger


def like(
    maps: Float[Tensor, "batch channels h w"], other: Float[Tensor, "batch others height width"]
) -> Float[Tensor, "batch channels height width"]:
    """:func:`resized` to another's size."""
    return resized(maps, int(other.shape[2]), int(other.shape[3]))
