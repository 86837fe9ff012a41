"""Pairs that are made up: a smooth picture that moves, with a patch that no warp of it can give."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.reenactment.batch import CODE_LENGTH, GuidanceBatch
from models.reenactment.settings import GuidedSettings
from models.reenactment.warping import warp
from models.training.source import DataFacts

TINY = GuidedSettings(
    embedding=16, completion=(8, 12, 16), completion_blocks=1, encoder=(8, 12, 16), finest=2,
    convolutions=1, bottleneck=1, spade_hidden=8, spade_kernel=1, sees_guidance=True, residual_flow=True,
    blend=True,
)  # fmt: skip


def made_up_pairs(count: int, side: int = 64, seed: int = 0) -> GuidanceBatch:
    """The lower half moves by another shift than the computed flow says; a square of it changes colour."""
    random = torch.Generator().manual_seed(seed)

    def noise(channels: int, size: int) -> Tensor:
        coarse = torch.rand(count, channels, size, size, generator=random)
        return F.interpolate(coarse, (side, side), mode="bicubic", align_corners=False).clamp(0, 1)

    source = noise(3, 9)
    computed = (torch.rand(count, 2, 1, 1, generator=random) - 0.5) * 0.2
    flow = computed.expand(-1, -1, side, side).clone()
    true = flow.clone()
    true[:, 0, side // 2 :] += 0.1
    target = warp(source, true)
    seen = torch.ones(count, 1, side, side)
    patch = slice(side // 4, side // 4 + side // 4)
    target[:, :, patch, patch] = torch.tensor([0.9, 0.1, 0.2])[:, None, None]
    seen[:, :, patch, patch] = 0
    render = F.interpolate(F.avg_pool2d(target, 8), (side, side), mode="bilinear", align_corners=False)
    masks = torch.zeros(count, 4, side, side)
    masks[:, 0, : side // 2], masks[:, 3, side // 2 :] = 1, 1
    code = 0.3 * torch.randn(count, CODE_LENGTH, generator=random)
    return GuidanceBatch(source, target, flow, seen, render, masks, code)


class MadeUpPairs:
    """A source of such pairs, by their numbers."""

    facts = (DataFacts("made up", 1, 8, {"noise": "CC0-1.0"}),)

    def __init__(self, pairs: int = 2, side: int = 64, seed: int = 0) -> None:
        self._pairs, self._side, self._seed = pairs, side, seed

    def batch(self, step: int) -> GuidanceBatch:
        return made_up_pairs(self._pairs, self._side, 1000 * self._seed + step % 4)
