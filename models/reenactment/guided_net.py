"""Both networks in a row: guidance in, the reenacted picture out."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from models.reenactment.completion import CompletionNet
from models.reenactment.reenact_net import ReenactNet
from models.reenactment.settings import GuidedSettings


class Reenacted(NamedTuple):
    """What the networks say.

    Attributes:
        picture: sRGB as stored; may lie a little outside [0, 1], where training wants gradients.
        flow: completed F (eq. 6).
        occlusion: completed O (eq. 7).
        generated: how much of each pixel is not the warped source.
    """

    picture: Float[Tensor, "batch 3 side side"]
    flow: Float[Tensor, "batch 2 side side"]
    occlusion: Float[Tensor, "batch 1 side side"]
    generated: Float[Tensor, "batch 1 side side"]


class GuidedNet(nn.Module):
    """The paper's framework. A side must be a multiple of :attr:`multiple`."""

    def __init__(self, settings: GuidedSettings) -> None:
        super().__init__()
        self.settings = settings
        self.completion = CompletionNet(settings)
        self.reenact = ReenactNet(settings)

    @property
    def multiple(self) -> int:
        """What a picture's side must be a multiple of, so that every scale is half of the one before."""
        settings = self.settings
        return max(
            4 * 2 ** (len(settings.completion) - 1), settings.finest * 2 ** (len(settings.encoder) - 1)
        )

    def forward(
        self,
        source: Float[Tensor, "batch 3 side side"],
        flow: Float[Tensor, "batch 2 side side"],
        occlusion: Float[Tensor, "batch 1 side side"],
        render: Float[Tensor, "batch 3 side side"],
        masks: Float[Tensor, "batch 4 side side"],
        code: Float[Tensor, "batch code"],
    ) -> Reenacted:
        """See ``GuidanceBatch``."""
        features = self.reenact.encode(2 * source - 1)
        return self.of_features(features, source, flow, occlusion, render, masks, code)

    def of_features(
        self,
        features: list[Tensor],
        source: Float[Tensor, "batch 3 side side"],
        flow: Float[Tensor, "batch 2 side side"],
        occlusion: Float[Tensor, "batch 1 side side"],
        render: Float[Tensor, "batch 3 side side"],
        masks: Float[Tensor, "batch 4 side side"],
        code: Float[Tensor, "batch code"],
    ) -> Reenacted:
        """As :meth:`forward`, with the source's features of ``reenact.encode``, which its frames share."""
        inside = 2 * source - 1
        whole = self.completion(inside, flow, occlusion, masks, code)
        painted = self.reenact.decode(features, inside, whole.flow, whole.occlusion, 2 * render - 1)
        return Reenacted((painted.picture + 1) / 2, whole.flow, whole.occlusion, painted.generated)
