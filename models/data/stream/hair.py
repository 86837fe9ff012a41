"""The hair of ``models.data.hair``, for batches: a shell over the scalp and a curtain behind, in one mesh."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from core.face_model.model import FaceModel
from core.scene.shading import vertex_normals
from models.data.hair import HairStyle
from models.data.meshes import grid_triangles
from models.data.stream.noise import Noise

_ROWS, _COLUMNS = 26, 48
_REACH: Final = 0.012  # metres before the edge that triangles begin
_FARTHEST: Final = -0.075  # no hairline or fringe comes nearer to the chin than this
_LENGTHS: Final = ("scalp", "hairline", "volume", "fringe", "length", "opening", "curl", "ragged")
_OF_SHELL, _OF_CURTAIN = 0.35, 0.3  # gloss


@dataclass(frozen=True)
class Styles:
    """How each person wears their hair: as :class:`~models.data.hair.HairStyle`, of many."""

    scalp: Float[Tensor, "people"]
    hairline: Float[Tensor, "people"]
    volume: Float[Tensor, "people"]
    fringe: Float[Tensor, "people"]
    length: Float[Tensor, "people"]
    opening: Float[Tensor, "people"]
    curl: Float[Tensor, "people"]
    ragged: Float[Tensor, "people"]
    phase: Float[Tensor, "people 3"]

    @classmethod
    def of(cls, numbers: Float[Tensor, "people 11"]) -> Styles:
        """From the numbers of a bank's skins."""
        lengths = dict(zip(_LENGTHS, numbers[:, :8].unbind(1), strict=True))
        return cls(**lengths, phase=numbers[:, 8:])


assert [field.name for field in fields(HairStyle)] == [*_LENGTHS, "phase"]


@dataclass(frozen=True)
class Sheets:
    """Hair; attributes as :class:`models.data.meshes.Sheet` has them.

    Attributes:
        vertices: head space.
        triangles: those of people without such hair have three equal corners.
    """

    vertices: Float[Tensor, "people vertices 3"]
    triangles: Int[Tensor, "people triangles 3"]
    inside: Float[Tensor, "people vertices"]
    grain: Float[Tensor, "people vertices 3"]
    ragged: Float[Tensor, "people vertices"]
    gloss: Float[Tensor, "people vertices"]


