"""Smooth random values in space, for GPUs."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

_CELLS: Final = 64
_SEED: Final = 11


class Noise(nn.Module):
    """Noise between -1 and 1 with features about one unit wide, which repeats after 64 units.

    A table that a GPU's texture reads interpolate; ``core.surface.noise`` hashes instead, which is exact
    anywhere but takes dozens of steps a point.
    """

    table: Tensor

    def __init__(self) -> None:
        super().__init__()
        cells = torch.rand(_CELLS, _CELLS, _CELLS, generator=torch.Generator().manual_seed(_SEED)) * 2 - 1
        self.register_buffer("table", F.pad(cells[None, None], (0, 1) * 3, mode="circular"), persistent=False)

    def forward(self, points: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch"]:
        cell = points.floor()
        part = points - cell
        eased = cell.remainder(_CELLS) + part * part * (3 - 2 * part)
        grid = (eased / _CELLS * 2 - 1).reshape(1, 1, 1, -1, 3)
        found = F.grid_sample(self.table, grid.to(self.table.dtype), align_corners=True)
        return found.reshape(points.shape[:-1])
