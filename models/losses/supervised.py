"""What pictures teach whose faces are known: rendered ones.

The papers train RecNet and PE-Net on photos alone, whose faces nobody knows. Rendered people come with all of
it, so identity, pose and expression are learnt from the truth, and the papers' self-supervised terms can be
added for photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor, nn

from core.face_model.model import FaceModel
from core.fitting.face_surface import face_weight
from core.numbers import Number
from core.scene.camera import transform
from models.face_code import FaceCode
from models.losses.activation import activation_loss
from models.losses.reconstruction import Terms

_SMOOTH: Final = 1e-4  # mm², under the root
_DEGREES: Final = 180 / np.pi
_LEAST_STD: Final = 1e-3
_FARTHEST: Final = 30.0  # pixels, beyond which a landmark counts no more


@dataclass(frozen=True)
class Truth:
    """What is known of the faces in a batch, in the code of one model; what is not is None.

    Attributes:
        identity_known: false where ``identity`` is not to be learnt from.
        landmarks: pixels of the crop.
        camera: fx, fy, cx, cy of the crop.
        albedo: NaN in pictures whose albedo is not known.
    """

    identity: Float[Tensor, "batch identity"] | None = None
    expression: Float[Tensor, "batch 52"] | None = None
    rotation: Float[Tensor, "batch 3 3"] | None = None
    translation: Float[Tensor, "batch 3"] | None = None
    landmarks: Float[Tensor, "batch 478 3"] | None = None
    camera: Float[Tensor, "batch 4"] | None = None
    identity_known: Bool[Tensor, "batch"] | None = None
    sh: Float[Tensor, "batch 9 3"] | None = None
    albedo: Float[Tensor, "batch albedo"] | None = None


@dataclass(frozen=True)
class SupervisedWeights:
    """Weights of the terms; those of weight 0 are left out.

    Attributes:
        shape: of the neutral face's distance, RMS in millimetres.
        identity: of squared errors of whitened coefficients.
        expression: of absolute errors; ``activation`` of JR2Net's loss.
        rotation, distance: of degrees, and of the logarithm of the distance.
        landmarks: of distances in pixels of a crop of 224.
        spread: of the likelihoods that the standard deviations are learnt by.
    """

    shape: Number = 0.0
    identity: Number = 0.0
    expression: Number = 0.0
    activation: Number = 0.0
    rotation: Number = 0.0
    distance: Number = 0.0
    landmarks: Number = 0.0
    sh: Number = 0.0
    albedo: Number = 0.0
    spread: Number = 0.0


class ShapeMetric(nn.Module):
    """How far two identities lie apart on the face, whatever their position, turn and size.

    Args:
        model: the face model.
        modes: how many coefficients identities have.
    """

    gram: Tensor

    def __init__(self, model: FaceModel, modes: int) -> None:
        super().__init__()
        weight = face_weight(model).astype(np.float64)
        own = weight > 0
        moves = model.identity_basis[:modes, own].astype(np.float64)
        root = np.sqrt(weight[own] / weight.sum())[:, None]
        flat = (moves * root).reshape(len(moves), -1)
        rigid = np.linalg.qr((_similarity_moves(model.template[own]) * root).reshape(7, -1).T)[0]
        flat = flat - (flat @ rigid) @ rigid.T
        self.register_buffer("gram", torch.from_numpy(1e6 * flat @ flat.T).float(), persistent=False)

    def forward(self, difference: Float[Tensor, "batch modes"]) -> Float[Tensor, "batch"]:
        """RMS distance in millimetres of heads whose coefficients differ by so much."""
        squared = torch.einsum("bi,ij,bj->b", difference, self.gram, difference)
        return (squared.clamp_min(0) + _SMOOTH).sqrt()


class SupervisedLoss(nn.Module):
    """The terms of a batch whose truth is known.

    Args:
        model: the face model in whose code faces are.
        modes: how many identity coefficients are learnt; further true ones are left out.
    """

    points: Tensor
    identity_moves: Tensor
    expression_moves: Tensor

    def __init__(self, model: FaceModel, modes: int, weights: SupervisedWeights | None = None) -> None:
        super().__init__()
        self.weights, self.modes = weights or SupervisedWeights(), modes
        self.metric = ShapeMetric(model, modes)
        at_rest = model.landmarks(np.zeros_like(model.template))
        buffers = {
            "points": model.landmarks(model.template),
            "identity_moves": np.stack([model.landmarks(m) - at_rest for m in model.identity_basis[:modes]]),
            "expression_moves": np.stack([model.landmarks(d) - at_rest for d in model.expression_deltas]),
        }
        for name, value in buffers.items():
            self.register_buffer(name, torch.from_numpy(value.astype(np.float32)), persistent=False)

    def landmarks(self, code: FaceCode, camera: Float[Tensor, "batch 4"]) -> Float[Tensor, "batch 478 2"]:
        """Where a code's landmarks fall, pixels."""
        head = self.points + torch.einsum("bk,kld->bld", code.identity, self.identity_moves)
        head = head + torch.einsum("be,eld->bld", code.expression, self.expression_moves)
        placed = transform(head, code.rotation, code.translation)
        return placed[..., :2] / placed[..., 2:].clamp_min(1e-2) * camera[:, None, :2] + camera[:, None, 2:]

    def forward(self, code: FaceCode, truth: Truth) -> Terms:
        """Weighted losses by name, of what is known."""
        return self._of_identity(code, truth) | self._of_expression(code, truth) | self._of_pose(code, truth)

    def _of_identity(self, code: FaceCode, truth: Truth) -> Terms:
        w = self.weights
        terms: Terms = {}
        if w.albedo and truth.albedo is not None:
            count = min(code.albedo.shape[1], truth.albedo.shape[1])
            wrong = (code.albedo[:, :count] - truth.albedo[:, :count].nan_to_num()).square().mean(dim=1)
            terms["albedo"] = w.albedo * _mean(wrong, truth.albedo.isfinite().all(dim=1))
        if truth.identity is None:
            return terms
        off = code.identity[:, : self.modes] - truth.identity[:, : self.modes]
        known = truth.identity_known
        known = torch.ones(len(off), dtype=torch.bool, device=off.device) if known is None else known
        if w.shape:
            terms["shape"] = w.shape * _mean(self.metric(off), known)
        if w.identity:
            terms["identity"] = w.identity * _mean(off.square().mean(dim=1), known)
        if w.spread and code.std is not None:
            terms["spread_identity"] = w.spread * _mean(std_loss(off, code.std.identity), known)
        return terms

    def _of_expression(self, code: FaceCode, truth: Truth) -> Terms:
        if truth.expression is None:
            return {}
        std = None if code.std is None else code.std.expression
        return expression_terms(code.expression, std, truth.expression, self.weights)

    def _of_pose(self, code: FaceCode, truth: Truth) -> Terms:
        w = self.weights
        terms: Terms = {}
        if truth.rotation is not None and (w.rotation or w.spread):
            turn = rotation_error(code.rotation, truth.rotation)
            if w.rotation:
                terms["rotation"] = w.rotation * _DEGREES * turn.norm(dim=1).mean()
            if w.spread and code.std is not None:
                terms["spread_rotation"] = w.spread * std_loss(turn, code.std.rotation).mean()
        if w.distance and truth.translation is not None:
            away = torch.log(code.translation[:, 2] / truth.translation[:, 2])
            terms["distance"] = w.distance * away.abs().mean()
        if w.landmarks and truth.landmarks is not None and truth.camera is not None:
            pixels = (self.landmarks(code, truth.camera) - truth.landmarks[..., :2]).norm(dim=2)
            terms["landmarks"] = w.landmarks * pixels.clamp_max(_FARTHEST).mean()
        if w.sh and truth.sh is not None:
            terms["sh"] = w.sh * (code.sh - truth.sh).abs().mean()
        return terms


