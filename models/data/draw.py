"""Pictures of dressed heads: opaque surfaces, then ragged sheets, light, highlights and shadow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from core.face_model.model import REGIONS, FaceModel
from core.scene.clay import cavity
from core.scene.rasterise_numba import rasterise_arrays
from core.scene.shading import vertex_normals
from core.surface.atlas import paint_triangles, triangle_regions
from core.surface.noise import value_noise
from models.data.lights import Light, ShadowMap
from models.data.lit import DULL, EYE, SKIN, WET, light_pixels
from models.data.meshes import Sheet, Solid

_SUPERSAMPLE: Final = 2
_BEHIND: Final = 6e-4  # metres that lashes may lie behind the lid they touch

Intrinsics = tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawing:
    """A picture before the camera.

    Attributes:
        colour: linear light times cover.
        cover: of head, hair and things over the background, 0-1.
        skin: share of each pixel that is bare skin.
        level: brightness of the brightest skin, linear.
    """

    colour: Float32[ndarray, "side side 3"]
    cover: Float32[ndarray, "side side"]
    skin: Float32[ndarray, "side side"]
    level: float


class HeadPainter:
    """Draws heads of one model."""

    def __init__(self, model: FaceModel, lash_alpha: Float32[ndarray, "size size"]) -> None:
        region = triangle_regions(model)
        lashes = region == REGIONS.index("lashes")
        self._triangles = model.triangles[~lashes].astype(np.int32)
        self._corners = model.triangle_corners[~lashes].astype(np.int32)
        self._lash_triangles = model.triangles[lashes].astype(np.int32)
        self._lash_corners = model.triangle_corners[lashes].astype(np.int32)
        self._uv = np.ascontiguousarray(model.uv, np.float32)
        self._lash_alpha = lash_alpha
        kinds = {"skin": SKIN, "eye_left": EYE, "eye_right": EYE, "eye_socket": SKIN}
        self._kind = np.array([kinds.get(name, WET) for name in REGIONS])[region[~lashes]]
        self._inside = np.isin(region[~lashes], [REGIONS.index("mouth_interior"), REGIONS.index("tongue")])

    def draw(
        self,
        posed: Float32[ndarray, "vertices 3"],
        texture: Float32[ndarray, "rows columns 4"],
        solids: Sequence[Solid],
        sheets: Sequence[Sheet],
        view: tuple[Float32[ndarray, "4"], Float32[ndarray, "3 3"], Float32[ndarray, "3"]],
        light: Light,
        gloss: float,
        side: int,
    ) -> Drawing:
        """A picture of ``side`` × ``side`` pixels.

        Args:
            texture: linear RGB, and how far each texel is bare skin.
            view: fx, fy, cx, cy in pixels, rotation and translation from head to camera.
            gloss: of the skin, 0-1.
        """
        camera, rotation, translation = view
        fx, fy, cx, cy = (float(value) * _SUPERSAMPLE for value in camera)
        fine = (fx, fy, cx, cy)
        size = side * _SUPERSAMPLE
        to_camera = lambda points: (points @ rotation.T + translation).astype(np.float32)  # noqa: E731
        vertices = to_camera(np.concatenate([posed, *(thing.vertices for thing in solids)]))
        starts = np.cumsum([len(posed), *(len(thing.vertices) for thing in solids)])
        triangles = np.concatenate(
            [
                self._triangles,
                *(thing.triangles + start for thing, start in zip(solids, starts[:-1], strict=True)),
            ]
        ).astype(np.int32)
        placed = [to_camera(sheet.vertices) for sheet in sheets]
        triangle, weights, depth = rasterise_arrays(vertices, triangles, fine, size, size, 0.01, False)
        normals = vertex_normals(torch.from_numpy(vertices), torch.from_numpy(triangles)).numpy()
        seen = triangle >= 0
        head = seen & (triangle < len(self._triangles))
        albedo, bare = self._head_albedo(triangle, weights, head, texture)
        glossy = np.zeros((size, size), np.float32)
        kind = np.full((size, size), DULL)
        at = triangle[head]
        kind[head] = self._kind[at]
        glossy[head] = np.array([0.25 * gloss, 1.0, 0.5, 0.0], np.float32)[self._kind[at]]
        self._paint_solids(albedo, glossy, triangle, weights, seen & ~head, solids, len(posed), triangles)
        shadow = self._shadow(vertices, triangles, placed, sheets, light)
        turned = paint_triangles(triangle, weights, triangles, normals)
        colour = light_pixels(albedo, turned, depth, seen, fine, light, shadow, kind, glossy)
        coarse = cavity(torch.from_numpy(depth[::2, ::2].copy()), fine[0] / 2).numpy()
        open_sky = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)
        deep = np.zeros((size, size), bool)
        deep[head] = self._inside[at]
        colour *= (open_sky * np.where(deep, 0.55, 1.0))[..., None]
        skin = bare * head
        level = _level(colour, skin)
        cover = seen.astype(np.float32)
        self._lash(vertices, colour, depth, skin, fine)
        for points, sheet in zip(placed, sheets, strict=True):
            _lay(points, sheet, colour, cover, depth, skin, fine, light, shadow)
        small = cv2.resize(np.dstack([colour, cover, skin]), (side, side), interpolation=cv2.INTER_AREA)
        return Drawing(small[..., :3].copy(), small[..., 3].copy(), small[..., 4].copy(), level)

    def _head_albedo(
        self, triangle: ndarray, weights: ndarray, head: ndarray, texture: ndarray
    ) -> tuple[ndarray, ndarray]:
        uv = paint_triangles(np.where(head, triangle, -1).astype(np.int32), weights, self._corners, self._uv)
        sampled = _look_up(texture, uv)
        return np.ascontiguousarray(sampled[..., :3]), sampled[..., 3]

    def _paint_solids(
        self,
        albedo: ndarray,
        glossy: ndarray,
        triangle: ndarray,
        weights: ndarray,
        there: ndarray,
        solids: Sequence[Solid],
        vertices: int,
        triangles: ndarray,
    ) -> None:
        if not there.any():
            return
        colours = np.concatenate([np.zeros((vertices, 3), np.float32), *(thing.colour for thing in solids)])
        painted = paint_triangles(np.where(there, triangle, -1).astype(np.int32), weights, triangles, colours)
        albedo[there] = painted[there]
        gloss = np.repeat([thing.gloss for thing in solids], [len(thing.triangles) for thing in solids])
        glossy[there] = gloss[triangle[there] - len(self._triangles)]

    def _shadow(
        self,
        vertices: ndarray,
        triangles: ndarray,
        placed: Sequence[ndarray],
        sheets: Sequence[Sheet],
        light: Light,
    ) -> ShadowMap | None:
        if not light.hard.any():
            return None
        parts, corners, start = [vertices], [triangles], len(vertices)
        for points, sheet in zip(placed, sheets, strict=True):
            inside = (sheet.inside > 0)[sheet.triangles].all(axis=1)
            parts.append(points)
            corners.append(sheet.triangles[inside] + start)
            start += len(points)
        return ShadowMap(np.concatenate(parts), np.concatenate(corners).astype(np.int32), light.towards)

    def _lash(
        self, vertices: ndarray, colour: ndarray, depth: ndarray, skin: ndarray, fine: Intrinsics
    ) -> None:
        size = len(depth)
        triangle, weights, near = rasterise_arrays(
            vertices, self._lash_triangles, fine, size, size, 0.01, False
        )
        shown = (triangle >= 0) & (near < depth + _BEHIND)
        uv = paint_triangles(triangle, weights, self._lash_corners, self._uv)
        alpha = _look_up(self._lash_alpha, uv) * shown * 0.8
        colour *= (1 - alpha)[..., None]
        skin *= 1 - alpha


def _lay(
    points: Float32[ndarray, "vertices 3"],
    sheet: Sheet,
    colour: ndarray,
    cover: ndarray,
    depth: ndarray,
    skin: ndarray,
    fine: Intrinsics,
    light: Light,
    shadow: ShadowMap | None,
) -> None:
    """A sheet over what is drawn already, where it is nearer."""
    size = len(depth)
    triangle, weights, near = rasterise_arrays(points, sheet.triangles, fine, size, size, 0.01, False)
    shown = (triangle >= 0) & (near < depth)
    if not shown.any():
        return
    normals = vertex_normals(torch.from_numpy(points), torch.from_numpy(sheet.triangles)).numpy()
    values = np.column_stack([normals, sheet.inside, sheet.grain])
    painted = paint_triangles(
        np.where(shown, triangle, -1).astype(np.int32), weights, sheet.triangles, values
    )
    grain = np.ascontiguousarray(painted[shown][:, 4:])
    strands = value_noise(grain) + 0.6 * value_noise((grain * 2.3).astype(np.float32))
    inside = painted[shown][:, 3] + sheet.ragged * strands
    alpha = np.zeros((size, size), np.float32)
    alpha[shown] = np.clip(inside / max(0.0012, 0.2 * sheet.ragged), 0, 1)
    albedo = np.zeros((size, size, 3), np.float32)
    albedo[shown] = sheet.colour * (1 + sheet.streaks * strands[:, None]).clip(0.15)
    kind = np.full((size, size), DULL)
    glossy = np.full((size, size), 0.25 * sheet.gloss, np.float32)
    lit = light_pixels(albedo, painted[..., :3], near, shown, fine, light, shadow, kind, glossy)
    part = alpha[..., None]
    colour *= 1 - part
    colour += part * lit
    np.maximum(cover, alpha, out=cover)
    skin *= 1 - alpha
    solid_part = alpha > 0.5
    depth[solid_part] = near[solid_part]


def _look_up(image: ndarray, uv: Float[ndarray, "rows columns 2"]) -> ndarray:
    height, width = image.shape[:2]
    at = np.stack([uv[..., 0] * width - 0.5, (1 - uv[..., 1]) * height - 0.5], axis=-1).astype(np.float32)
    return cv2.remap(image, at, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _level(colour: ndarray, skin: ndarray) -> float:
    bright = colour[skin > 0.5][::17]
    return float(np.quantile(bright.max(axis=1), 0.95)) if len(bright) else 0.5
