"""The network: landmarks of a frame, of the person at rest and the head's rotation to coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

COEFFICIENTS = 52
_LEAST_DEVIATION = 0.01


class Estimate(NamedTuple):
    """What the network says of each frame.

    Attributes:
        coefficients: in [0, 1].
        deviation: standard deviation of each coefficient's error.
        neutral: the person's neutral face less the reference that was given, in shape components.
    """

    coefficients: Float[Tensor, "frames 52"]
    deviation: Float[Tensor, "frames 52"]
    neutral: Float[Tensor, "frames shape"]


class PriorNet(nn.Module):
    """A residual MLP on components of the aligned landmarks.

    Args:
        components: of a frame's offset from the reference.
        shape: of the reference itself, which are the first of them.
        width, depth, dropout: of the residual blocks.
    """

    spread: Tensor
    shape_spread: Tensor

    def __init__(
        self, components: int, shape: int, width: int = 320, depth: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.components, self.shape = components, shape
        self.register_buffer("spread", torch.ones(components))
        self.register_buffer("shape_spread", torch.ones(shape))
        self.enter = nn.Linear(components + shape + 9, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, width),
                nn.SiLU(),
                nn.Dropout(dropout),
                nn.Linear(width, width),
            )
            for _ in range(depth)
        )
        self.leave = nn.LayerNorm(width)
        self.direct = nn.Linear(components, COEFFICIENTS, bias=False)
        self.coefficients = nn.Linear(width, COEFFICIENTS)
        self.deviation = nn.Linear(width, COEFFICIENTS)
        self.neutral = nn.Linear(width, shape)

    def forward(
        self,
        offset: Float[Tensor, "frames components"],
        reference: Float[Tensor, "frames shape"],
        rotation: Float[Tensor, "frames 9"],
    ) -> Estimate:
        """Estimate from components of ``frame - reference`` and ``reference - mean face``."""
        scaled = offset / self.spread
        x = F.silu(self.enter(torch.cat([scaled, reference / self.shape_spread, 3 * rotation], dim=1)))
        for block in self.blocks:
            x = x + block(x)
        x = F.silu(self.leave(x))
        return Estimate(
            torch.sigmoid(self.coefficients(x) + self.direct(scaled)),
            _LEAST_DEVIATION + 0.5 * torch.sigmoid(self.deviation(x)),
            self.neutral(x) * self.shape_spread,
        )


class TurnNet(nn.Module):
    """What the alignment misses of a head's rotation, from the same inputs: an MLP beside a linear map.

    Args:
        components, shape: as :class:`PriorNet`.
        width, dropout: of the two hidden layers.
    """

    spread: Tensor
    shape_spread: Tensor
    usual: Tensor

    def __init__(self, components: int, shape: int, width: int = 128, dropout: float = 0.2) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("spread", torch.ones(components))
        self.register_buffer("shape_spread", torch.ones(shape))
        self.register_buffer("usual", torch.zeros(3))
        self.direct = nn.Linear(components + shape + 9, 3)
        self.layers = nn.Sequential(
            nn.Linear(components + shape + 9, width),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(width, 3),
        )
        with torch.no_grad():
            self.direct.weight.mul_(0.1)

    def forward(
        self,
        offset: Float[Tensor, "frames components"],
        reference: Float[Tensor, "frames shape"],
        rotation: Float[Tensor, "frames 9"],
    ) -> Float[Tensor, "frames 3"]:
        """Rotation vectors: pitch, yaw, roll."""
        x = torch.cat([offset / self.spread, reference / self.shape_spread, 3 * rotation], dim=1)
        return self.usual + 0.1 * (self.direct(x) + self.layers(x))


class Ensemble(nn.Module):
    """Networks trained from different seeds, whose mean is better than each.

    Where they disagree, the deviation is larger; ``calibration`` scales it, unit by unit.

    Args:
        members: of the coefficients.
        turning: of the head's rotation.
    """

    calibration: Tensor

    def __init__(self, members: Sequence[PriorNet], turning: Sequence[TurnNet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.turning = nn.ModuleList(turning)
        self.shape = members[0].shape
        self.register_buffer("calibration", torch.ones(COEFFICIENTS))

    def forward(
        self,
        offset: Float[Tensor, "frames components"],
        reference: Float[Tensor, "frames shape"],
        rotation: Float[Tensor, "frames 9"],
    ) -> Estimate:
        """As :class:`PriorNet`."""
        estimates = [member(offset, reference, rotation) for member in self.members]
        coefficients = torch.stack([estimate.coefficients for estimate in estimates])
        mean = coefficients.mean(dim=0)
        apart = (coefficients - mean).square().mean(dim=0)
        within = torch.stack([estimate.deviation for estimate in estimates]).square().mean(dim=0)
        neutral = torch.stack([estimate.neutral for estimate in estimates]).mean(dim=0)
        return Estimate(mean, self.calibration * (apart + within).sqrt(), neutral)

    def turn(
        self,
        offset: Float[Tensor, "frames components"],
        reference: Float[Tensor, "frames shape"],
        rotation: Float[Tensor, "frames 9"],
    ) -> Float[Tensor, "frames 3"]:
        """As :class:`TurnNet`."""
        return torch.stack([member(offset, reference, rotation) for member in self.turning]).mean(dim=0)
