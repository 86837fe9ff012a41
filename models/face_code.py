"""What the networks say of a picture, and the heads that make it of a backbone's features."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from core.arkit import ARKIT_NAMES
from core.scene.lighting import C0
from models.backbones import make_backbone

EXPRESSIONS: Final = len(ARKIT_NAMES)
FOCAL: Final = 1015 / 224
"""CPEM's focal length, in sides of the crop; for pictures whose camera is not known."""

_SPAN: Final = 0.24  # metres that a crop is wide at the head, where the network says scale 1
_START: Final = (
    -2.0,
    0.75,
)  # logit of the expressions and frontal light before training: at rest, lit evenly
_LOG_STDS: Final = ((-3.0, -0.05, 0.2), (-5.0, -2.0, 0.0), (-5.5, -2.3, 0.0))
"""Least, before training, and most: of identity, expression and rotation."""
_POSE: Final = 6 + 3  # two columns of a rotation; scale and place


@dataclass(frozen=True)
class FaceCodeStd:
    """How far off a network takes itself to be: standard deviations of its errors.

    Attributes:
        identity: at most about 1, which is what is known without looking.
        rotation: radians about the camera's axes.
    """

    identity: Float[Tensor, "batch identity"]
    expression: Float[Tensor, "batch 52"]
    rotation: Float[Tensor, "batch 3"]


@dataclass(frozen=True)
class FaceCode:
    """A face in each picture, in terms of a face model.

    Attributes:
        identity: whitened coefficients of the model's identity basis.
        expression: the 52 coefficients in ARKit's order, in [0, 1].
        albedo: whitened coefficients of an albedo basis.
        rotation, translation: head to camera (x right, y down, z forward), metres.
        sh: light in camera axes, as ``core.scene.lighting`` has it.
        std: standard deviations of the errors, of networks that were built to tell.
    """

    identity: Float[Tensor, "batch identity"]
    expression: Float[Tensor, "batch 52"]
    albedo: Float[Tensor, "batch albedo"]
    rotation: Float[Tensor, "batch 3 3"]
    translation: Float[Tensor, "batch 3"]
    sh: Float[Tensor, "batch 9 3"]
    std: FaceCodeStd | None = None


class FaceCodeNet(nn.Module):
    """A backbone and one linear layer whose outputs are a :class:`FaceCode`: RecNet and PE-Net.

    Expressions pass through a sigmoid (CPEM). Rotation is six numbers made orthonormal (Zhou et al., "On the
    continuity of rotation representations", 2019) instead of the papers' Euler angles, which are not
    continuous. Before training it says: the mean face at rest, looking into the camera, in even light.

    Args:
        identity: coefficients of the identity, at most as many as the face model has.
        albedo: coefficients of the albedo.
        backbone: one of ``models.backbones.BACKBONES``.
        spread: also say how sure it is, by a second linear layer. The papers' networks do not; several
            photos of a person are joined by it.

    Raises:
        BadInput: there is no such backbone.
    """

    def __init__(self, identity: int, albedo: int, backbone: str, spread: bool = False) -> None:
        super().__init__()
        self.sizes = (identity, EXPRESSIONS, albedo, _POSE, 27)
        self.backbone = make_backbone(backbone)
        self.head = nn.Linear(self.backbone.feature_count, sum(self.sizes))
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            _, expression, _, pose, sh = self.head.bias.split(self.sizes)
            expression.fill_(_START[0])
            pose[:6] = torch.tensor([1.0, 0, 0, 0, 1, 0])
            sh[:3] = _START[1] / C0
        self.std_head = StdHead(self.backbone.feature_count, identity) if spread else None

    def forward(
        self, images: Float[Tensor, "batch 3 side side"], camera: Float[Tensor, "batch 4"] | None = None
    ) -> FaceCode:
        """Read faces.

        Args:
            images: RGB in [0, 1], sRGB as stored; crops with the face in the middle.
            camera: fx, fy, cx, cy of each crop in its pixels; where not given, CPEM's focal length and the
                principal point in the middle.
        """
        features = self.backbone.pooled(images)
        outputs = self.head(features)
        with torch.autocast(images.device.type, enabled=False):  # poses need all their digits
            outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
            identity, expression, albedo, pose, sh = outputs.split(self.sizes, dim=1)
            side = int(images.shape[-1])  # a number also where the network is being traced
            if camera is None:
                camera = default_camera(len(images), side, outputs)
            rotation, translation = head_pose(pose[:, :6], pose[:, 6:], camera.to(outputs.dtype), side)
            return FaceCode(
                identity, torch.sigmoid(expression), albedo, rotation, translation, sh.unflatten(1, (9, 3)),
                None if self.std_head is None else self.std_head(features.to(outputs.dtype)),
            )  # fmt: skip


