"""A rig's displacement maps, summed up for one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import cv2
import numpy as np
import torch
from jaxtyping import Float32, Int32
from numpy import ndarray
from torch import Tensor

from core.rig import Displacement, Rig
from core.scene.relief import Relief

_MATERIAL = "skin"


class SkinRelief:
    """The relief of a rig's skin with any expression.

    Args:
        corners: indices into ``rig.uv`` of the triangles that pictures draw, in their order.
    """

    def __init__(self, rig: Rig, corners: Int32[ndarray, "triangles 3"]) -> None:
        polygon = np.searchsorted(rig.polygon_starts, corners[:, 0], side="right") - 1
        skin = np.array([material.name == _MATERIAL for material in rig.materials])
        self._rig, self._corners, self._skin = rig, corners, skin[rig.polygon_material[polygon]]
        self._coarser = [rig.displacement]
        self._latest: tuple[object, Relief | None] = (None, None)

    def of(self, expression: Mapping[str, float], pixel: float) -> Relief | None:
        """The relief with an expression; none where no map counts.

        Args:
            expression: ARKit name → coefficient.
            pixel: metres of the head across a pixel.
        """
        strengths = [item.strength(expression) for item in self._rig.displacement]
        if not any(strengths) or not self._skin.any():
            return None
        side = len(self._rig.displacement[0].texels)
        texels = max(1.0, min(side, pixel / self._side_length * side))
        # what is left are texels of a pixel to half of one: smaller ones would sparkle
        halvings = math.floor(math.log2(texels))
        wanted = (halvings, strengths)
        if self._latest[0] != wanted:  # pictures of one expression follow each other
            heights = torch.from_numpy(_sum(self._maps(halvings), strengths))
            self._latest = wanted, Relief(heights, *self._layout)
        return self._latest[1]

    def _maps(self, halvings: int) -> tuple[Displacement, ...]:
        """The rig's maps with their sides halved so many times."""
        while len(self._coarser) <= halvings:
            side = max(1, len(self._coarser[-1][0].texels) // 2)
            self._coarser.append(
                tuple(
                    replace(item, texels=cv2.resize(item.texels, (side, side), interpolation=cv2.INTER_AREA))
                    for item in self._coarser[-1]
                )
            )
        return self._coarser[halvings]

    @cached_property
    def _layout(self) -> tuple[Tensor, Tensor]:
        """UVs, and corners in them that are one where polygons meet without a seam."""
        rig = self._rig
        at = np.column_stack([rig.polygon_vertices, rig.uv])
        _, first, welded = np.unique(at, axis=0, return_index=True, return_inverse=True)
        corners = np.where(self._skin[:, None], welded.reshape(-1)[self._corners], -1)
        return torch.from_numpy(rig.uv[first]), torch.from_numpy(corners)

    @cached_property
    def _side_length(self) -> float:
        """Metres along a side of the layout, as the skin is laid out on the whole."""
        rig, corners = self._rig, self._corners[self._skin]
        points, uv = rig.neutral[rig.polygon_vertices[corners]], rig.uv[corners]
        area = np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1)
        drawn = np.abs(np.linalg.det(uv[:, 1:] - uv[:, :1]))
        return math.sqrt(area.sum() / max(drawn.sum(), 1e-12))


def _sum(maps: tuple[Displacement, ...], strengths: list[float]) -> Float32[ndarray, "side side"]:
    total = np.zeros(maps[0].texels.shape, np.float32)
    for item, strength in zip(maps, strengths, strict=True):
        if strength:
            total += np.float32(strength) * item.heights()
    return total
