"""A painted head photographed under known light, so that the true albedo is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
import torch
from jaxtyping import Float, Float32

from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.types import FittedHead, PhotoFit
from core.scene.camera import portrait_camera, project
from core.scene.lighting import ambient_light, directional_light
from core.scene.render import render
from core.scene.shading import linear_to_srgb
from core.surface.types import PhotoPixels

SIDE = 384
TONE = np.array([0.46, 0.27, 0.19])
EYE = np.array([0.02, 0.60, 0.02])  # green, so that it shows where it does not belong


@dataclass(frozen=True)
class Shot:
    """A photo of the painted head and its exact fit."""

    fit: PhotoFit
    photo: PhotoPixels


Shoot = Callable[..., Shot]


@pytest.fixture(scope="session")
def model() -> FaceModel:
    """The default head; its first load on a machine bakes it, which takes a minute."""
    return load_model("anny")


@pytest.fixture(scope="session")
def paint(model: FaceModel) -> Float32[np.ndarray, "vertices 3"]:
    """True linear albedo: a skin tone with mirror-symmetric waves, red lips, green eyes."""
    x, y, _ = model.template.T
    wave = 1 + 0.12 * np.cos(abs(x) * 260) * np.cos(y * 200)
    colours = TONE * wave[:, None]
    lips = model.masks["lips"][:, None]
    colours = colours * (1 - lips) + lips * np.array([0.42, 0.12, 0.11])
    colours[model.region_mask("eye_left", "eye_right")] = EYE
    colours[model.region_mask("mouth_interior", "tongue")] = (0.1, 0.02, 0.02)
    return colours.astype(np.float32)


def light(towards: tuple[float, float, float], ambient: float = 0.45, key: float = 0.6) -> np.ndarray:
    """Even light and one lamp, neutral in colour."""
    return ambient_light(np.full(3, ambient)) + directional_light(np.array(towards), np.full(3, key))


@pytest.fixture(scope="session")
def shoot(model: FaceModel, paint: Float32[np.ndarray, "vertices 3"]) -> Shoot:
    """Photograph the head: ``shoot(yaw, sh, gain=1, blur=0)``."""
    solid = torch.from_numpy(model.triangles[~model.region_mask("lashes")[model.triangles].any(axis=1)])
    vertices = torch.from_numpy(model.template)
    landmarks = torch.from_numpy(model.landmarks(model.template).astype(np.float32))

    def take(
        yaw: float,
        sh: Float[np.ndarray, "9 3"],
        gain: Float[np.ndarray, "3"] | float = 1.0,
        blur: float = 0.0,
    ) -> Shot:
        camera, rotation, translation = portrait_camera(SIDE, 0.26, yaw, target=(0.0, -0.03, 0.0))
        picture = render(
            vertices, solid, torch.from_numpy(paint), camera, rotation, translation,
            torch.from_numpy(sh.astype(np.float32)), torch.full((3,), 0.1), supersample=2,
        )  # fmt: skip
        linear = (picture.image * torch.as_tensor(gain, dtype=torch.float32)).clamp(0, 1)
        image = np.round(linear_to_srgb(linear).numpy() * 255).astype(np.uint8)
        if blur:
            image = cv2.GaussianBlur(image, (0, 0), blur)
        seen = project(landmarks, camera, rotation, translation).numpy()
        alpha = picture.alpha.numpy()
        fit = PhotoFit(camera, rotation.numpy(), translation.numpy(), np.zeros(52))
        depth = np.zeros((len(seen), 1))
        return Shot(fit, PhotoPixels(image, alpha, alpha, np.hstack([seen, depth]).astype(np.float32)))

    return take


@pytest.fixture(scope="session")
def head(model: FaceModel) -> FittedHead:
    """The template as a fitted head without photos."""
    return FittedHead(model, np.zeros(len(model.identity_basis)), model.template, model.expression_deltas, [])


def with_photos(head: FittedHead, shots: list[Shot]) -> FittedHead:
    return replace(head, photos=[shot.fit for shot in shots])