class Barber(nn.Module):
    """Puts hair on heads of one model."""

    points: Tensor
    hair: Tensor
    shell_triangles: Tensor
    all_triangles: Tensor
    curtain_triangles: Tensor
    marks: Tensor
    skin: Tensor

    def __init__(self, model: FaceModel, hair_depth: Float[np.ndarray, "vertices"]) -> None:
        super().__init__()
        skin = model.region_mask("skin")
        near = skin[model.triangles].all(axis=1) & (hair_depth[model.triangles] > _FARTHEST).any(axis=1)
        buffers = {
            "points": model.template,
            "hair": hair_depth.astype(np.float32),
            "shell_triangles": model.triangles[near].astype(np.int64),
            "all_triangles": model.triangles[skin[model.triangles].all(axis=1)].astype(np.int64),
            "curtain_triangles": grid_triangles(_ROWS, _COLUMNS).astype(np.int64),
            "marks": model.landmarks(model.template),
            "skin": skin,
        }
        for name, value in buffers.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(value)), persistent=False)
        self.noise = Noise()

    def forward(self, styles: Styles, neutral: Float[Tensor, "people vertices 3"]) -> Sheets:
        """Hair of heads with these neutral vertices (head space)."""
        shell, shell_inside, shell_grain = self._shell(styles, neutral)
        curtain, curtain_inside, curtain_grain = self._curtain(styles, neutral)
        inside = torch.cat([shell_inside, curtain_inside], dim=1)
        triangles = torch.cat([self.shell_triangles, self.curtain_triangles + shell.shape[1]])
        used = (inside[:, triangles] > -_REACH).any(dim=2, keepdim=True)
        count, behind = shell.shape[1], curtain.shape[1]
        ones = styles.ragged[:, None]
        return Sheets(
            torch.cat([shell, curtain], dim=1),
            torch.where(used, triangles, 0),
            inside,
            torch.cat([shell_grain, curtain_grain], dim=1),
            torch.cat([ones.expand(-1, count), 2 * ones.expand(-1, behind)], dim=1),
            torch.cat(
                [torch.full_like(shell_inside, _OF_SHELL), torch.full_like(curtain_inside, _OF_CURTAIN)],
                dim=1,
            ),
        )

    def _shell(self, styles: Styles, neutral: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        points, phase = self.points, styles.phase[:, None]
        fringe, volume, curl = (v[:, None] for v in (styles.fringe, styles.volume, styles.curl))
        depth = self.hair - styles.hairline[:, None]
        wave = 0.004 * torch.sin(points[:, 0] * 70 + phase[..., 0])
        front = points[:, 0].abs() - 0.070
        hanging = points[:, 1] - (self.marks[10, 1] + 0.010 - fringe) + wave
        hung = torch.where(points[:, 2] > self.marks[234, 2] + 0.02, torch.minimum(hanging, -front), -1.0)
        depth = torch.where(fringe > 0, torch.maximum(depth, hung.clamp_max(0.02)), depth)
        worn = (styles.scalp > 0) & (styles.volume > 0)
        depth = torch.where(worn[:, None] & self.skin, depth, -1.0)
        lumps = 1 + 0.25 * self.noise(points * 45 + phase)
        rise = ((depth + 0.002) / 0.03).clamp(0, 1)
        thickness = 0.0015 + volume * rise * lumps + 0.004 * (fringe > 0) * (rise > 0)
        normals = vertex_normals(neutral, self.all_triangles)
        crown = self.marks[10] * self.marks.new_tensor([0.0, 1, 0]) + self.marks.new_tensor([0, 0.03, -0.06])
        flat = points - crown
        round_ = flat / torch.hypot(flat[:, 0], flat[:, 2]).clamp_min(1e-3)[:, None]
        bent = 3 * curl * self.noise(points * 120 + phase)
        grain = torch.stack(
            [round_[:, 0] * 55 + bent, (points[:, 1] * 45).expand_as(bent), round_[:, 2] * 55 + bent], dim=-1
        )
        return neutral + thickness[..., None] * normals, depth, grain + phase

    def _curtain(self, styles: Styles, neutral: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A sheet round the back and sides of the head, from the crown down."""
        people, device = len(neutral), neutral.device
        scalp = neutral[:, self.hair > 0]
        top = scalp[..., 1].quantile(0.7, dim=1)[:, None, None]
        ear = self.marks[234, 1]
        length, opening, curl, volume, phase = (
            value[:, None, None]
            for value in (styles.length, styles.opening, styles.curl, styles.volume, styles.phase[:, 0])
        )
        bottom = ear - 0.06 - length
        upper = neutral[:, self.skin & (self.points[:, 1] > ear - 0.03)]
        wide = upper[..., 0].abs().amax(dim=1)[:, None, None]
        back, front = scalp[..., 2].amin(dim=1)[:, None, None], self.marks[234, 2] + 0.012
        y = top + (bottom - top) * torch.linspace(0, 1, _ROWS, device=device)[None, :, None]
        turn = opening * torch.linspace(-1, 1, _COLUMNS, device=device)
        crown = ((top - y) / (top - ear)).clamp(0, 1)
        size = 0.62 + 0.38 * torch.sqrt((1 - (1 - crown) ** 2).clamp_min(0))
        size = size + 0.10 * ((ear - y) / 0.2).clamp(0, 1)
        waves = 0.004 * torch.sin(70 * y + 9 * turn + phase) * (0.3 + curl)
        half = (front - back) / 2 + volume
        x = (wide + 0.3 * volume) * size * torch.sin(turn) + waves * torch.sin(turn)
        z = (back + front) / 2 - 0.005 - half * size * torch.cos(turn) + waves * torch.cos(turn)
        y = y.expand_as(x)
        vertices = torch.stack([x, y, z], dim=-1).reshape(people, -1, 3)
        inside = torch.minimum((opening - turn.abs()) * wide + 0 * y, y - bottom).reshape(people, -1)
        inside = torch.where(styles.length[:, None] > 0, inside, -1.0)
        bent = 2.5 * curl * torch.sin(60 * y + 3 * turn)
        grain = torch.stack([turn * 60 + bent, y * 18, torch.zeros_like(y)], dim=-1).reshape(people, -1, 3)
        return vertices, inside, grain + styles.phase[:, None]
