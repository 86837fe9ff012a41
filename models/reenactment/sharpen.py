"""Pictures of the photo's own size: the photo warped, and from the network what warping cannot give."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from models.reenactment.guided_net import Reenacted
from models.reenactment.warping import resized, warp


def full_size(
    photo: Float[Tensor, "batch 3 height width"],
    said: Reenacted,
    mode: str = "bicubic",
) -> Float[Tensor, "batch 3 height width"]:
    """The reenacted picture at the photo's size.

    out = (1 − m↑) · (warp(photo, F↑) + D↑) + m↑ · net↑, where m is what the network generated, and
    D is net − warp(photo↓, F) where m is low, smoothed: what the network changed of colour and light where it
    kept the photo's texture. F is enlarged linearly: it is smooth but at silhouettes.

    Args:
        photo: the source, sRGB as stored, in [0, 1], framed as the network's source was, of any size.
        said: what the network says, of its own size, in [0, 1].
        mode: how the photo is sampled; ``bilinear`` takes half the time.
    """
    height, width = int(photo.shape[2]), int(photo.shape[3])
    small_height, small_width = said.picture.shape[2:]
    small = F.interpolate(photo, (small_height, small_width), mode="bilinear", antialias=True)
    # what the network kept of the photo differs from it by light and colour alone: no detail in it is lost
    kept = 1 - said.generated
    change = _smooth(kept * (said.picture - warp(small, said.flow))) / _smooth(kept).clamp_min(1e-3)
    moved = warp(photo, resized(said.flow, height, width), mode)
    mask = resized(said.generated, height, width)
    painted = F.interpolate(said.picture, (height, width), mode="bicubic", align_corners=False)
    whole = (1 - mask) * (moved + resized(change, height, width)) + mask * painted
    return whole.clamp(0, 1)


def _smooth(maps: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h w"]:
    """Means of 9×9 pixels twice, nearly a Gaussian; beyond the edge nothing counts."""
    for _ in range(2):
        maps = F.avg_pool2d(maps, 9, 1, 4, count_include_pad=False)
    return maps
