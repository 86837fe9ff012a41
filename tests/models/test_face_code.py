"""Poses from what a crop shows, and what networks say before training."""

from __future__ import annotations

import math
from pathlib import Path

import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from core.errors import BadInput
from core.scene.camera import head_rotation
from models.face_code import FaceCodeNet, default_camera, head_pose, sight_rotation

FRONTAL = torch.tensor([[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]], dtype=torch.float64)


def lens(fx: float, cx: float = 112.0, cy: float = 112.0) -> torch.Tensor:
    return torch.tensor([[fx, fx, cx, cy]], dtype=torch.float64)


def place(scale: float = 0.0, x: float = 0.0, y: float = 0.0) -> torch.Tensor:
    return torch.tensor([[scale, x, y]], dtype=torch.float64)


def test_a_face_in_the_middle_looks_into_the_camera_at_the_distance_its_size_tells() -> None:
    rotation, translation = head_pose(FRONTAL, place(), lens(1000), 224)
    torch.testing.assert_close(rotation[0], torch.diag(torch.tensor([1.0, -1.0, -1.0])).double())
    # 0.24 m are 224 pixels wide
    torch.testing.assert_close(translation[0], torch.tensor([0, 0, 1000 * 0.24 / 224]).double())
    _, nearer = head_pose(FRONTAL, place(math.log(2)), lens(1000), 224)
    torch.testing.assert_close(nearer, translation / 2)


