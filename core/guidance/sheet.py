"""What the mesh does not have: hair, neck and shoulders, as a sheet laid over the source picture.

Nodes on a grid of the source are given a place in space: on the mesh where the source shows it, else at the
depth of the mesh nearby. Those on the mesh go with it. The others go with the head as it is rigid, or with
the body, by the part that the mesh nearby has of either, and take along, the less the farther away, what the
skin there does besides. So motion continues beyond the silhouette without a tear, and each pixel of the
sheet knows where it is from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray
from scipy.spatial import cKDTree

from core.geometry.smooth import smoothstep
from core.scene.rasterise_numba import rasterise_arrays

_STEP: Final = 4  # pixels between nodes
_MARGIN: Final = 0.25  # of the side: the sheet goes on beyond the picture, with the pixels of its border
_NEARBY: Final = 12  # nodes on the mesh from which one off it learns its depth
_REACH: Final = 0.025  # metres over which the skin's own motion dies away
_NEAR: Final = 0.01  # metres


@dataclass(frozen=True)
class Sheet:
    """The nodes and how each is carried.

    Attributes:
        pixels: where in the source each node is, pixels.
        points: and in camera axes, metres.
        follows: part of the head's rigid motion, the rest being the body's.
        triangles: of nodes.
        skin, skin_barycentrics: the place on the mesh, as three vertices and their weights, that is the
            node's own or the nearest.
        skin_points, skin_follows: that place in camera axes, and its own part.
        holds: how much of the skin's further motion the node takes along: 1 on the mesh.
    """

    pixels: Float32[ndarray, "nodes 2"]
    points: Float32[ndarray, "nodes 3"]
    follows: Float32[ndarray, "nodes"]
    triangles: Int32[ndarray, "triangles 3"]
    skin: Int32[ndarray, "nodes 3"]
    skin_barycentrics: Float32[ndarray, "nodes 3"]
    skin_points: Float32[ndarray, "nodes 3"]
    skin_follows: Float32[ndarray, "nodes"]
    holds: Float32[ndarray, "nodes"]

    def moved(
        self,
        vertices: Float32[ndarray, "vertices 3"],
        turn: Float32[ndarray, "3 3"],
        shift: Float32[ndarray, "3"],
        body: Float32[ndarray, "3"],
    ) -> Float32[ndarray, "nodes 3"]:
        """The nodes at a target: ``b(X) + h (Y - b(S))``.

        With ``b(X) = w (M X) + (1 - w) (X + body)``, S the place on the skin, and Y where the mesh has it
        now.

        Args:
            vertices: of the target, camera axes.
            turn, shift: M.
        """
        at = np.einsum("nk,nkd->nd", self.skin_barycentrics, vertices[self.skin])
        carried = self._carried(self.points, self.follows, turn, shift, body)
        of_skin = self._carried(self.skin_points, self.skin_follows, turn, shift, body)
        moved: ndarray = carried + self.holds[:, None] * (at - of_skin)
        return moved

    @staticmethod
    def _carried(points: ndarray, follows: ndarray, turn: ndarray, shift: ndarray, body: ndarray) -> ndarray:
        w = follows[:, None]
        carried: ndarray = w * (points @ turn.T + shift) + (1 - w) * (points + body)
        return carried


def lay_sheet(
    vertices: Float32[ndarray, "vertices 3"],
    triangles: Int32[ndarray, "triangles 3"],
    follows: Float32[ndarray, "vertices"],
    to_head: tuple[Float32[ndarray, "3 3"], Float32[ndarray, "3"]],
    neck: tuple[float, float],
    intrinsics: tuple[float, float, float, float],
    side: int,
) -> Sheet:
    """Lay a sheet over a source picture.

    Args:
        vertices, triangles: the source's head, camera axes.
        follows: of its vertices.
        to_head: rotation and translation of the source, head space to camera axes.
        neck: heights in head space of the neck's lower end, below which nothing goes with the head, and of
            its joint.
        intrinsics: fx, fy, cx, cy in pixels of the picture, ``side`` pixels high and wide.
    """
    fx, fy, cx, cy = intrinsics
    margin = _STEP * round(_MARGIN * side / _STEP)
    count = (side + 2 * margin) // _STEP + 1
    axis = np.arange(count) * float(_STEP) - margin
    pixels = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    # a raster whose pixel centres are the nodes
    raster = (fx / _STEP, fy / _STEP, (cx + margin) / _STEP + 0.5, (cy + margin) / _STEP + 0.5)
    index, barycentrics, depth = (
        part.reshape(count * count, *part.shape[2:])
        for part in rasterise_arrays(vertices, triangles, raster, count, count, _NEAR, False)
    )
    on = np.flatnonzero(index >= 0)
    distance, near = cKDTree(pixels[on]).query(pixels, k=min(_NEARBY, len(on)))
    weight = 1 / (distance + 1e-3) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    skin, skin_barycentrics = triangles[index[on]], barycentrics[on]
    own_follows = (skin_barycentrics * follows[skin]).sum(axis=1)
    z = (weight * depth[on][near]).sum(axis=1)
    rays = np.column_stack([(pixels - (cx, cy)) / (fx, fy), np.ones(len(pixels))])
    away = distance[:, 0] * z / fx
    first = near[:, 0]
    corner = np.arange(count * count).reshape(count, count)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    cells = np.concatenate([np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, c, b), (b, c, d))])
    points = rays * z[:, None]
    height = ((points - to_head[1]) @ to_head[0])[:, 1]  # Rᵀ (X - t)
    above = np.where(index >= 0, 1.0, smoothstep(height, *neck))
    return Sheet(
        pixels=pixels.astype(np.float32),
        points=points.astype(np.float32),
        follows=((weight * own_follows[near]).sum(axis=1) * above).astype(np.float32),
        triangles=cells.astype(np.int32),
        skin=skin[first],
        skin_barycentrics=skin_barycentrics[first],
        skin_points=np.einsum("nk,nkd->nd", skin_barycentrics, vertices[skin])[first].astype(np.float32),
        skin_follows=own_follows[first].astype(np.float32),
        holds=np.exp(-((away / _REACH) ** 2)).astype(np.float32),
    )
