"""What is learnt from known faces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import roma
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from core.face_model.model import FaceModel
from core.fitting.face_surface import face_weight
from core.scene.camera import head_rotation, rotation_matrix
from models.crops import project_points
from models.face_code import FaceCode, FaceCodeStd
from models.losses.supervised import (
    ShapeMetric,
    SupervisedLoss,
    SupervisedWeights,
    Truth,
    expression_terms,
    rotation_error,
    std_loss,
    unit_quaternion,
)

BATCH, MODES, SKINS = 2, 4, 3
CAMERA = torch.tensor([[900.0, 900, 110, 115], [1200.0, 1200, 100, 112]])
FLOOR = 0.01  # mm, of the smoothed root


def _code() -> FaceCode:
    make = torch.Generator().manual_seed(0)
    rotation = torch.stack([head_rotation(0.3, -0.1, 0.05), head_rotation(-0.5, 0.2)]).float()
    return FaceCode(
        torch.randn(BATCH, MODES, generator=make), torch.rand(BATCH, 52, generator=make),
        torch.randn(BATCH, SKINS, generator=make), rotation,
        torch.tensor([[0.01, -0.02, 0.95], [-0.02, 0.0, 1.3]]), torch.randn(BATCH, 9, 3, generator=make),
    )  # fmt: skip


def _truth(loss: SupervisedLoss, code: FaceCode) -> Truth:
    """That the code is right."""
    camera = CAMERA.to(code.identity)
    marks = torch.nn.functional.pad(loss.landmarks(code, camera), (0, 1))
    return Truth(
        code.identity, code.expression, code.rotation, code.translation, marks, camera, None, code.sh,
        code.albedo,
    )  # fmt: skip


@pytest.fixture(scope="module")
def loss(anny: FaceModel) -> SupervisedLoss:
    """With a weight of its own for each term."""
    weights = SupervisedWeights(
        shape=2.0, identity=3.0, expression=5.0, activation=7.0, rotation=0.5, distance=11.0,
        landmarks=0.1, sh=13.0, albedo=17.0,
    )  # fmt: skip
    return SupervisedLoss(anny, MODES, weights)


def _change(loss: SupervisedLoss, **changes: Any) -> dict[str, float]:
    """By how much each term grows when the code is changed from the truth."""
    code = _code()
    truth = _truth(loss, code)
    before, after = loss(code, truth), loss(replace(code, **changes), truth)
    return {name: float(after[name] - before[name]) for name in after}


def test_each_error_costs_what_its_weight_says(loss: SupervisedLoss) -> None:
    code = _code()
    moved = _change(loss, identity=code.identity + torch.tensor([0.0, 2, 0, 0]))
    assert moved["identity"] == pytest.approx(3 * 4 / MODES, rel=1e-5)
    assert moved["shape"] > 1 and moved["landmarks"] > 0 and moved["expression"] == 0
    first = code.expression.clone()
    first[0, 7] += 0.2
    moved = _change(loss, expression=first)
    assert moved["expression"] == pytest.approx(5 * 0.2 / (52 * BATCH), rel=1e-4)
    assert moved["activation"] == pytest.approx(7 * 0.2 * float(first[0, 7]) / (52 * BATCH), rel=1e-4)
    assert _change(loss, translation=2 * code.translation)["distance"] == pytest.approx(
        11 * np.log(2), rel=1e-5
    )
    assert _change(loss, sh=code.sh - 0.5)["sh"] == pytest.approx(13 * 0.5, rel=1e-5)
    assert _change(loss, albedo=code.albedo + 2)["albedo"] == pytest.approx(17 * 4, rel=1e-5)
    turn = rotation_matrix(torch.tensor([0.0, 0.0, 0.2]))
    moved = _change(loss, rotation=turn @ code.rotation)
    assert moved["rotation"] == pytest.approx(0.5 * np.degrees(np.sin(0.2)), rel=1e-4)


def test_landmarks_fall_where_the_model_puts_them_and_far_ones_stop_counting(
    loss: SupervisedLoss, anny: FaceModel
) -> None:
    code = _code()
    found = loss.landmarks(code, CAMERA)
    for index in range(BATCH):
        head = anny.neutral(np.r_[code.identity[index].numpy(), np.zeros(116)].astype(np.float32))
        head = head + np.tensordot(code.expression[index].numpy(), anny.expression_deltas, axes=1)
        points = project_points(
            anny.landmarks(head), CAMERA[index].numpy(), code.rotation[index].numpy(),
            code.translation[index].numpy(),
        )  # fmt: skip
        np.testing.assert_allclose(found[index].numpy(), points[:, :2], atol=0.01)
    aside = loss.landmarks(replace(code, translation=code.translation + torch.tensor([0.001, 0, 0])), CAMERA)
    assert float((aside - found).norm(dim=2).mean()) == pytest.approx(0.95, abs=0.06)  # f / z millimetres
    far = _change(loss, translation=code.translation + torch.tensor([1.0, 0, 0]))
    assert far["landmarks"] == pytest.approx(0.1 * 30)


def test_what_is_not_known_teaches_nothing(loss: SupervisedLoss, anny: FaceModel) -> None:
    code = _code()
    truth = _truth(loss, code)
    assert loss(code, Truth()) == {}
    some = loss(code, replace(truth, camera=None, sh=None, expression=None))
    assert set(some) == {"shape", "identity", "rotation", "distance", "albedo"}
    off = replace(code, identity=code.identity + torch.tensor([[100.0], [1.0]]))
    unknown = replace(truth, identity_known=torch.tensor([False, True]))
    assert float(loss(off, unknown)["identity"]) == pytest.approx(3.0, rel=1e-5)
    none = replace(truth, identity_known=torch.zeros(BATCH, dtype=torch.bool))
    assert float(loss(off, none)["identity"]) == float(loss(off, none)["shape"]) == 0
    assert SupervisedLoss(anny, MODES)(code, truth) == {}  # no term weighs anything unless it is told to


def test_albedo_that_is_not_a_number_teaches_nothing(loss: SupervisedLoss) -> None:
    code = _code()
    truth = _truth(loss, code)
    assert truth.albedo is not None
    albedo = truth.albedo.clone()
    albedo[0] = torch.nan
    said = (code.albedo + 2).requires_grad_()
    term = loss(replace(code, albedo=said), replace(truth, albedo=albedo))["albedo"]
    assert term.item() == pytest.approx(17 * 4, rel=1e-5)
    term.backward()
    assert said.grad is not None
    assert bool((said.grad[0] == 0).all()) and bool((said.grad[1] > 0).all())


def test_only_as_many_coefficients_are_learnt_as_the_network_says(loss: SupervisedLoss) -> None:
    code = _code()
    truth = _truth(loss, code)
    assert truth.identity is not None and truth.albedo is not None
    more = replace(
        truth, identity=torch.nn.functional.pad(truth.identity, (0, 7), value=3.0),
        albedo=torch.nn.functional.pad(truth.albedo, (0, 2), value=3.0),
    )  # fmt: skip
    for name in ("identity", "albedo", "shape"):
        assert float(loss(code, more)[name]) == pytest.approx(float(loss(code, truth)[name]))


def test_shapes_are_compared_after_the_best_similarity(anny: FaceModel) -> None:
    weight = face_weight(anny).astype(np.float64)
    points = anny.template.astype(np.float64)
    columns = [np.broadcast_to(axis, points.shape) for axis in np.eye(3)]
    columns += [np.cross(axis, points) for axis in np.eye(3)] + [points]
    root = np.sqrt(weight / weight.sum())[:, None]
    similar = np.stack([(column * root).ravel() for column in columns], axis=1)
    metric = ShapeMetric(anny, 12)
    for mode, size in ((0, 1.0), (5, -2.0), (11, 0.3)):
        move = (1000 * size * anny.identity_basis[mode].astype(np.float64) * root).ravel()
        rest = move - similar @ np.linalg.lstsq(similar, move, rcond=None)[0]
        difference = torch.zeros(1, 12)
        difference[0, mode] = size
        assert float(metric(difference)) == pytest.approx(np.hypot(np.linalg.norm(rest), FLOOR), rel=1e-3)


def test_moves_turns_and_sizes_are_no_shapes(anny: FaceModel) -> None:
    points = anny.template
    moves = [np.broadcast_to(0.01 * axis, points.shape) for axis in np.eye(3)]
    moves += [0.1 * np.cross(points, axis) for axis in np.eye(3)] + [0.1 * points]
    basis = np.stack([anny.identity_basis[2], *moves]).astype(np.float32)
    metric = ShapeMetric(replace(anny, identity_basis=basis), 8)
    make = torch.Generator().manual_seed(1)
    similar = torch.nn.functional.pad(torch.randn(20, 7, generator=make), (1, 0))
    assert float(metric(similar).max()) < 2 * FLOOR
    alone = torch.zeros(20, 8)
    alone[:, 0] = 1.0
    torch.testing.assert_close(metric(alone + similar), metric(alone), rtol=1e-3, atol=FLOOR)


def test_turns_are_those_of_roma_while_they_are_small() -> None:
    truth = roma.random_rotmat(50)
    axis = torch.nn.functional.normalize(torch.randn(50, 3, generator=torch.Generator().manual_seed(2)))
    for angle in (1e-3, 0.1, 1.0, 1.5):
        turned = roma.rotvec_to_rotmat(angle * axis) @ truth
        expected = roma.rotmat_to_rotvec(turned @ truth.transpose(1, 2))
        found = rotation_error(turned, truth)
        torch.testing.assert_close(found, np.sin(angle) / angle * expected, atol=1e-4, rtol=1e-3)
    for angle in (2.0, 3.0):
        turned = roma.rotvec_to_rotmat(angle * axis) @ truth
        assert float(rotation_error(turned, truth).norm(dim=1).min()) > 1 - 1e-3


_ANGLES = st.one_of(st.floats(0.01, np.pi), st.floats(np.pi - 1e-3, np.pi), st.just(np.pi))


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), angle=_ANGLES)
def test_the_gradient_turns_any_head_back(seed: int, angle: float) -> None:
    """A small turn against the gradient brings any rotation nearer to the truth, half turns too."""
    make = torch.Generator().manual_seed(seed)
    axis = torch.nn.functional.normalize(torch.randn(1, 3, generator=make, dtype=torch.float64))
    truth = roma.unitquat_to_rotmat(
        torch.nn.functional.normalize(torch.randn(1, 4, generator=make, dtype=torch.float64))
    )
    start = roma.rotvec_to_rotmat(angle * axis) @ truth
    turn = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    size = rotation_error(roma.rotvec_to_rotmat(turn) @ start, truth).norm()
    (gradient,) = torch.autograd.grad(size, turn)
    expected = np.cos(angle) if angle < np.pi / 2 else 1.0  # slope of sin θ, and of 1 + θ - π / 2
    assert float(gradient.norm()) == pytest.approx(expected, abs=1e-4)
    if expected > 1e-3:
        step = -0.005 * gradient / gradient.norm()
        back = roma.rotvec_to_rotmat(step) @ start
        nearer = roma.rotmat_to_rotvec(back @ truth.transpose(1, 2)).norm()
        assert float(nearer) == pytest.approx(angle - 0.005, abs=1e-5)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), angle=_ANGLES)
def test_a_larger_turn_is_a_larger_error(seed: int, angle: float) -> None:
    make = torch.Generator().manual_seed(seed)
    axis = torch.nn.functional.normalize(torch.randn(1, 3, generator=make, dtype=torch.float64))
    angles = torch.tensor([[0.9 * angle], [angle]], dtype=torch.float64)
    truth = torch.eye(3, dtype=torch.float64).expand(2, 3, 3)
    smaller, larger = rotation_error(roma.rotvec_to_rotmat(angles * axis), truth).norm(dim=1).tolist()
    assert smaller < larger
    assert larger == pytest.approx(np.sin(angle) if angle < np.pi / 2 else 1 + angle - np.pi / 2, abs=1e-6)


def test_quaternions_are_romas() -> None:
    rotations = roma.random_rotmat(200).double()
    expected = roma.rotmat_to_unitquat(rotations)[:, [3, 0, 1, 2]]
    expected = expected * expected[:, :1].sign()
    torch.testing.assert_close(unit_quaternion(rotations), expected, atol=1e-6, rtol=0)


def test_a_head_turned_away_is_turned_back() -> None:
    truth = head_rotation(0.0, 0.0).float()[None]
    vector = torch.tensor([[0.3, 2.6, 0.2]], requires_grad=True)
    errors = []
    for _ in range(300):
        error = rotation_error(rotation_matrix(vector) @ truth, truth).norm()
        (gradient,) = torch.autograd.grad(error, vector)
        errors.append(float(error.detach()))
        vector = (vector - 0.05 * gradient).detach().requires_grad_()
    assert errors[0] > 1 and errors[-1] < 0.1


def _joined(*parts: Tensor) -> FaceCode:
    identity, expression, albedo, rotation, translation, sh = parts
    return FaceCode(identity, expression, albedo, rotation, translation, sh)


def test_gradients_match_finite_differences(loss: SupervisedLoss, anny: FaceModel) -> None:
    double = SupervisedLoss(anny, MODES, loss.weights).double()
    make = torch.Generator().manual_seed(3)
    parts = [value.double() for value in vars(_code()).values() if value is not None]
    truth = _truth(double, _joined(*parts))
    values = [part + 0.02 * torch.randn(part.shape, dtype=torch.float64, generator=make) for part in parts]

    def total(*parts: Tensor) -> Tensor:
        return torch.stack(list(double(_joined(*parts), truth).values())).sum()

    assert gradcheck(total, [value.requires_grad_() for value in values])


def test_the_likelihood_teaches_the_spread_alone() -> None:
    make = torch.Generator().manual_seed(4)
    error = torch.randn(400, 3, dtype=torch.float64, generator=make) * torch.tensor([0.05, 0.3, 1.0])
    error.requires_grad_()
    logarithm = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([logarithm], 0.05)
    for _ in range(300):
        optimiser.zero_grad()
        std_loss(error, logarithm.exp().expand(400, 3)).mean().backward()
        optimiser.step()
    assert error.grad is None
    root = error.detach().square().mean(dim=0).sqrt()
    torch.testing.assert_close(logarithm.detach().exp(), root, rtol=0.01, atol=0)
    by_hand = 0.5 * (0.2 / 0.1) ** 2 + np.log(0.1)
    assert float(std_loss(torch.full((1, 2), 0.2), torch.full((1, 2), 0.1))) == pytest.approx(by_hand)
    some = (0.1 + torch.rand(2, 3, dtype=torch.float64, generator=make)).requires_grad_()
    assert gradcheck(lambda s: std_loss(error[:2].detach(), s).sum(), some)
    assert torch.isfinite(std_loss(torch.ones(1, 1), torch.zeros(1, 1)))


def test_spreads_are_learnt_of_identity_expression_and_rotation(anny: FaceModel) -> None:
    loss = SupervisedLoss(anny, MODES, SupervisedWeights(spread=2.0))
    code = _code()
    truth = _truth(loss, code)
    assert loss(code, truth) == {}  # of networks that do not say
    shape = (BATCH, MODES), (BATCH, 52), (BATCH, 3)
    spread = FaceCodeStd(*(torch.full(size, 0.2, requires_grad=True) for size in shape))
    said = replace(code, expression=code.expression + 0.1, std=spread)
    said.expression.requires_grad_()
    terms = loss(said, truth)
    assert set(terms) == {"spread_identity", "spread_expression", "spread_rotation"}
    assert terms["spread_expression"].item() == pytest.approx(2 * (0.5 * 0.25 + np.log(0.2)), rel=1e-4)
    assert terms["spread_identity"].item() == pytest.approx(2 * np.log(0.2), rel=1e-4)
    torch.stack(list(terms.values())).sum().backward()
    assert said.expression.grad is None
    assert all(part.grad is not None for part in vars(spread).values())


def test_expressions_alone() -> None:
    weights = SupervisedWeights(expression=2.0, spread=1.0, identity=9.0)
    said, known = torch.full((1, 52), 0.3), torch.zeros(1, 52)
    assert expression_terms(said, None, known, weights) == {"expression": pytest.approx(0.6)}
    assert set(expression_terms(said, torch.ones(1, 52), known, weights)) == {
        "expression", "spread_expression",
    }  # fmt: skip
