"""Random heads under random cameras and lights, and what the landmark network sees of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt8
from numpy import ndarray

from core.capture.faces import Face
from core.capture.mediapipe_graphs import CROP_SIDE, LandmarkNetwork
from core.face_model.model import FaceModel
from core.landmark_topology import MIRROR
from core.scene.camera import Camera, head_rotation
from core.scene.lighting import random_lighting, shade
from core.scene.rasterise import rasterise
from core.scene.shading import linear_to_srgb, vertex_normals

SIDE: Final = 192  # pixels of a rendered frame
_SUPERSAMPLE: Final = 2
_FARTHEST_YAW: Final = 60.0


@dataclass(frozen=True)
class Shot:
    """How a head is filmed.

    Attributes:
        camera: pixels of the picture.
        rotation, translation: head to camera.
    """

    camera: Camera
    rotation: Float32[ndarray, "3 3"]
    translation: Float32[ndarray, "3"]


def random_shot(
    rng: np.random.Generator,
    yaw: float,
    pitch: float,
    roll: float,
    field_of_view: float | None = None,
    side: int = SIDE,
) -> Shot:
    """A head at these angles before a lens of this view or one of 8-50 (all in degrees)."""
    lens = float(np.exp(rng.uniform(np.log(8), np.log(50)))) if field_of_view is None else field_of_view
    half = np.tan(np.radians(lens) / 2)
    focal = 0.5 * side / half
    distance = rng.uniform(0.1, 0.125) / half
    aside = rng.uniform(-1, 1, 2) * min(0.2, 1.5 * half)  # off the optical axis, the window goes along
    rotation = head_rotation(*(float(np.radians(a)) for a in (yaw, pitch, roll))).numpy()
    target = np.array([rng.uniform(-0.02, 0.02), rng.uniform(-0.05, -0.01), 0.03])
    translation = distance * np.array([*aside, 1.0]) - rotation @ target
    centre = side / 2 - focal * aside
    camera = Camera(focal, focal, float(centre[0]), float(centre[1]), side, side)
    return Shot(camera, rotation.astype(np.float32), translation.astype(np.float32))


def random_angles(rng: np.random.Generator, spread: float = 1.0) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees."""
    yaw = float(np.clip(rng.normal(0, 25 * spread), -_FARTHEST_YAW, _FARTHEST_YAW))
    return yaw, float(rng.normal(0, 10 * spread)), float(rng.normal(0, 7 * spread))


def random_sensor(
    image: Float32[ndarray, "side side 3"], rng: np.random.Generator
) -> UInt8[ndarray, "side side 3"]:
    """A picture in [0, 255] with the blur, coarseness, noise and compression of a random video."""
    side = image.shape[0]
    if rng.random() < 0.25:
        small = int(side * rng.uniform(0.45, 0.9))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (side, side))
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.5))
    noisy = (image + rng.normal(0, rng.uniform(0, 6), image.shape)).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))]
        _, packed = cv2.imencode(".jpg", noisy, quality)
        noisy = np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return noisy


def draw(
    posed: Float32[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    albedo: Float32[ndarray, "vertices 3"],
    shot: Shot,
    light: Float[ndarray, "9 3"],
    background: Float[ndarray, "3"],
    exposure: float = 1.0,
) -> Float32[ndarray, "side side 3"]:
    """The picture, sRGB in [0, 255]; the brightest skin is at 0.6 × ``exposure`` in linear light.

    Light is worked out at the vertices, which is several times faster than at the pixels and looks the same.
    """
    in_camera = torch.from_numpy(posed @ shot.rotation.T + shot.translation)
    faces = torch.from_numpy(triangles)
    normals = vertex_normals(in_camera, faces)
    shaded = albedo * shade(normals, torch.from_numpy(light.astype(np.float32))).numpy().clip(0)
    fragments = rasterise(in_camera, faces, shot.camera.scaled(_SUPERSAMPLE))
    triangle = fragments.triangle.numpy()
    seen = triangle >= 0
    corners = shaded[triangles[triangle[seen]]]
    surface = np.einsum("pk,pkc->pc", fragments.barycentrics.numpy()[seen], corners)
    level = np.quantile(surface[::29].max(axis=1), 0.95) if len(surface) else 1.0
    fine = np.broadcast_to(background, (*triangle.shape, 3)).astype(np.float32)
    fine[seen] = surface
    small = cv2.resize(fine, (shot.camera.width, shot.camera.height), interpolation=cv2.INTER_AREA)
    exposed = small * (0.6 * exposure / max(level, 1e-3))
    return 255 * linear_to_srgb(torch.from_numpy(exposed).clamp(0, 1)).numpy()


class LandmarkReader:
    """What tracking sees: the network on the crop round the last frame's landmarks, and its mirror image."""

    def __init__(self) -> None:
        self._network: Any = LandmarkNetwork()

    def look(
        self, pixels: UInt8[ndarray, "side side 3"], about: Float32[ndarray, "478 3"]
    ) -> tuple[Float32[ndarray, "2 478 3"], float]:
        """Landmarks in pixels by the plain and by the mirrored look, whose mean tracking uses; presence."""
        crop = Face(about, 1.0, 1.0, 1.0).crop()
        image = crop.cut(pixels, CROP_SIDE)
        looks, presence = [], 0.0
        for mirrored in (False, True):
            points, sure = self._network(np.ascontiguousarray(image[:, ::-1]) if mirrored else image)
            if mirrored:
                points = points[MIRROR]
                points[:, 0] = 1.0 - points[:, 0]
            looks.append(np.column_stack([crop.to_photo(points[:, :2]), points[:, 2] * crop.side]))
            presence += sure / 2
        return np.stack(looks).astype(np.float32), presence


def projected_landmarks(
    model: FaceModel, posed: Float32[ndarray, "vertices 3"], shot: Shot
) -> Float32[ndarray, "478 3"]:
    """Where the landmarks are in truth: pixels, and depth in pixels from the head's origin."""
    points = model.landmarks(posed) @ shot.rotation.T + shot.translation
    scale = float(shot.camera.fx) / shot.translation[2]
    pixels = points[:, :2] / points[:, 2:] * float(shot.camera.fx) + (
        float(shot.camera.cx),
        float(shot.camera.cy),
    )
    depth = (points[:, 2:] - shot.translation[2]) * scale
    return np.concatenate([pixels, depth], axis=1).astype(np.float32)


def random_light(rng: np.random.Generator) -> tuple[Float[ndarray, "9 3"], Float[ndarray, "3"], float]:
    """Light, background and exposure."""
    return random_lighting(rng), rng.uniform(0.02, 0.7, 3), float(rng.uniform(0.6, 1.25))
