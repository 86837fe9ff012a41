"""A photo that is to move: its head, its light, its layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numpy import ndarray
from scipy.spatial import cKDTree

from core.guidance.backdrop import without_person
from core.guidance.sheet import Sheet, lay_sheet
from core.guidance.states import HeadStates, MovingHead
from core.guidance.surface import HeadSurface, head_surface
from core.rig import Rig
from core.scene.rasterise_numba import rasterise_arrays

_NEAR: Final = 0.01  # metres


@dataclass(frozen=True)
class Source:
    """A square picture of a person whose rig is known.

    Attributes:
        rig: of the person.
        picture: sRGB in [0, 1].
        person: probability that a pixel shows them.
        intrinsics: fx, fy, cx, cy of the picture's camera, pixels.
        state: one frame: the head in the picture.
        sh: light in the picture, camera axes.
    """

    rig: Rig
    picture: Float32[ndarray, "side side 3"]
    person: Float32[ndarray, "side side"]
    intrinsics: tuple[float, float, float, float]
    state: HeadStates
    sh: Float64[ndarray, "9 3"]

    @property
    def side(self) -> int:
        return len(self.picture)

    @cached_property
    def head(self) -> MovingHead:
        """The head's vertices at any state."""
        return MovingHead(self.rig, self.state)

    @cached_property
    def surface(self) -> HeadSurface:
        """Triangles and textures."""
        return head_surface(self.rig)

    @cached_property
    def sheet(self) -> Sheet:
        """What goes on beyond the mesh."""
        h = self.head
        pose = self.state.rotation[0], self.state.translation[0]
        low = float(self.rig.neutral[:, 1].min())
        joint = float(self.rig.joints[self.rig.joint_names.index("neck"), 1])
        neck = low, max(joint, low + 1e-3)
        return lay_sheet(h.source, self.surface.triangles, h.follows, pose, neck, self.intrinsics, self.side)

    @cached_property
    def stand_ins(self) -> Float32[ndarray, "vertices 2"]:
        """Pixels of the source that show what a hidden vertex of the scalp looks like.

        Those of the nearest seen vertex of the scalp to its mirror image; its own where it is seen.
        """
        fx, fy, cx, cy = self.intrinsics
        points = self.head.source
        pixels = points[:, :2] / points[:, 2:] * (fx, fy) + (cx, cy)
        index, _, _ = rasterise_arrays(
            points, self.surface.triangles, self.intrinsics, self.side, self.side, _NEAR, False
        )
        shown = np.zeros(len(points), bool)
        shown[self.surface.triangles[np.unique(index[index >= 0])]] = True
        scalp = np.zeros(len(points), bool)
        scalp[self.surface.triangles[self.surface.scalp]] = True
        hidden, models = np.flatnonzero(scalp & ~shown), np.flatnonzero(scalp & shown)
        if len(models):
            mirrored = self.rig.neutral[hidden] * (-1, 1, 1)
            pixels[hidden] = pixels[models[cKDTree(self.rig.neutral[models]).query(mirrored)[1]]]
        return pixels.astype(np.float32)

    @cached_property
    def behind(self) -> tuple[Float32[ndarray, "side side 3"], Float32[ndarray, "side side"]]:
        """The background, and how far each pixel of it was seen."""
        return without_person(self.picture, self.person)

    @cached_property
    def fans(self) -> tuple[Int32[ndarray, "corners"], Int32[ndarray, "vertices_and_one"]]:
        """Triangles at each vertex, vertex after vertex, and where each vertex's begin."""
        corners = self.surface.triangles.ravel()
        order = np.argsort(corners, kind="stable")
        starts = np.searchsorted(corners[order], np.arange(len(self.rig.neutral) + 1))
        return (order // 3).astype(np.int32), starts.astype(np.int32)