def test_columns_are_those_of_the_head_turned_about_the_line_of_sight() -> None:
    wanted = head_rotation(0.4, -0.2, 0.1).double()
    columns = torch.diag(torch.tensor([1.0, -1.0, -1.0])).double() @ wanted
    given_columns = torch.cat([3 * columns[:, 0], columns[:, 1] + 0.5 * columns[:, 0]])[
        None
    ]  # not orthonormal
    rotation, _ = head_pose(given_columns, place(), lens(1000), 224)
    torch.testing.assert_close(rotation[0], wanted, atol=1e-6, rtol=0)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(300, 4000), st.floats(-900, 900), st.floats(-900, 900),
    st.floats(-0.5, 0.5), st.floats(-0.8, 0.8), st.floats(-0.8, 0.8),
)  # fmt: skip
def test_the_heads_origin_is_where_the_network_sees_it_in_any_crop(
    fx: float, cx: float, cy: float, scale: float, x: float, y: float
) -> None:
    camera = lens(fx, cx, cy)
    rotation, translation = head_pose(FRONTAL, place(scale, x, y), camera, 224)
    pixel = camera[0, :2] * translation[0, :2] / translation[0, 2] + camera[0, 2:]
    torch.testing.assert_close(
        pixel, 112 * (1 + torch.tensor([x, y], dtype=torch.float64)), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(rotation[0] @ rotation[0].T, torch.eye(3).double())
    assert float(torch.linalg.det(rotation[0])) == pytest.approx(1)
    # a head that "looks into the camera" turns its +Z straight back along the line of sight
    sight = torch.nn.functional.normalize(translation[0], dim=0)
    torch.testing.assert_close(rotation[0, :, 2], -sight)


def test_the_turn_to_a_line_of_sight_is_the_smallest() -> None:
    sight = torch.tensor([[0.3, -0.2, 1.0], [0.0, 0.0, 2.0]], dtype=torch.float64)
    turn = sight_rotation(sight)
    axis = torch.tensor([0.0, 0.0, 1.0]).double()
    torch.testing.assert_close(turn @ axis, torch.nn.functional.normalize(sight, dim=1))
    angle = torch.arccos((turn.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2)
    torch.testing.assert_close(angle, torch.atan2(sight[:, :2].norm(dim=1), sight[:, 2]))


def test_gradients_of_poses_match_finite_differences() -> None:
    make = torch.Generator().manual_seed(0)
    columns = (FRONTAL + 0.3 * torch.randn(1, 6, dtype=torch.float64, generator=make)).requires_grad_()
    where = (0.3 * torch.randn(1, 3, dtype=torch.float64, generator=make)).requires_grad_()
    assert gradcheck(lambda c, p: head_pose(c, p, lens(900, 80, 150), 224), (columns, where))


def test_before_training_it_says_the_mean_face_at_rest_in_even_light() -> None:
    torch.manual_seed(0)
    net = FaceCodeNet(10, 5, "small").eval()
    with torch.no_grad():
        net.head.weight.zero_()
        code = net(torch.rand(2, 3, 64, 64))
    assert code.identity.shape == (2, 10) and code.albedo.shape == (2, 5) and code.sh.shape == (2, 9, 3)
    assert bool((code.identity == 0).all()) and bool((code.expression < 0.2).all())
    assert bool((code.sh[:, 1:] == 0).all()) and bool((code.sh[:, 0] > 0).all())
    torch.testing.assert_close(code.rotation[0], torch.diag(torch.tensor([1.0, -1.0, -1.0])))


def test_expressions_stay_between_0_and_1_and_every_output_is_learnt() -> None:
    torch.manual_seed(0)
    net = FaceCodeNet(10, 5, "small").train()
    with torch.no_grad():
        net.head.weight.mul_(300)
    code = net(torch.rand(4, 3, 64, 64))
    assert bool((code.expression >= 0).all()) and bool((code.expression <= 1).all())
    for name in ("identity", "expression", "albedo", "rotation", "translation", "sh"):
        net.zero_grad()
        getattr(code, name)[..., 0].sum().backward(retain_graph=True)
        assert net.head.weight.grad is not None and float(net.head.weight.grad.abs().max()) > 0, name


def test_without_a_camera_cpems_is_taken() -> None:
    torch.manual_seed(0)
    net = FaceCodeNet(4, 3, "small").eval()
    images = torch.rand(2, 3, 112, 112)
    known = torch.tensor([[507.5, 507.5, 56.0, 56.0]]).expand(2, 4)
    torch.testing.assert_close(default_camera(2, 112, images), known)
    torch.testing.assert_close(net(images).translation, net(images, known).translation)


def test_poses_keep_their_digits_in_mixed_precision() -> None:
    torch.manual_seed(0)
    net = FaceCodeNet(4, 3, "small").eval()
    with torch.autocast("cpu", torch.bfloat16):
        code = net(torch.rand(2, 3, 64, 64))
    assert {value.dtype for value in vars(code).values() if value is not None} == {torch.float32}
    torch.testing.assert_close(
        code.rotation @ code.rotation.mT, torch.eye(3).expand(2, 3, 3), atol=1e-6, rtol=0
    )


def test_a_network_that_says_how_sure_it_is_says_so_within_bounds() -> None:
    torch.manual_seed(0)
    net = FaceCodeNet(4, 3, "small", spread=True).eval()
    images = torch.rand(2, 3, 64, 64)
    spread = net(images).std
    assert spread is not None and spread.identity.shape == (2, 4)
    assert spread.expression.shape == (2, 52) and spread.rotation.shape == (2, 3)
    assert spread.identity.mean().item() == pytest.approx(0.95, abs=0.02)  # before it has learnt to look
    assert net.std_head is not None
    for sign in (1.0, -1.0):
        with torch.no_grad():
            net.std_head.linear.bias.fill_(sign * 100)
        for values in vars(net(images).std).values():
            assert bool((values > 1e-3).all()) and bool((values < 1.3).all())
    with torch.autocast("cpu", torch.bfloat16):
        assert net(images).std.rotation.dtype == torch.float32
    assert FaceCodeNet(4, 3, "small").eval()(images).std is None


def test_how_sure_it_is_changes_nothing_else() -> None:
    torch.manual_seed(0)
    net = FaceCodeNet(4, 3, "small", spread=True).train()
    plain = FaceCodeNet(4, 3, "small").train()
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if not k.startswith("std_head.")})
    images = torch.rand(3, 3, 64, 64)
    code = net(images)
    torch.testing.assert_close(code.identity, plain(images).identity)
    spread = code.std
    assert spread is not None
    spread.expression.sum().backward()
    assert net.std_head is not None and net.std_head.linear.weight.grad is not None
    assert float(net.std_head.linear.weight.grad.abs().max()) > 0 and net.head.weight.grad is None


def test_there_is_no_other_backbone() -> None:
    with pytest.raises(BadInput):
        FaceCodeNet(4, 3, "vgg")


class _Arrays(torch.nn.Module):
    """A network whose outputs are plain, for export."""

    def __init__(self, net: FaceCodeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor, camera: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(value for value in vars(self.net(images, camera)).values() if value is not None)


@pytest.mark.filterwarnings("ignore")  # the exporter's, about itself and about type checks
def test_an_exported_network_reads_batches_of_any_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = _Arrays(FaceCodeNet(4, 3, "small")).eval()
    images, camera = torch.rand(3, 3, 64, 64), torch.tensor([[200.0, 210.0, 30.0, 33.0]]).repeat(3, 1)
    inputs = ["images", "camera"]
    axes = {name: {0: "batch"} for name in (*inputs, *(f"out{k}" for k in range(6)))}
    torch.onnx.export(
        net, (images[:1], camera[:1]), tmp_path / "net.onnx", input_names=inputs,
        output_names=[f"out{k}" for k in range(6)], dynamic_axes=axes, dynamo=False,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    found = session.run(None, {"images": images.numpy(), "camera": camera.numpy()})
    for array, expected in zip(found, net(images, camera), strict=True):
        torch.testing.assert_close(torch.from_numpy(array), expected.detach(), atol=1e-4, rtol=1e-4)
