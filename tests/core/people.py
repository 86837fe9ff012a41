"""People whose truth is known: heads of the model itself, seen by an ideal camera."""

from __future__ import annotations

import numpy as np
import torch
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.face_model.model import FaceModel
from core.fitting.types import Observation
from core.scene.camera import portrait_camera, project
from core.scene.lighting import ambient_light, directional_light
from core.scene.render import render
from core.scene.shading import linear_to_srgb

SIDE = 320


def person(model: FaceModel, seed: int, std: float = 0.6) -> ndarray:
    """Whitened identity of a plausible person."""
    return std * np.random.default_rng(seed).standard_normal(len(model.identity_basis))


def expression(**units: float) -> ndarray:
    """The 52 coefficients with some units set."""
    coefficients = np.zeros(52)
    for name, value in units.items():
        coefficients[ARKIT_INDEX[name]] = value
    return coefficients


def light() -> ndarray:
    """The soft key light of :func:`photograph`."""
    return ambient_light(np.full(3, 0.4)) + directional_light(np.array([0.4, -0.5, -0.8]), np.full(3, 0.5))


def photograph(
    model: FaceModel,
    identity: ndarray,
    coefficients: ndarray,
    yaw: float = 0.0,
    noise: float = 0.0,
    *,
    known_lens: bool = True,
    albedo: ndarray | None = None,
) -> Observation:
    """The person under a soft key light; landmarks where they truly are, plus noise in eye distances.

    Skin of one tone unless an albedo (vertices, 3) is given.
    """
    head = model.neutral(identity.astype(np.float32)) + np.tensordot(
        coefficients.astype(np.float32), model.expression_deltas, axes=1
    )
    camera, rotation, translation = portrait_camera(SIDE, 0.24, yaw, target=(0.0, -0.03, 0.03))
    tone = torch.tensor([0.55, 0.35, 0.26]).expand(model.vertex_count, 3)
    skin = tone if albedo is None else torch.from_numpy(albedo).float()
    shown = model.triangles[~model.region_mask("lashes")[model.triangles].any(axis=1)].astype(np.int64)
    picture = render(
        torch.from_numpy(head), torch.from_numpy(shown), skin, camera, rotation, translation,
        torch.from_numpy(light().astype(np.float32)),
    )  # fmt: skip
    points = torch.from_numpy(model.landmarks(head))
    pixels = project(points, camera, rotation, translation).numpy()
    depth = (points @ rotation.T)[:, 2].numpy()
    fx = float(camera.fx)
    landmarks = np.concatenate([pixels, (depth - depth.mean())[:, None] * fx], axis=1)
    eyes = np.linalg.norm(landmarks[33] - landmarks[263])
    landmarks[:, :2] += noise * eyes * np.random.default_rng(1).standard_normal((478, 2))
    return Observation(
        landmarks=landmarks.astype(np.float32),
        width=SIDE,
        height=SIDE,
        focal=fx if known_lens else None,
        image=linear_to_srgb(picture.image.clamp(0, 1)).numpy(),
        skin=(picture.alpha > 0.5).float().numpy(),
        crop_left=0.0,
        crop_top=0.0,
        crop_scale=1.0,
    )
