"""States of a head → guidance for pictures of them."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from core.guidance.guidance import Guidance
from core.guidance.pixels import head_pixels, join_layers, lash_pixels, vertex_normals_into
from core.guidance.source import Source
from core.guidance.states import HeadStates
from core.scene.lighting import C0, shade
from core.scene.rasterise_numba import rasterise_arrays

_NEAR: Final = 0.01  # metres
_TOLERANCE: Final = 4e-3  # metres that a point may lie behind what the source's camera meets
_GRAZING: Final = 0.15  # cosine from which on a surface is seen well
_DARKEST, _LIGHTEST = 0.35, 1.8  # of the mean light on what faces the camera
_STRIP: Final = np.ones((3, 3), np.uint8)
_LASH_SLACK: Final = 5e-4  # metres; lashes touch the lids


class Guide:
    """Guidance of one source; keeps what all targets share. One thread at a time."""

    def __init__(self, source: Source) -> None:
        self.source = source
        surface, head = source.surface, source.head
        self._normals = np.empty_like(head.source)
        vertex_normals_into(head.source, surface.triangles, *source.fans, self._normals)
        self._source_normals = self._normals.copy()
        self._source_depth = self._raster(head.source, surface.triangles)[2]
        self._person = np.ascontiguousarray(source.person[..., None])
        self._limits = self._light_limits()

    def _light_limits(self) -> tuple[ndarray, ndarray]:
        """Least and most light: what was fitted to the front of a face says little of the crown."""
        towards = self._source_normals[:, 2] < 0
        light = shade(
            torch.from_numpy(self._source_normals[towards].astype(np.float64)),
            torch.from_numpy(self.source.sh),
        )
        mean = light.clamp_min(0).mean(dim=0).numpy()
        return _DARKEST * mean, _LIGHTEST * mean

    def _raster(
        self, vertices: ndarray, triangles: ndarray, cull: bool = False
    ) -> tuple[ndarray, ndarray, ndarray]:
        side = self.source.side
        return rasterise_arrays(vertices, triangles, self.source.intrinsics, side, side, _NEAR, cull)

    def __call__(self, states: HeadStates) -> tuple[Guidance, Float32[ndarray, "frames side side 3"]]:
        """Guidance, and the picture that flow, render and background make without any network."""
        vertices = self.source.head.vertices(states)
        turn, shift, body = self.source.head.rigid(states)
        one = [self._frame(v, *motion) for v, *motion in zip(vertices, turn, shift, body, strict=True)]
        flow, visible, render, masks, depth, normals, light, plain = (
            np.stack(p) for p in zip(*one, strict=True)
        )
        return Guidance(flow, visible, render, masks, depth, normals, light), plain

    def _frame(self, vertices: ndarray, turn: ndarray, shift: ndarray, body: ndarray) -> tuple[ndarray, ...]:
        source, surface = self.source, self.source.surface
        side = source.side
        index, barycentrics, depth = self._raster(vertices, surface.triangles)
        vertex_normals_into(vertices, surface.triangles, *source.fans, self._normals)
        flow = np.zeros((side, side, 2), np.float32)
        visible = np.zeros((side, side), np.float32)
        colour, normals, light, warped = (np.zeros((side, side, 3), np.float32) for _ in range(4))
        masks = np.zeros((side, side, 4), np.float32)
        head_pixels(
            index, barycentrics, depth, surface.triangles, surface.uv, surface.colours, surface.inside,
            surface.texture, self._normals, source.head.source, self._source_normals, self._source_depth,
            np.array(source.intrinsics), source.sh, *self._limits, _TOLERANCE, _GRAZING,
            flow, visible, colour, normals, light,
        )  # fmt: skip
        # a strip of hidden pixels that is one or two wide is an edge that triangles do not quite meet
        visible = np.maximum(visible, cv2.morphologyEx(visible, cv2.MORPH_CLOSE, _STRIP) * (index >= 0))
        if surface.lash_texture is not None:
            lash_index, lash_at, lash_depth = self._raster(vertices, surface.lashes)
            mean = np.maximum(source.sh[0] * C0, 0.0)  # from all sides
            lash_pixels(
                lash_index, lash_at, lash_depth, depth, surface.lash_uv, surface.lash_texture, mean,
                _LASH_SLACK, colour,
            )  # fmt: skip
        sheet = source.sheet
        nodes = sheet.moved(vertices, turn, shift, body)
        # its back shows nothing that the source did
        sheet_index, sheet_at, _ = self._raster(nodes, sheet.triangles, cull=True)
        behind, seen = source.behind
        join_layers(
            index, barycentrics, surface.triangles, surface.scalp, source.stand_ins,
            sheet_index, sheet_at, sheet.triangles, sheet.pixels, sheet.follows,
            self._person, source.picture, behind, seen, flow, visible, colour, masks, warped,
        )  # fmt: skip
        shown = masks[..., :1] * (1 - visible[..., None])
        plain = warped * (1 - shown) + colour * shown
        return flow, visible, colour, masks, depth, normals, light, plain
