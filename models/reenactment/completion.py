"""The completion network F_c: from computed flow and occlusion to those of the whole picture (eq. 5–7)."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.reenactment.layers import AdaINBlock, convolution, rectified, silent
from models.reenactment.settings import GuidedSettings
from models.reenactment.warping import like, resized

_FIRST_MASK: Final = -3.0  # the logit that M_f and M_o begin with: 0.05
_FIRST_SEEN: Final = 3.0  # the logit that O_p begins with: 0.95
_PLANES: Final = 5  # F_p in x and y, O_p, M_f, M_o
_GUIDANCE: Final = 7  # flow in x and y, occlusion, four masks


class Completed(NamedTuple):
    """Flow F and occlusion O of the whole picture, and how much of each is predicted: M_f and M_o."""

    flow: Float[Tensor, "batch 2 side side"]
    occlusion: Float[Tensor, "batch 1 side side"]
    flow_mask: Float[Tensor, "batch 1 side side"]
    occlusion_mask: Float[Tensor, "batch 1 side side"]


class CompletionNet(nn.Module):
    """A small U-Net at a quarter of the picture's side, with AdaIN by the driving code.

    It begins with masks near 0, so that the computed guidance is used as it is. Its maps are enlarged
    bilinearly; the computed flow keeps its own edges.
    """

    def __init__(self, settings: GuidedSettings) -> None:
        super().__init__()
        self.settings = settings
        channels, embedding = settings.completion, settings.embedding
        inputs = 3 + (_GUIDANCE if settings.sees_guidance else 0)
        self.embed = nn.Sequential(
            nn.Linear(settings.code, embedding), nn.LeakyReLU(0.1), nn.Linear(embedding, embedding)
        )
        self.stem = convolution(inputs, channels[0], 3, 2)
        self.down = nn.ModuleList(convolution(fine, coarse, 3, 2) for fine, coarse in pairwise(channels))
        self.blocks = nn.ModuleList(
            AdaINBlock(channels[-1], embedding) for _ in range(settings.completion_blocks)
        )
        self.up = nn.ModuleList(
            convolution(fine + coarse, fine) for fine, coarse in reversed(list(pairwise(channels)))
        )
        self.modulated = nn.ModuleList(
            AdaINBlock(width, embedding, 1) for width in reversed(channels[1:-1])
        )  # the finest scale has none: it would cost more than all others
        self.head = silent(nn.Conv2d(channels[0], _PLANES, 3, padding=1))

    def forward(
        self,
        source: Float[Tensor, "batch 3 side side"],
        flow: Float[Tensor, "batch 2 side side"],
        occlusion: Float[Tensor, "batch 1 side side"],
        masks: Float[Tensor, "batch 4 side side"],
        code: Float[Tensor, "batch code"],
    ) -> Completed:
        """
        Args:
            source: in [-1, 1]. The rest is as in ``GuidanceBatch``.
        """
        settings = self.settings
        if not settings.flow_guidance:
            flow = torch.zeros_like(flow)
        if not settings.occlusion_guidance:
            occlusion = torch.ones_like(occlusion)
        shown = torch.cat([source, flow, occlusion, masks], dim=1) if settings.sees_guidance else source
        side = int(source.shape[-1])
        predicted = resized(self._maps(shown, code), side, side)
        own_flow = predicted[:, :2] + flow if settings.residual_flow else predicted[:, :2]
        own_seen = torch.sigmoid(predicted[:, 2:3] + _FIRST_SEEN)
        flow_mask = torch.sigmoid(predicted[:, 3:4] + _FIRST_MASK)
        seen_mask = torch.sigmoid(predicted[:, 4:5] + _FIRST_MASK)
        if not settings.flow_guidance:
            flow_mask = torch.ones_like(flow_mask)
        if not settings.occlusion_guidance:
            seen_mask = torch.ones_like(seen_mask)
        return Completed(
            blended(flow_mask, own_flow, flow), blended(seen_mask, own_seen, occlusion), flow_mask, seen_mask
        )

    def _maps(self, shown: Tensor, code: Tensor) -> Tensor:
        """What the network says, at a quarter of the side."""
        embedded = rectified(self.embed(code))
        half = int(shown.shape[-1]) // 2
        x = self.stem(resized(shown, half, half))
        kept = []
        for down in self.down:
            kept.append(x)
            x = down(rectified(x))
        for block in self.blocks:
            x = block(x, embedded)
        for number, up in enumerate(self.up):
            skip = kept.pop()
            x = torch.cat([like(x, skip), skip], dim=1)
            x = up(rectified(x))
            if number < len(self.modulated):
                x = self.modulated[number](x, embedded)
        maps: Tensor = self.head(rectified(x))
        return maps


def blended(
    mask: Float[Tensor, "batch 1 side side"],
    predicted: Float[Tensor, "batch channels side side"],
    computed: Float[Tensor, "batch channels side side"],
) -> Float[Tensor, "batch channels side side"]:
    """M ⊙ predicted + (1 − M) ⊙ computed (eq. 6 of flow, eq. 7 of occlusion)."""
    return mask * predicted + (1 - mask) * computed
