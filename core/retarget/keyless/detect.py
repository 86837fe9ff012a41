"""Landmarks of a mesh by looking at it: rendered from several sides, read as photos are, lifted back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from core.face_model.building import fit_sphere
from core.face_model.closest import closest_points
from core.face_model.detector import render_detector
from core.face_model.embedding import Detector, robust_mean
from core.face_model.mediapipe_topology import (
    BROW_LEFT,
    BROW_RIGHT,
    IRIS_LEFT,
    IRIS_RIGHT,
    LIPS_INNER,
    LIPS_OUTER,
)
from core.face_model.model import LANDMARK_COUNT
from core.retarget.keyless.landmarks import Landmarks
from core.retarget.keyless.mesh import Surface
from core.retarget.keyless.placement import Placement, fit_similarity
from core.scene.camera import portrait_camera, transform
from core.scene.lighting import ambient_light, directional_light
from core.scene.rasterise import Fragments, rasterise
from core.scene.render import render
from core.scene.shading import vertex_normals

# Paint, light and views are those that the rigs' own landmarks were measured with
# (core.face_model.embedding): what the detector does to one it does to the other.
_TONE, _LIPS, _BROWS = (
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
_MIDDLE = (0.0, -0.025, 0.04)
_FEW = tuple((math.radians(yaw), 0.0) for yaw in (-15, 0, 15))
_MANY = tuple(
    (math.radians(yaw), math.radians(pitch)) for yaw in (-30, -15, 0, 15, 30) for pitch in (-12, 0, 12)
)
_MOST_EDGE_ON, _FAR_SIDE, _FARTHEST = -0.25, 0.015, 6.0  # cosine; metres; pixels
_IRISES = [*IRIS_LEFT, *IRIS_RIGHT]
_SKIN_POINTS = np.setdiff1d(np.arange(LANDMARK_COUNT), _IRISES)
_MOST_UNLIKE = 0.012  # metres of rig: median residual of a face that is one
_LEAST_VOTES = 0.08  # of the landmarks, that make a part skin


@dataclass(frozen=True)
class Sight:
    """A face found on a mesh.

    Attributes:
        landmarks: in the mesh's own coordinates.
        placement: of the mesh in the rig's space, by them.
        skin: numbers of the connected parts that the landmarks lie on.
        eyes: numbers of those in front of which the irises were seen.
    """

    landmarks: Landmarks
    placement: Placement
    skin: Int[ndarray, "parts"]
    eyes: Int[ndarray, "parts"]


def find_face(
    surface: Surface,
    shown: Bool[ndarray, "triangles"],
    colours: Float[ndarray, "welded 3"] | None,
    rig_landmarks: Float[ndarray, "478 3"],
    hint: Placement | None = None,
    report: Callable[[float], None] = lambda fraction: None,
) -> Sight | None:
    """Look for a face and its landmarks; none where no view shows one.

    Args:
        shown: triangles to draw; lashes, whose cards would hide the lids, are left out.
        colours: albedo, linear; paint of our own where there is none.
        rig_landmarks: of the rig that the mesh is to be placed like.
        hint: where the mesh lies, if that is known.
        report: told the fraction done.
    """
    triangles = surface.triangles[shown]
    seen: set[int] = set()
    with render_detector() as detect:
        first = _first_look(surface, triangles, colours, rig_landmarks, hint, detect, report)
        if first is None:
            return None
        placement, points, skin, eyes = first
        for views, begin, end in ((_FEW, 0.3, 0.4), (_MANY, 0.4, 1.0)):
            stage = _Stage(surface, triangles, colours, placement, points, skin, eyes)
            looks = []
            for done, (yaw, pitch) in enumerate(views):
                report(begin + (end - begin) * done / len(views))
                looks += stage.look(yaw, pitch, detect)
            seen |= stage.seen
            if not looks:
                return None
            fresh = robust_mean(np.stack(looks).astype(np.float32)).astype(np.float64)
            points = np.where(np.isnan(fresh), points, fresh)
            placement = _place(points, rig_landmarks)[0]
    return Sight(_on_surface(surface, points, triangles[sorted(seen)]), placement, skin, eyes)


def _first_look(
    surface: Surface,
    triangles: ndarray,
    colours: ndarray | None,
    rig_landmarks: ndarray,
    hint: Placement | None,
    detect: Detector,
    report: Callable[[float], None],
) -> tuple[Placement, ndarray, ndarray, ndarray] | None:
    """The first pose in which a face is seen that is shaped like one."""
    painted = np.tile(_TONE, (len(surface.vertices), 1)) if colours is None else colours
    poses = list(_poses(surface, triangles)) if hint is None else [hint, *_poses(surface, triangles)]
    for done, pose in enumerate(poses):
        report(0.3 * done / len(poses))
        middle = _MIDDLE if pose is hint else (0.0, 0.0, 0.0)
        image, fragments = _picture(pose.to_rig(surface.vertices), triangles, painted, 0.0, 0.0, middle)
        pixels = detect(image)
        if pixels is None:
            continue
        index, where = _under(surface.vertices, triangles, fragments, pixels[:, :2])
        points = where.copy()
        seen = index >= 0
        if seen[_SKIN_POINTS].mean() < 0.5:
            continue
        placement, unlike = _place(points, rig_landmarks)
        if unlike > _MOST_UNLIKE:
            continue
        part = surface.component[triangles[:, 0]]
        votes = np.bincount(part[index[_SKIN_POINTS][seen[_SKIN_POINTS]]], minlength=part.max() + 1)
        skin = np.flatnonzero(votes >= max(_LEAST_VOTES * len(_SKIN_POINTS), 1))
        if not len(skin):
            continue
        at_iris = np.unique(part[index[_IRISES][seen[_IRISES]]])
        return placement, points, skin, np.setdiff1d(at_iris, skin)
    return None


def _poses(surface: Surface, triangles: ndarray) -> Iterator[Placement]:
    """Ways that a head may lie: as agreed first, then any axis up; the whole mesh, then its upper end."""
    used = surface.vertices[np.unique(triangles)]
    upright = [Rotation.identity(), Rotation.from_euler("x", -90, degrees=True)]
    upright += [Rotation.from_euler("x", 90, degrees=True), Rotation.from_euler("z", 90, degrees=True)]
    upright += [Rotation.from_euler("z", -90, degrees=True), Rotation.from_euler("x", 180, degrees=True)]
    for up, yaw, whole in product(upright, (0, 180, 90, -90), (True, False)):
        turn = (Rotation.from_euler("y", yaw, degrees=True) * up).as_matrix()
        points = used @ turn.T
        low, high = points.min(axis=0), points.max(axis=0)
        width, height = high[:2] - low[:2]
        if not whole:
            if height < 1.3 * width:
                continue
            # the head of a body: an eighth of its height, wherever the hands may be
            low[1] = high[1] - max(0.22 * height, 0.0)
            top = points[points[:, 1] > low[1]]
            low[0], high[0] = top[:, 0].min(), top[:, 0].max()
        size = 1.15 * max(float(high[1] - low[1]), float(min(high[0] - low[0], 2 * (high[1] - low[1]))))
        scale = 0.3 / max(size, 1e-30)
        yield Placement(scale, turn, -scale * (low + high) / 2)


def _place(points: ndarray, rig_landmarks: ndarray) -> tuple[Placement, float]:
    known = np.isfinite(points).all(axis=1)
    known[_IRISES] = False
    placement, distance = fit_similarity(points[known], rig_landmarks[known].astype(np.float64))
    return placement, float(np.median(distance))


def _picture(
    vertices: ndarray,
    triangles: ndarray,
    colours: ndarray,
    yaw: float,
    pitch: float,
    middle: tuple[float, float, float] = _MIDDLE,
) -> tuple[ndarray, Fragments]:
    camera, rotation, shift = portrait_camera(_SIZE, _FIELD_OF_VIEW, yaw, pitch, target=middle)
    light = ambient_light(np.full(3, 0.55)) + directional_light(np.array([0.2, -0.5, -0.8]), np.full(3, 0.5))
    shown = render(
        torch.from_numpy(vertices.astype(np.float32)), torch.from_numpy(triangles),
        torch.from_numpy(colours.astype(np.float32)), camera, rotation, shift,
        torch.from_numpy(light.astype(np.float32)), _BACKGROUND,
    )  # fmt: skip
    image = (shown.image.clamp(0, 1) * 255).round().byte().numpy()
    return image, shown.fragments


class _Stage:
    """The mesh in the rig's space, painted by what is known of it, and its views."""

    def __init__(
        self,
        surface: Surface,
        triangles: ndarray,
        colours: ndarray | None,
        placement: Placement,
        points: ndarray,
        skin: ndarray,
        eyes: ndarray,
    ) -> None:
        self._own, self._placement = surface.vertices, placement
        self._vertices = placement.to_rig(surface.vertices)
        self._triangles = triangles
        part = surface.component[triangles[:, 0]]
        self.seen: set[int] = set()  # triangles of the skin that views showed
        self._skin, self._eye = np.isin(part, skin), np.isin(part, eyes)
        self._colours = colours
        self._lines = self._brows_and_lips(placement.to_rig(points))
        balls = []
        for number in eyes:
            ball = self._vertices[surface.component == number]
            if len(ball) >= 12:
                balls.append(fit_sphere(ball)[0])
        self._centres = np.array(balls).reshape(-1, 3)

    def look(self, yaw: float, pitch: float, detect: Detector) -> list[ndarray]:
        """Where one view puts the landmarks, mesh coordinates, NaN where it shows none; or nothing."""
        base = np.tile(_TONE, (len(self._vertices), 1)) if self._colours is None else self._colours
        image, fragments = _picture(self._vertices, self._triangles, base, yaw, pitch)
        if self._colours is None:
            image = self._paint(image, fragments)
        pixels = detect(image)
        if pixels is None:
            return []
        camera, rotation, shift = portrait_camera(_SIZE, _FIELD_OF_VIEW, yaw, pitch, target=_MIDDLE)
        in_camera = transform(torch.from_numpy(self._vertices.astype(np.float32)), rotation, shift)
        skin = self._triangles[self._skin]
        alone = rasterise(in_camera, torch.from_numpy(skin), camera)
        # hair and lashes may hide skin; what is seen behind an eyeball is the socket
        drawn = fragments.triangle.numpy()
        eye = (drawn >= 0) & self._eye[np.maximum(drawn, 0)]
        shown = np.unique(alone.triangle.numpy()[~eye])
        self.seen.update(np.flatnonzero(self._skin)[shown[shown >= 0]].tolist())
        index, result = _under(self._own, skin, alone, pixels[:, :2], ~eye)
        normals = vertex_normals(in_camera, torch.from_numpy(skin)).numpy()
        facing = normals[skin[np.maximum(index, 0)]].mean(axis=1)[:, 2]
        place = self._placement.to_rig(result)
        far = (place[:, 0] * yaw > 0) & (np.abs(place[:, 0]) > _FAR_SIDE)
        result[(index < 0) | (facing > _MOST_EDGE_ON) | far] = np.nan
        if self._eye.any():
            index, where = _under(self._own, self._triangles, fragments, pixels[:, :2], eye)
            where[index < 0] = np.nan
            result[_IRISES] = where[_IRISES]
        return [result]

    def _paint(self, image: ndarray, fragments: Fragments) -> ndarray:
        """Eyes, brows and lips in the colours that the detector knows, in place of the tone."""
        triangle = fragments.triangle.numpy()
        rows, columns = np.nonzero(triangle >= 0)
        seen = triangle[rows, columns]
        place = np.einsum(
            "pk,pkd->pd", fragments.barycentrics.numpy()[rows, columns], self._vertices[self._triangles[seen]]
        )
        tint = np.tile(_TONE, (len(place), 1))
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
        result[rows, columns] *= tint / _TONE
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


def _under(
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


def _on_surface(surface: Surface, points: ndarray, seen: Int[ndarray, "triangles 3"]) -> Landmarks:
    """Means over views lie a little inside: back to the nearest place on the skin seen."""
    known = np.isfinite(points).all(axis=1)
    result = np.where(known[:, None], points, 0.0)
    chosen = np.setdiff1d(np.flatnonzero(known), _IRISES)
    result[chosen] = closest_points(result[chosen], surface.vertices, seen).position
    return Landmarks(result, known)
