"""How far networks are off on people they were not trained on."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.errors import BadInput, ModelMissing
from core.face_model.registry import load_model
from models.data.sample import Batch
from models.data.shared_identity import align_templates
from models.face_code import FaceCode
from models.training.objectives import Objective, view_of

ACTIVE: Final = 0.1
"""A true coefficient above this is active."""

UNITS: Final = {
    "coefficients": "mean error of a coefficient",
    "active": "mean error of a coefficient that is active",
    "rotation_degrees": "angle between rotations, degrees",
    "landmarks_percent": "landmarks off, percent of the distance between the eyes",
    "neutral_mm": "neutral face, mean distance of vertices, mm",
}
"""What the figures are."""

_EYES: Final = (468, 473)  # the irises' middles


@torch.no_grad()
def validate(net: nn.Module, objective: Objective, batches: Iterable[Batch]) -> dict[str, float]:
    """Mean figures over all pictures whose truth is known; those that no picture tells are left out.

    Args:
        net: gives what ``models.outputs.Outputs`` does; in evaluation mode.
    """
    sums: dict[str, Tensor] = {}
    counts: dict[str, Tensor] = {}
    for batch in batches:
        view = view_of(batch, objective.layout.side)
        outputs = tuple(part.float() for part in net(view.observed.image, view.camera))
        code = objective.code(outputs)
        expression = outputs[0] if code is None else code.expression
        found = _expression_errors(expression, batch)
        if code is not None:
            found |= _face_errors(code, batch, objective)
        for name, errors in found.items():
            sums[name] = sums.get(name, errors.new_zeros(())) + errors.sum()
            counts[name] = counts.get(name, errors.new_zeros(())) + errors.numel()
    return {name: float(total / counts[name]) for name, total in sums.items() if counts[name]}


def _expression_errors(expression: Float[Tensor, "batch 52"], batch: Batch) -> dict[str, Tensor]:
    if batch.expression is None:
        return {}
    error = (expression - batch.expression).abs()
    return {"coefficients": error, "active": error[batch.expression > ACTIVE]}


def _face_errors(code: FaceCode, batch: Batch, objective: Objective) -> dict[str, Tensor]:
    errors: dict[str, Tensor] = {}
    renderer = objective.renderer
    assert renderer is not None
    turn = template_turn(objective.layout.model, batch.model)
    if batch.rotation is not None and turn is not None:
        known = batch.rotation @ turn.to(batch.rotation)
        errors["rotation_degrees"] = rotation_angle(code.rotation, known).rad2deg()
    marks = batch.landmarks if batch.landmarks is not None else batch.seen
    if marks is not None:
        view = view_of(batch, objective.layout.side)
        drawn = renderer(code, view.camera, False).landmarks[..., :2]
        seen = view.observed.landmarks
        eyes = torch.linalg.vector_norm(seen[:, _EYES[0]] - seen[:, _EYES[1]], dim=1)  # in depth too
        off = torch.linalg.vector_norm(drawn - seen[..., :2], dim=2).mean(dim=1)
        errors["landmarks_percent"] = 100 * off / eyes
    if batch.identity is not None and batch.model == objective.layout.model:
        known = batch.identity if batch.identity_known is None else batch.identity[batch.identity_known]
        said = code.identity if batch.identity_known is None else code.identity[batch.identity_known]
        face = objective.face
        rest = torch.zeros(len(known), 52, device=known.device)
        away = renderer.vertices(said, rest)[:, face] - renderer.vertices(known, rest)[:, face]
        errors["neutral_mm"] = 1000 * torch.linalg.vector_norm(away, dim=2).mean(dim=1)
    return errors


@cache
def template_turn(model: str, other: str) -> Float[Tensor, "3 3"] | None:
    """How one face model's template is turned against another's; none where the other is not installed.

    Head spaces are each model's own, so that a head of the other posed by ``R`` is one of the first posed
    by ``R @ turn``: without it, an angle between poses of two models counts the turn between them.
    """
    if model == other:
        return torch.eye(3)
    try:
        _, turn, _ = align_templates(load_model(model), load_model(other))
    except (BadInput, ModelMissing):  # a data set may be of a model that is not here, or of none
        return None
    return torch.from_numpy(turn).float()


def rotation_angle(a: Float[Tensor, "batch 3 3"], b: Float[Tensor, "batch 3 3"]) -> Float[Tensor, " batch"]:
    """The angle between rotations, radians; also where it is very small."""
    chord = torch.linalg.matrix_norm(a - b) / 8**0.5  # sine of half the angle
    return 2 * torch.arcsin(chord.clamp(max=1.0))
