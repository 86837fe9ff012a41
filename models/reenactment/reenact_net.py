"""The reenactment network F_r: the source's features, moved, masked and put together again."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from models.reenactment.layers import EncoderBlock, SPADEBlock, convolution, rectified, silent
from models.reenactment.settings import GuidedSettings
from models.reenactment.warping import like, warp

_FIRST_MASK: Final = -3.0  # the logit that the blend begins with: 0.05 generated, 0.95 warped


class Painted(NamedTuple):
    """The picture in [-1, 1] (may overshoot) and the blend's mask, 1 without ``blend``."""

    picture: Float[Tensor, "batch 3 side side"]
    generated: Float[Tensor, "batch 1 side side"]


class ReenactNet(nn.Module):
    """Encoder and decoder with skip connections at every scale.

    The encoder's features are warped by F and masked by O before the decoder sees them; the render modulates
    the decoder by SPADE at every scale.
    """

    def __init__(self, settings: GuidedSettings) -> None:
        super().__init__()
        self.settings = settings
        widths, count = settings.encoder, settings.convolutions
        guide = 3 if settings.synthesis_guidance else 0
        self.coarser = settings.finest == 2

        def block(width: int) -> SPADEBlock:
            return SPADEBlock(width, guide, settings.spade_hidden, settings.spade_kernel, count)

        self.stem = convolution(3, widths[0], 3 if self.coarser else 7, settings.finest)
        steps = list(pairwise(widths))
        self.down = nn.ModuleList(convolution(fine, coarse, 3, 2) for fine, coarse in steps)
        self.encoder = nn.ModuleList(EncoderBlock(coarse, count) for _, coarse in steps)
        self.bottleneck = nn.ModuleList(block(widths[-1]) for _ in range(settings.bottleneck))
        self.narrow = nn.ModuleList(convolution(coarse, fine, 1) for fine, coarse in reversed(steps))
        self.merge = nn.ModuleList(convolution(2 * fine, fine) for fine, _ in reversed(steps))
        self.decoder = nn.ModuleList(block(fine) for fine, _ in reversed(steps))
        # at half the side, what the decoder may copy comes in beside the features, at its own size
        self.copies = nn.Conv2d(3 + guide, widths[0], 4, 2, 1) if self.coarser else None
        planes = 3 + int(settings.blend)
        self.head = convolution(widths[0], planes * (4 if self.coarser else 1))
        if settings.blend:
            silent(self.head)

    def encode(self, source: Float[Tensor, "batch 3 side side"]) -> list[Tensor]:
        """Features of a source in [-1, 1], from the finest scale to the coarsest; targets share them."""
        x = self.stem(source)
        features = [x]
        for down, block in zip(self.down, self.encoder, strict=True):
            x = block(down(rectified(x)))
            features.append(x)
        return features

    def decode(
        self,
        features: list[Tensor],
        source: Float[Tensor, "batch 3 side side"],
        flow: Float[Tensor, "batch 2 side side"],
        occlusion: Float[Tensor, "batch 1 side side"],
        render: Float[Tensor, "batch 3 side side"],
    ) -> Painted:
        """The picture, of :meth:`encode`'s features.

        Args:
            source, render: in [-1, 1].
        """
        guides = torch.cat([flow, occlusion, render], dim=1)
        moved, renders = [], []
        for feature in features:
            guides = like(guides, feature)  # of the scale before: a mean of means is the mean
            moved.append(rectified(warp(feature, guides[:, :2])) * guides[:, 2:3])
            renders.append(guides[:, 3:])
        warped = warp(source, flow)
        x, shown = moved.pop(), renders.pop()
        for block in self.bottleneck:
            x = block(x, shown)
        for narrow, merge, block in zip(self.narrow, self.merge, self.decoder, strict=True):
            skip, shown = moved.pop(), renders.pop()
            x = merge(torch.cat([like(narrow(rectified(x)), skip), skip], dim=1))
            if self.copies is not None and not moved:
                copied = [warped, render] if self.settings.synthesis_guidance else [warped]
                x = x + self.copies(torch.cat(copied, dim=1))
            x = block(x, shown)
        planes = self.head(rectified(x))
        if self.coarser:
            planes = F.pixel_shuffle(planes, 2)
        return self._painted(planes, warped, render)

    def _painted(self, planes: Tensor, warped: Tensor, render: Tensor) -> Painted:
        if not self.settings.blend:
            return Painted(torch.tanh(planes), torch.ones_like(planes[:, :1]))
        generated = planes[:, :3] + (render if self.settings.synthesis_guidance else 0)
        mask = torch.sigmoid(planes[:, 3:] + _FIRST_MASK)
        return Painted(mask * generated + (1 - mask) * warped, mask)

    def forward(
        self,
        source: Float[Tensor, "batch 3 side side"],
        flow: Float[Tensor, "batch 2 side side"],
        occlusion: Float[Tensor, "batch 1 side side"],
        render: Float[Tensor, "batch 3 side side"],
    ) -> Painted:
        """See :meth:`decode`."""
        return self.decode(self.encode(source), source, flow, occlusion, render)
