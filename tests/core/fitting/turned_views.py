"""A person with spotted skin, photographed from three sides, and fits with the true cameras."""

from __future__ import annotations

import numpy as np
import torch
from numpy import ndarray

from core.face_model.model import FaceModel
from core.fitting.dense import DenseFit
from core.fitting.face_surface import FaceSurface
from core.fitting.types import Observation, PhotoFit
from core.scene.camera import portrait_camera
from tests.core.people import SIDE, expression, light, photograph

YAWS = (-0.45, 0.0, 0.45)


def spots(model: FaceModel) -> ndarray:
    """Skin with moles and blotches of a centimetre: something that flow can hold on to."""
    rng = np.random.default_rng(0)
    surface = FaceSurface(model)
    rough = torch.from_numpy(rng.standard_normal((model.vertex_count, 3)).astype(np.float32))
    smooth = surface.smooth(rough).numpy()[:, :1]
    return np.array([0.5, 0.33, 0.25]) * (1 + 0.35 * np.clip(smooth / smooth.std(), -2, 2))


def views_of(model: FaceModel, identity: ndarray) -> list[Observation]:
    return [photograph(model, identity, expression(), yaw, albedo=spots(model)) for yaw in YAWS]


def fit_with(identity: ndarray, model: FaceModel) -> DenseFit:
    """The true cameras and light round an identity of one's choice."""
    photos = []
    for yaw in YAWS:
        camera, rotation, translation = portrait_camera(SIDE, 0.24, yaw, target=(0.0, -0.03, 0.03))
        photos.append(
            PhotoFit(camera, rotation.double().numpy(), translation.double().numpy(), expression(), light())
        )
    return DenseFit(identity, np.zeros_like(model.template), photos)
