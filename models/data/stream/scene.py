"""Poses, cameras, crops and light of a batch, drawn as ``models.data.scene`` draws those of one picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from core.landmark_topology import EYE_LEFT, EYE_RIGHT
from core.numbers import Number
from core.scene.camera import rotation_matrix, transform
from core.scene.lighting import C0, COSINE_LOBE, harmonics
from models.crops import MARGIN, SIDE
from models.data.lights import HARD_SHARE
from models.data.stream.dice import Dice

_SHOT_SIDE: Final = 1000.0
_FARTHEST_YAW: Final = 75.0
LIGHTS: Final = 3  # soft ones at most, beside the hard one


@dataclass(frozen=True)
class View:
    """How each picture sees its head.

    Attributes:
        camera: fx, fy, cx, cy in pixels of the crop.
        rotation, translation: head to camera.
        body: rotation of the shoulders to camera: they turn less than the head.
    """

    camera: Float[Tensor, "batch 4"]
    rotation: Float[Tensor, "batch 3 3"]
    translation: Float[Tensor, "batch 3"]
    body: Float[Tensor, "batch 3 3"]


@dataclass(frozen=True)
class Lights:
    """Light in camera axes, as :class:`models.data.lights.Light`.

    Attributes:
        soft: spherical harmonics without the hard light.
        towards: unit directions, the hard light last.
        colour: of each, 0 where there is none.
    """

    soft: Float[Tensor, "batch 9 3"]
    towards: Float[Tensor, "batch lights 3"]
    colour: Float[Tensor, "batch lights 3"]

    @property
    def sh(self) -> Float[Tensor, "batch 9 3"]:
        """All light, the hard one without its shadow."""
        return self.soft + _lobes(self.towards[:, -1], self.colour[:, -1])


def draw_views(dice: Dice, landmarks: Float[Tensor, "batch 478 3"]) -> View:
    """Heads with these landmarks (head space) before random lenses, cut out as a tracker does."""
    batch, device = len(landmarks), landmarks.device
    degrees = math.pi / 180
    yaw = dice.normal(27, batch).clamp(-_FARTHEST_YAW, _FARTHEST_YAW) * degrees
    pitch, roll = dice.normal(11, batch).clamp(-32, 32) * degrees, dice.normal(8, batch) * degrees
    rotation, body = _turned(yaw, pitch, roll), _turned(0.35 * yaw, 0.2 * pitch, 0.15 * roll)
    half = torch.tan(torch.exp(dice.uniform(math.log(8), math.log(50), batch)) * degrees / 2)
    distance = dice.uniform(0.1, 0.125, batch) / half
    aside = dice.uniform(-1, 1, batch, 2) * (1.5 * half).clamp_max(0.2)[:, None]
    target = torch.stack(
        [dice.uniform(-0.02, 0.02, batch), dice.uniform(-0.05, -0.01, batch),
         torch.full((batch,), 0.03, device=device)], dim=1,
    )  # fmt: skip
    sight = torch.cat([aside, torch.ones(batch, 1, device=device)], dim=1)
    translation = distance[:, None] * sight - (rotation @ target[..., None])[..., 0]
    focal = 0.5 * _SHOT_SIDE / half
    centre = _SHOT_SIDE / 2 - focal[:, None] * aside

    placed = transform(landmarks, rotation, translation)
    pixels = placed[..., :2] / placed[..., 2:] * focal[:, None, None] + centre[:, None]
    middle, side, angle = _crop_of(pixels)
    axes = _plane(angle)  # columns: the square's axes in the photo
    shift = dice.normal(0.02, batch, 2).clamp(-0.06, 0.06)
    middle = middle + (axes @ (shift * side[:, None])[..., None])[..., 0]
    side = side * torch.exp(dice.normal(0.06, batch))
    return _cropped(
        View(torch.cat([focal[:, None].expand(-1, 2), centre], dim=1), rotation, translation, body),
        middle, side, angle + dice.normal(0.05, batch),
    )  # fmt: skip


def draw_lights(dice: Dice, batch: int) -> Lights:
    """From flat studio light to a lone lamp; about 1 falls on a surface that faces the camera."""
    ambient = dice.uniform(0.12, 0.6, batch, 1) * (1 + dice.uniform(-0.1, 0.1, batch, 3))
    towards = _directions(dice, batch, LIGHTS + 1)
    there = torch.arange(LIGHTS, device=dice.device) <= dice.below(LIGHTS, batch)[:, None]
    colour = dice.uniform(0.15, 0.6, batch, LIGHTS, 1) * _tints(dice, 0.15, batch, LIGHTS) * there[..., None]
    hard = dice.uniform(0.35, 1.1, batch, 1) * _tints(dice, 0.2, batch, 1)[:, 0]
    is_hard = dice.happens(HARD_SHARE, batch)[:, None]
    dimmed = torch.where(is_hard, 0.6, 1.0)
    colour = torch.cat([colour * dimmed[..., None], (hard * is_hard)[:, None]], dim=1)
    soft = F.pad((ambient * dimmed / C0)[:, None], (0, 0, 0, 8))
    for light in range(LIGHTS):
        soft = soft + _lobes(towards[:, light], colour[:, light])
    return Lights(soft, towards, colour)


def _lobes(towards: Float[Tensor, "batch 3"], colour: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch 9 3"]:
    cosine = torch.as_tensor(COSINE_LOBE, dtype=towards.dtype, device=towards.device)
    return (cosine * harmonics(towards))[..., None] * colour[:, None]


def _directions(dice: Dice, batch: int, count: int) -> Float[Tensor, "batch count 3"]:
    azimuth, up = dice.uniform(-1.5, 1.5, batch, count), dice.uniform(-0.3, 1.15, batch, count)
    return torch.stack([azimuth.sin() * up.cos(), -up.sin(), -azimuth.cos() * up.cos()], dim=-1)


def _tints(dice: Dice, spread: Number, batch: int, count: int) -> Float[Tensor, "batch count 3"]:
    warmth = dice.normal(spread, batch, count)
    return torch.stack([1 + warmth, torch.ones_like(warmth), 1 - warmth], dim=-1).clamp(0.4, 1.6)


def _turned(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Float[Tensor, "batch 3 3"]:
    """As ``core.scene.camera.head_rotation``, of many."""
    nothing = torch.zeros_like(yaw)
    about = [
        rotation_matrix(torch.stack(axis, dim=1))
        for axis in ((nothing, nothing, -roll), (nothing, yaw, nothing), (pitch, nothing, nothing))
    ]
    return torch.tensor([1.0, -1.0, -1.0], device=yaw.device)[:, None] * (about[0] @ about[1] @ about[2])


def _plane(angle: Float[Tensor, "batch"]) -> Float[Tensor, "batch 2 2"]:
    c, s = angle.cos(), angle.sin()
    return torch.stack([c, -s, s, c], dim=-1).unflatten(-1, (2, 2))


def _crop_of(pixels: Float[Tensor, "batch 478 2"]) -> tuple[Tensor, Tensor, Tensor]:
    """Middle, side and angle of the upright square round each face, as ``core.capture.faces`` has it."""
    across = pixels[:, EYE_LEFT[0]] - pixels[:, EYE_RIGHT[0]]
    angle = torch.atan2(across[:, 1], across[:, 0])
    axes = _plane(angle)
    upright = pixels @ axes
    low, high = upright.amin(dim=1), upright.amax(dim=1)
    middle = (axes @ ((low + high) / 2)[..., None])[..., 0]
    return middle, (high - low).amax(dim=1) * MARGIN, angle


def _cropped(view: View, middle: Tensor, side: Tensor, angle: Tensor) -> View:
    """As ``models.crops.crop_view``, of many."""
    turn = _plane(angle).transpose(1, 2)
    zoom = SIDE / side
    about = F.pad(turn, (0, 1, 0, 1))
    about[:, 2, 2] = 1
    centre = (turn @ (middle - view.camera[:, 2:])[..., None])[..., 0]
    focal = view.camera[:, :2] * zoom[:, None]
    camera = torch.cat([focal, SIDE / 2 - zoom[:, None] * centre], dim=1)
    translation = (about @ view.translation[..., None])[..., 0]
    return View(camera, about @ view.rotation, translation, about @ view.body)
