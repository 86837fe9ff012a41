"""Views of a head for the landmark detector, and the way back from their pixels to the mesh."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.spatial import cKDTree

from core.face_model.embedding import Detector
from core.geometry.alignment import fit_sphere
from core.landmark_topology import (
    BROW_LEFT,
    BROW_RIGHT,
    IRIS_LEFT,
    IRIS_RIGHT,
    LIPS_INNER,
    LIPS_OUTER,
)
from core.retarget.keyless.mesh import Surface
from core.retarget.keyless.placement import Placement
from core.scene.camera import portrait_camera, transform
from core.scene.lighting import ambient_light, directional_light
from core.scene.rasterise import Fragments, rasterise
from core.scene.render import render
from core.scene.shading import vertex_normals

# Paint, light and views are those that the rigs' own landmarks were measured with
# (core.face_model.embedding): what the detector does to one it does to the other.
TONE, _LIPS, _BROWS = (
    np.array([0.78, 0.58, 0.47]),
    np.array([0.66, 0.32, 0.30]),
    np.array([0.22, 0.14, 0.10]),
)
_SCLERA, _IRIS, _PUPIL = (
    np.array([0.9, 0.88, 0.86]),
    np.array([0.25, 0.16, 0.08]),
    np.array([0.02, 0.02, 0.02]),
)
_IRIS_ANGLE, _PUPIL_ANGLE = math.radians(27), math.radians(10)
_BACKGROUND = torch.tensor([0.35, 0.4, 0.45])
_SIZE, _FIELD_OF_VIEW = 512, 0.3
MIDDLE = (0.0, -0.025, 0.04)
_MOST_EDGE_ON, _FAR_SIDE, _FARTHEST = -0.25, 0.015, 6.0  # cosine; metres; pixels
IRISES = [*IRIS_LEFT, *IRIS_RIGHT]


def picture(
    vertices: ndarray,
    triangles: ndarray,
    colours: ndarray,
    yaw: float,
    pitch: float,
    middle: tuple[float, float, float] = MIDDLE,
) -> tuple[ndarray, Fragments]:
    camera, rotation, shift = portrait_camera(_SIZE, _FIELD_OF_VIEW, yaw, pitch, target=middle)
    light = ambient_light(np.full(3, 0.55)) + directional_light(np.array([0.2, -0.5, -0.8]), np.full(3, 0.5))
    shown = render(
        torch.from_numpy(vertices.astype(np.float32)), torch.from_numpy(triangles),
        torch.from_numpy(colours.astype(np.float32)), camera, rotation, shift,
        sh=torch.from_numpy(light.astype(np.float32)), background=_BACKGROUND,
    )  # fmt: skip
    image = (shown.image.clamp(0, 1) * 255).round().byte().numpy()
    return image, shown.fragments


class PaintedHead:
    """The mesh in the rig's space, painted by what is known of it, and its views.

    Args:
        triangles: those of the surface to draw.
        points: landmarks found so far, on the mesh; NaN where there is none.
        skin, eyes: numbers of connected parts.
        borrowed: eyeballs of the rig, (vertices, triangles), to fill sockets that are empty.
    """

    def __init__(
        self,
        surface: Surface,
        triangles: ndarray,
        colours: ndarray | None,
        *,
        placement: Placement,
        points: ndarray,
        skin: ndarray,
        eyes: ndarray,
        borrowed: Sequence[tuple[ndarray, ndarray]] = (),
    ) -> None:
        self._placement = placement
        vertices, drawn, part = (
            [placement.to_rig(surface.vertices)],
            [triangles],
            [surface.component[triangles[:, 0]]],
        )
        for points_of_ball, ball in borrowed:
            drawn.append(ball + sum(map(len, vertices)))
            vertices.append(points_of_ball)
            part.append(np.full(len(ball), -1))
        self._vertices, self._triangles = np.concatenate(vertices), np.concatenate(drawn)
        self._own = placement.to_mesh(self._vertices)
        parts = np.concatenate(part)
        self.seen: set[int] = set()  # triangles of the skin that views showed
        self._skin, self._eye = np.isin(parts, skin), np.isin(parts, [*eyes, -1])
        self._colours = colours
        self._lines = self._brows_and_lips(placement.to_rig(points))
        balls = [vertices[0][surface.component == number] for number in eyes] + [ball for ball, _ in borrowed]
        centres = [fit_sphere(ball)[0] for ball in balls if len(ball) >= 12]
        self._centres = np.array(centres).reshape(-1, 3)

    def look(self, yaw: float, pitch: float, detect: Detector) -> list[ndarray]:
        """Where one view puts the landmarks, mesh coordinates, NaN where it shows none; or nothing."""
        base = np.tile(TONE, (len(self._vertices), 1))
        if self._colours is not None:
            base[: len(self._colours)] = self._colours
        image, fragments = picture(self._vertices, self._triangles, base, yaw, pitch)
        if self._colours is None:
            image = self._paint(image, fragments)
        pixels = detect(image)
        if pixels is None:
            return []
        camera, rotation, shift = portrait_camera(_SIZE, _FIELD_OF_VIEW, yaw, pitch, target=MIDDLE)
        in_camera = transform(torch.from_numpy(self._vertices.astype(np.float32)), rotation, shift)
        skin = self._triangles[self._skin]
        alone = rasterise(in_camera, torch.from_numpy(skin), camera)
        # hair and lashes may hide skin; what is seen behind an eyeball is the socket
        drawn = fragments.triangle.numpy()
        eye = (drawn >= 0) & self._eye[np.maximum(drawn, 0)]
        shown = np.unique(alone.triangle.numpy()[~eye])
        self.seen.update(np.flatnonzero(self._skin)[shown[shown >= 0]].tolist())
        index, result = place_under(self._own, skin, alone, pixels[:, :2], ~eye)
        normals = vertex_normals(in_camera, torch.from_numpy(skin)).numpy()
        facing = normals[skin[np.maximum(index, 0)]].mean(axis=1)[:, 2]
        place = self._placement.to_rig(result)
        far = (place[:, 0] * yaw > 0) & (np.abs(place[:, 0]) > _FAR_SIDE)
        result[(index < 0) | (facing > _MOST_EDGE_ON) | far] = np.nan
        if self._eye.any():
            index, where = place_under(self._own, self._triangles, fragments, pixels[:, :2], eye)
            where[index < 0] = np.nan
            result[IRISES] = where[IRISES]
        return [result]

    def _paint(self, image: ndarray, fragments: Fragments) -> ndarray:
        """Eyes, brows and lips in the colours that the detector knows, in place of the tone."""
        triangle = fragments.triangle.numpy()
        rows, columns = np.nonzero(triangle >= 0)
        seen = triangle[rows, columns]
        place = np.einsum(
            "pk,pkd->pd", fragments.barycentrics.numpy()[rows, columns], self._vertices[self._triangles[seen]]
        )
        tint = np.tile(TONE, (len(place), 1))
        for kind, colour in (("lips", _LIPS), ("brows", _BROWS)):
            line = self._lines[kind]
            near = self._skin[seen]
            distance, _ = cKDTree(line).query(place[near], distance_upper_bound=0.01)
            weight = np.clip((1.5 if kind == "lips" else 1.6) - distance / 0.004, 0, 1)[:, None]
            tint[near] = tint[near] * (1 - weight) + colour * weight
        ball = self._eye[seen]
        if ball.any() and len(self._centres):
            away = place[ball][:, None] - self._centres
            away = away[np.arange(len(away)), np.linalg.norm(away, axis=2).argmin(axis=1)]
            angle = np.arccos(np.clip(away[:, 2] / np.linalg.norm(away, axis=1), -1, 1))[:, None]
            tint[ball] = np.where(angle < _PUPIL_ANGLE, _PUPIL, np.where(angle < _IRIS_ANGLE, _IRIS, _SCLERA))
        result = image.astype(np.float64)
        result[rows, columns] *= tint / TONE
        return result.clip(0, 255).round().astype(np.uint8)

    @staticmethod
    def _brows_and_lips(points: ndarray) -> dict[str, ndarray]:
        brows = []
        for brow in (BROW_LEFT, BROW_RIGHT):
            middle = (points[list(brow[:5])] + points[list(brow[5:])[::-1]]) / 2
            brows += [np.linspace(a, b, 20) for a, b in pairwise(middle)]
        lips = [points[list(LIPS_OUTER)], points[list(LIPS_INNER)]]
        lines = {"brows": np.concatenate(brows), "lips": np.concatenate(lips)}
        return {kind: line[np.isfinite(line).all(axis=1)] for kind, line in lines.items()}


def place_under(
    vertices: ndarray,
    triangles: ndarray,
    fragments: Fragments,
    pixels: ndarray,
    allowed: Bool[ndarray, "height width"] | None = None,
) -> tuple[Int[ndarray, "points"], Float[ndarray, "points 3"]]:
    """The triangle (-1 for none near) and the place on it seen nearest to each pixel position."""
    triangle = fragments.triangle.numpy()
    rows, columns = np.nonzero(triangle >= 0 if allowed is None else (triangle >= 0) & allowed)
    if not len(rows):
        return np.full(len(pixels), -1), np.full((len(pixels), 3), np.nan)
    distance, nearest = cKDTree(np.stack([columns, rows], axis=1) + 0.5).query(pixels)
    row, column = rows[nearest], columns[nearest]
    found = triangle[row, column].astype(np.int64)
    weights = fragments.barycentrics.numpy()[row, column]
    place = np.einsum("pk,pkd->pd", weights, vertices[triangles[found]])
    near = distance < _FARTHEST
    return np.where(near, found, -1), np.where(near[:, None], place, np.nan)
