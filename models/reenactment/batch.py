"""What the reenactment networks are told of a picture: the source, and what geometry says of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

CODE_LENGTH: Final = 114
"""Numbers of a driving code: 52 target and 52 source coefficients, rotation 3, shift 3, gaze 4."""

MASKS: Final = ("face", "hair", "body", "background")
"""What the channels of ``GuidanceBatch.masks`` are of."""


@dataclass(frozen=True)
class GuidanceBatch:
    """Pairs of pictures of one person each, square and of one size, with the guidance between them.

    Attributes:
        source: sRGB as stored, in [0, 1].
        target: the truth that training wants, as ``source``.
        flow: computed flow F_c (eq. 3), x and y, where the picture is [-1, 1]: what the target shows at a
            point, the source shows at that point + flow. Defined everywhere.
        occlusion: computed occlusion O_c (eq. 4): 1 where the source shows the point, 0 where it must be
            painted.
        render: the head as it is drawn, I_r, over the warped background; as ``source``.
        masks: :data:`MASKS` in the target, adding up to 1.
        code: the driving parameters ṽ_d: 52 coefficients of the target, rotation vector of the head from the
            source (3), its shift (3), gaze (4), and 52 coefficients of the source.
    """

    source: Float[Tensor, "batch 3 side side"]
    target: Float[Tensor, "batch 3 side side"]
    flow: Float[Tensor, "batch 2 side side"]
    occlusion: Float[Tensor, "batch 1 side side"]
    render: Float[Tensor, "batch 3 side side"]
    masks: Float[Tensor, "batch 4 side side"]
    code: Float[Tensor, "batch code"]

    def __len__(self) -> int:
        return len(self.source)

    @property
    def side(self) -> int:
        """Pixels of a picture's side."""
        return self.source.shape[-1]

    @property
    def guidance(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """What a network is given, in the order of ``GuidedNet.forward``: all but the truth."""
        return self.source, self.flow, self.occlusion, self.render, self.masks, self.code

    def to(self, device: torch.device | str) -> GuidanceBatch:
        """The same on a device."""
        return GuidanceBatch(
            **{entry.name: getattr(self, entry.name).to(device, non_blocking=True) for entry in fields(self)}
        )

    def first(self, count: int) -> GuidanceBatch:
        """The first so many pairs."""
        return GuidanceBatch(**{entry.name: getattr(self, entry.name)[:count] for entry in fields(self)})


def joined(batches: Sequence[GuidanceBatch]) -> GuidanceBatch:
    """Batches of one side as a single one."""
    return GuidanceBatch(
        **{
            entry.name: torch.cat([getattr(one, entry.name) for one in batches])
            for entry in fields(GuidanceBatch)
        }
    )
