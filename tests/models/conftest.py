"""Eight rendered pictures of two people, whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from core.arkit import ARKIT_INDEX
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.scene.camera import head_rotation
from core.scene.lighting import random_lighting
from models.face_code import FaceCode
from models.losses.reconstruction import Observed
from models.rendering import FaceRenderer

SIDE = 64
IDENTITY, ALBEDO = 12, 3
_FACES: tuple[dict[str, float], ...] = (
    {"jawOpen": 0.8},
    {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9},
    {"browInnerUp": 0.9, "browOuterUpLeft": 0.9, "browOuterUpRight": 0.9},
    {"mouthPucker": 0.9},
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"mouthLeft": 0.9, "jawLeft": 0.7},
    {"browDownLeft": 0.9, "browDownRight": 0.9, "noseSneerLeft": 0.8, "noseSneerRight": 0.8},
    {"mouthFrownLeft": 0.9, "mouthFrownRight": 0.9},
)


@dataclass(frozen=True)
class Pictures:
    """What the networks are shown, and the truth."""

    renderer: FaceRenderer
    truth: FaceCode
    camera: torch.Tensor
    observed: Observed
    person: torch.Tensor


@pytest.fixture(scope="session")
def anny() -> FaceModel:
    return load_model("anny")


def albedo_of(model: FaceModel) -> tuple[torch.Tensor, torch.Tensor]:
    """A plain skin, and how it varies: lightness, redness, and the lips' colour."""
    mean = np.tile(np.array([0.45, 0.3, 0.24]), (model.vertex_count, 1))
    mean[model.region_mask("eye_left", "eye_right", "teeth_upper", "teeth_lower")] = 0.7
    mean[model.region_mask("mouth_interior", "tongue")] = [0.2, 0.05, 0.05]
    skin = model.region_mask("skin").astype(np.float32)[:, None]
    lips = model.masks["lips"][:, None]
    mean -= lips * np.array([0.05, 0.14, 0.1])
    basis = [
        skin * np.array([0.12, 0.1, 0.09]),
        skin * np.array([0.03, -0.02, -0.02]),
        lips * np.array([0.05, -0.05, -0.05]),
    ]
    return torch.from_numpy(mean).float(), torch.from_numpy(np.stack(basis)).float()


@pytest.fixture(scope="session")
def pictures(anny: FaceModel) -> Pictures:
    """Four frames of each person, person after person, each with a face of its own."""
    rng = np.random.default_rng(5)
    count = len(_FACES)
    expression = np.zeros((count, 52), np.float32)
    for row, face in zip(expression, _FACES, strict=True):
        for name, value in face.items():
            row[ARKIT_INDEX[name]] = value
    rotation = torch.stack(
        [head_rotation(*rng.uniform([-0.3, -0.15], [0.3, 0.15]).tolist()) for _ in range(count)]
    )
    focal = SIDE * rng.uniform(2.5, 5, count)
    camera = np.stack(
        [focal, focal, SIDE * rng.uniform(0.45, 0.55, count), SIDE * rng.uniform(0.45, 0.55, count)], 1
    )
    distance = focal / SIDE * rng.uniform(0.22, 0.25, count)
    translation = np.stack([rng.uniform(-0.01, 0.01, count), rng.uniform(-0.04, -0.02, count), distance], 1)
    people = [0.8 * rng.standard_normal((2, n)).repeat(count // 2, axis=0) for n in (IDENTITY, ALBEDO)]
    numbers = (
        people[0],
        expression,
        people[1],
        translation,
        [random_lighting(rng) for _ in range(count)],
        camera,
    )
    identity, said, albedo, where, sh, lens = (
        torch.from_numpy(np.asarray(array, np.float32)) for array in numbers
    )
    truth = FaceCode(identity, said, albedo, rotation, where, sh)
    renderer = FaceRenderer(anny, *albedo_of(anny), side=SIDE)
    with torch.no_grad():
        drawn = renderer(truth, lens)
    photos = torch.where(drawn.covered[:, None] > 0, drawn.image.clamp(0, 1), torch.full((), 0.4))
    person = torch.arange(count) // (count // 2)
    return Pictures(renderer, truth, lens, Observed(photos, drawn.skin, drawn.landmarks), person)