class ExpressionNet(nn.Module):
    """A backbone and one linear layer with a sigmoid, whose outputs are the 52 coefficients alone: ETNet.

    Before training it says: a face at rest. What reads otherwise has a :meth:`read` of its own.

    Args:
        backbone: one of ``models.backbones.BACKBONES``.
        spread: also say how sure it is, by a second linear layer; the paper's does not.

    Raises:
        BadInput: there is no such backbone.
    """

    def __init__(self, backbone: str, spread: bool = False) -> None:
        super().__init__()
        self.backbone = make_backbone(backbone)
        self.head = nn.Linear(self.backbone.feature_count, EXPRESSIONS)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.constant_(self.head.bias, _START[0])
        self.std_head = StdHead(self.backbone.feature_count, 0) if spread else None

    def forward(self, images: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch 52"]:
        """Expressions in [0, 1] of RGB crops in [0, 1]."""
        return self.read(images)[0]

    def read(
        self, images: Float[Tensor, "batch 3 side side"]
    ) -> tuple[Float[Tensor, "batch 52"], Float[Tensor, "batch 52"] | None]:
        """Expressions, and the standard deviations of their errors where the network tells."""
        features = self.backbone.pooled(images)
        outputs: Tensor = self.head(features)
        outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
        std = None if self.std_head is None else self.std_head(features).expression.to(outputs.dtype)
        return torch.sigmoid(outputs), std


class StdHead(nn.Module):
    """A linear layer that gives logarithms of standard deviations, kept within bounds."""

    def __init__(self, features: int, identity: int) -> None:
        super().__init__()
        self.sizes = (identity, EXPRESSIONS, 3)
        self.linear = nn.Linear(features, sum(self.sizes))
        nn.init.normal_(self.linear.weight, std=0.001)
        with torch.no_grad():
            for part, (_, start, _) in zip(self.linear.bias.split(self.sizes), _LOG_STDS, strict=True):
                part.fill_(start)

    def forward(self, features: Float[Tensor, "batch features"]) -> FaceCodeStd:
        """Of the features that the network reads faces from."""
        parts = self.linear(features).split(self.sizes, dim=1)
        stds = [part.clamp(low, high).exp() for part, (low, _, high) in zip(parts, _LOG_STDS, strict=True)]
        return FaceCodeStd(*stds)


def current_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Parameters by today's names, also of earlier releases' files, where ``StdHead`` was ``doubt``."""
    return {re.sub(r"\bdoubt\.", "std_head.", name): value for name, value in state.items()}


def default_camera(batch: int, side: int, like: Tensor) -> Float[Tensor, "batch 4"]:
    """CPEM's camera for crops of this side; device and type as ``like``."""
    return like.new_tensor([FOCAL * side, FOCAL * side, side / 2, side / 2]).expand(batch, 4)


def head_pose(
    columns: Float[Tensor, "batch 6"],
    place: Float[Tensor, "batch 3"],
    camera: Float[Tensor, "batch 4"],
    side: int,
) -> tuple[Float[Tensor, "batch 3 3"], Float[Tensor, "batch 3"]]:
    """Head → camera of what can be seen in a crop, whatever its lens. Differentiable.

    A crop shows how large a head is and how it is turned about the line of sight, not how far away it is nor
    where the camera's axis points: those follow from the camera.

    Args:
        columns: the first two columns of the rotation about the line of sight, orthonormal or not;
            (1, 0, 0), (0, 1, 0) is a face that looks into the camera.
        place: logarithm of the head's scale, and its origin's place in half sides from the crop's middle
            (x right, y down).
        camera: fx, fy, cx, cy in pixels of the crop.
        side: of the crop, pixels.

    Returns:
        rotation, translation.
    """
    turned = _orthonormal(columns)
    facing = turned * turned.new_tensor([1.0, -1.0, -1.0])[:, None]  # rows: head axes to camera axes
    focal, centre = camera[:, :2], camera[:, 2:]
    pixel = side / 2 * (1 + place[:, 1:])
    sight = torch.cat([(pixel - centre) / focal, torch.ones_like(pixel[:, :1])], dim=1)
    distance = focal.mean(dim=1, keepdim=True) * _SPAN / side * torch.exp(-place[:, :1])
    return sight_rotation(sight) @ facing, sight * distance


def sight_rotation(sight: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch 3 3"]:
    """The smallest rotation that takes the camera's axis (0, 0, 1) to a line of sight with z > 0."""
    direction = F.normalize(sight, dim=1)
    x, y, z = direction.unbind(1)
    over = 1 / (1 + z)
    rows = (1 - x * x * over, -x * y * over, x, -x * y * over, 1 - y * y * over, y, -x, -y, z)
    return torch.stack(rows, dim=1).unflatten(1, (3, 3))


def _orthonormal(columns: Tensor) -> Tensor:
    """Gram-Schmidt; as roma.special_gramschmidt, which fixes the batch size in exported networks."""
    first = F.normalize(columns[:, :3], dim=1, eps=1e-6)
    second = columns[:, 3:] - (first * columns[:, 3:]).sum(dim=1, keepdim=True) * first
    second = F.normalize(second, dim=1, eps=1e-6)
    return torch.stack([first, second, torch.cross(first, second, dim=1)], dim=2)