def expression_terms(
    expression: Float[Tensor, "batch 52"],
    std: Float[Tensor, "batch 52"] | None,
    truth: Float[Tensor, "batch 52"],
    weights: SupervisedWeights,
) -> Terms:
    """Those of expressions alone, as ETNet learns them; ``std`` are the standard deviations it gives."""
    error = expression - truth
    terms: Terms = {}
    if weights.expression:
        terms["expression"] = weights.expression * error.abs().mean()
    if weights.activation:
        terms["activation"] = weights.activation * activation_loss(expression, truth)
    if weights.spread and std is not None:
        terms["spread_expression"] = weights.spread * std_loss(error, std).mean()
    return terms


def std_loss(
    error: Float[Tensor, "batch values"], std: Float[Tensor, "batch values"]
) -> Float[Tensor, "batch"]:
    """Negative logarithm of a Gaussian likelihood of errors, mean over the values; teaches the std alone.

    ``e² / (2 σ²) + ln σ`` of each.

    With gradients to the errors too, what is hard would be given up early for a large one.
    """
    std = std.clamp_min(_LEAST_STD)
    return (0.5 * (error.detach() / std).square() + std.log()).mean(dim=1)


def rotation_error(
    rotation: Float[Tensor, "batch 3 3"], truth: Float[Tensor, "batch 3 3"]
) -> Float[Tensor, "batch 3"]:
    """Axis × size of the turn from the truth to a rotation, camera axes: about radians while it is small.

    With the turn's angle θ, the size is ``sin θ`` up to a right angle and ``1 + θ - π/2`` beyond: it grows
    with the angle everywhere, and with a slope of 1 beyond a right angle, so that its gradient turns back
    even a head that looks away. In halves of the angle (the unit quaternion ``(w, v)``, w = cos θ/2 and
    v = axis × sin θ/2) the first is ``2 w v``, and the second has θ/2 = atan2(|v|, w).
    """
    w, v = unit_quaternion(rotation @ truth.transpose(1, 2)).split((1, 3), dim=1)
    half_sine = v.square().sum(dim=1, keepdim=True).clamp_min(1e-12).sqrt()
    size = 1 + 2 * torch.atan2(half_sine, w) - torch.pi / 2
    return torch.where(w > half_sine, 2 * w * v, size * v / half_sine)  # w > |v|: θ is below 90°


