"""Random numbers on a device, the same for the same seed there."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from core.numbers import Number


class Dice:
    """Numbers of one batch.

    Args:
        seeds: any numbers; together they choose the sequence.
    """

    def __init__(self, device: torch.device, *seeds: int) -> None:
        self.device = device
        self._generator = torch.Generator(device)
        self._generator.manual_seed(int(np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0]) >> 1)
        self.host = np.random.default_rng(seeds)
        """For what one batch has in common."""

    def uniform(self, low: Number, high: Number, *shape: int) -> Float[Tensor, "*shape"]:
        unit = torch.rand(shape, generator=self._generator, device=self.device)
        return low + (high - low) * unit

    def normal(self, spread: Number, *shape: int) -> Float[Tensor, "*shape"]:
        return spread * torch.randn(shape, generator=self._generator, device=self.device)

    def happens(self, chance: Number, *shape: int) -> Bool[Tensor, "*shape"]:
        return torch.rand(shape, generator=self._generator, device=self.device) < chance

    def below(self, limit: int, *shape: int) -> Int[Tensor, "*shape"]:
        return torch.randint(limit, shape, generator=self._generator, device=self.device)
