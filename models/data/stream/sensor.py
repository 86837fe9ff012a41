"""What cameras and file formats do to pictures, a batch at once; ``models.data.sensor`` does it to one."""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from core.scene.shading import linear_to_srgb
from models.data.stream.dice import Dice

_REACH: Final = 4  # pixels of the blur's kernel to each side
# ITU-T T.81, tables K.1 and K.2: what JPEG encoders scale by quality
_LUMA: Final = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA: Final = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *[99] * 32,
)  # fmt: skip
_TO_YCC: Final = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def photograph(dice: Dice, linear: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch 3 side side"]:
    """sRGB in [0, 1] with the blur, coarseness, noise and compression of random cameras.

    A third of the pictures stay nearly clean.

    Args:
        linear: linear light, clipped at 1; the side a multiple of 16.
    """
    batch = len(linear)
    dirty = dice.happens(0.67, batch)
    image = _chosen(dirty & dice.happens(0.3, batch), _blurred(dice, linear), linear)
    image = _chosen(dirty & dice.happens(0.4, batch), _coarse(dice, image), image)
    image = _noisy(dice, image, dirty)
    encoded = linear_to_srgb(image.clamp(0, 1))
    encoded = _chosen(dirty & dice.happens(0.4, batch), _developed(dice, encoded), encoded).clamp(0, 1)
    return _chosen(
        dirty & dice.happens(0.5, batch), compressed(encoded, dice.uniform(22, 95, batch)), encoded
    )


def compressed(
    encoded: Float[Tensor, "batch 3 side side"], quality: Float[Tensor, "batch"]
) -> Float[Tensor, "batch 3 side side"]:
    """As JPEG of this quality (1-100) with half the colour resolution leaves pictures (ITU-T T.81)."""
    matrix = encoded.new_tensor(_TO_YCC)
    ycc = torch.einsum("ij,bjhw->bihw", matrix, 255 * encoded)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)[:, None, None, None, None, None]
    luma = _quantised(ycc[:, :1] - 128, scale, _LUMA) + 128
    small = _quantised(F.avg_pool2d(ycc[:, 1:], 2), scale, _CHROMA)
    chroma = F.interpolate(small, scale_factor=2.0, mode="bilinear")
    back = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(matrix), torch.cat([luma, chroma], dim=1))
    return (back / 255).clamp(0, 1)


def _quantised(planes: Tensor, scale: Tensor, table: tuple[int, ...]) -> Tensor:
    """8 × 8 cosine transforms, rounded to the table's steps, and back."""
    n = torch.arange(8, device=planes.device, dtype=planes.dtype)
    cosine = torch.cos(math.pi / 8 * (n + 0.5) * n[:, None]) * 0.5
    cosine[0] *= math.sqrt(0.5)
    batch, channels, height, width = planes.shape
    blocks = planes.reshape(batch, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    waves = cosine @ blocks @ cosine.T
    steps = (planes.new_tensor(table).reshape(8, 8) * scale).round().clamp(1, 255)
    rounded = (waves / steps).round() * steps
    return (cosine.T @ rounded @ cosine).transpose(3, 4).reshape(planes.shape)


def _chosen(which: Tensor, changed: Tensor, image: Tensor) -> Tensor:
    return torch.where(which[:, None, None, None], changed, image)


def _blurred(dice: Dice, image: Tensor) -> Tensor:
    """Out of focus, or moved along one axis or the other."""
    batch, channels, height, width = image.shape
    focus = dice.uniform(0.4, 1.8, batch, 2)
    moved = torch.where(
        dice.happens(0.5, batch, 1), dice.uniform(0.2, 0.5, batch, 2), dice.uniform(1.0, 3.0, batch, 2)
    )
    moved = torch.stack([moved[:, 0], 0.2 + 3.0 * (moved[:, 0] < 0.6) * moved[:, 1]], dim=1)
    spread = torch.where(dice.happens(0.6, batch, 1), focus[:, :1].expand(-1, 2), moved)
    at = torch.arange(-_REACH, _REACH + 1, device=image.device)
    kernel = torch.exp(-0.5 * (at / spread[..., None]) ** 2)
    kernel = (kernel / kernel.sum(dim=-1, keepdim=True)).repeat_interleave(channels, dim=0)
    flat = image.reshape(1, batch * channels, height, width)
    flat = F.conv2d(flat, kernel[:, 0, None, :, None], padding=(_REACH, 0), groups=batch * channels)
    flat = F.conv2d(flat, kernel[:, 1, None, None, :], padding=(0, _REACH), groups=batch * channels)
    return flat.reshape(image.shape)


def _coarse(dice: Dice, image: Tensor) -> Tensor:
    """From fewer pixels; neighbours in the batch from as many."""
    side, parts = image.shape[-1], image.chunk(8)
    made = []
    for part in parts:
        small = int(side * dice.host.uniform(0.2, 0.9) ** 0.7)
        mode = ("bilinear", "bicubic")[int(dice.host.integers(2))]
        shrunk = F.interpolate(part, size=(small, small), mode="area")
        made.append(F.interpolate(shrunk, size=(side, side), mode=mode))
    return torch.cat(made)


def _noisy(dice: Dice, image: Tensor, dirty: Tensor) -> Tensor:
    batch = len(image)
    shot = torch.where(dirty, dice.uniform(0, 0.025, batch), 0.004)[:, None, None, None]
    read = torch.where(dirty, dice.uniform(0, 0.008, batch), 0.001)[:, None, None, None]
    grain = dice.normal(1.0, *image.shape)
    grain = _chosen(dice.happens(0.4, batch), 1.5 * F.avg_pool2d(grain, 3, 1, 1) * 1.6, grain)
    return image + grain * torch.sqrt(shot**2 * image.clamp(0, 1) + read**2)


def _developed(dice: Dice, encoded: Tensor) -> Tensor:
    """A camera's own rendering: contrast and colour; some pictures lose all colour."""
    batch = len(encoded)
    contrast = dice.uniform(0.85, 1.2, batch)[:, None, None, None]
    plain = dice.happens(0.3, batch)
    saturation = torch.where(plain, 0.0, dice.uniform(0.5, 1.3, batch))[:, None, None, None]
    grey = encoded.mean(dim=1, keepdim=True)
    return 0.5 + contrast * (grey + saturation * (encoded - grey) - 0.5)