def unit_quaternion(rotation: Float[Tensor, "batch 3 3"]) -> Float[Tensor, "batch 4"]:
    """(w, x, y, z) with w >= 0 of rotations, by the row of ``4 q qᵀ`` whose own entry is largest.

    Differentiable, exact to the last digits for half turns too, and a GPU is never waited for.
    """
    r = rotation.flatten(1).unbind(1)  # rows: 0 1 2, 3 4 5, 6 7 8
    wx, wy, wz = r[7] - r[5], r[2] - r[6], r[3] - r[1]
    xy, xz, yz = r[1] + r[3], r[2] + r[6], r[5] + r[7]
    squares = (1 + r[0] + r[4] + r[8], 1 + r[0] - r[4] - r[8], 1 - r[0] + r[4] - r[8], 1 - r[0] - r[4] + r[8])
    rows = (
        squares[0], wx, wy, wz,
        wx, squares[1], xy, xz,
        wy, xy, squares[2], yz,
        wz, xz, yz, squares[3],
    )  # fmt: skip
    products = torch.stack(rows, dim=1).unflatten(1, (4, 4))
    largest = torch.stack(squares, dim=1).argmax(dim=1)
    row = products.gather(1, largest[:, None, None].expand(-1, 1, 4))[:, 0]
    row = F.normalize(row, dim=1)
    return torch.where(row[:, :1] < 0, -row, row)


def _similarity_moves(points: Float[ndarray, "points 3"]) -> Float[ndarray, "7 points 3"]:
    """How points move when they are shifted along, turned about and scaled from the axes."""
    centred = points.astype(np.float64) - points.mean(axis=0)
    shifts = [np.broadcast_to(axis, centred.shape) for axis in np.eye(3)]
    turns = [np.cross(axis, centred) for axis in np.eye(3)]
    return np.stack([*shifts, *turns, centred])


def _mean(values: Tensor, known: Tensor) -> Tensor:
    return (values * known).sum() / known.sum().clamp_min(1)
