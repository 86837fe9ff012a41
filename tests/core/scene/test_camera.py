"""Cameras, poses and rotations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck

from core.scene.camera import (
    Camera,
    focal_length_pixels,
    head_rotation,
    pixel_rays,
    portrait_camera,
    project,
    project_camera,
    rotation_matrix,
    transform,
)
from tests.core.scene.tessellations import unproject

CAMERA = Camera(520.0, 480.0, 130.0, 90.0, 256, 192)
FRONTAL = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
vectors = st.tuples(*[st.floats(-1.7, 1.7)] * 3).map(lambda xyz: torch.tensor(xyz, dtype=torch.float64))


def test_a_frontal_head_is_upright_and_not_mirrored() -> None:
    chin_left_nose = torch.tensor([[0.0, -0.1, 0.0], [0.1, 0.0, 0.0], [0.0, 0.0, 0.1]])
    camera = Camera.centred(500.0, 200, 200)
    chin, left, nose = project(chin_left_nose, camera, FRONTAL, torch.tensor([0.0, 0.0, 1.0]))
    assert torch.allclose(chin, torch.tensor([100.0, 150.0]))  # down in the image
    assert torch.allclose(left, torch.tensor([150.0, 100.0]))  # the person's left is on the right
    assert torch.allclose(nose, torch.tensor([100.0, 100.0]))
    assert transform(chin_left_nose, FRONTAL, torch.tensor([0.0, 0.0, 1.0]))[2, 2] == pytest.approx(0.9)


@given(st.floats(-50, 300), st.floats(-50, 300), st.floats(0.05, 20))
def test_unproject_undoes_project(x: float, y: float, depth: float) -> None:
    pixel = torch.tensor([x, y], dtype=torch.float64)
    point = unproject(pixel, torch.tensor(depth, dtype=torch.float64), CAMERA)
    assert point[2] == depth
    assert torch.allclose(project_camera(point, CAMERA), pixel, atol=1e-9)


def test_pixel_rays_go_through_pixel_centres() -> None:
    rays = pixel_rays(CAMERA)
    assert rays.shape == (192, 256, 3)
    assert torch.allclose(project_camera(rays[10, 20], CAMERA), torch.tensor([20.5, 10.5]), atol=1e-4)


def test_scaled_and_cropped_cameras_see_the_same_point() -> None:
    point = torch.tensor([0.02, -0.03, 0.7])
    pixel = project_camera(point, CAMERA)
    assert torch.allclose(project_camera(point, CAMERA.scaled(2)), 2 * pixel)
    cropped = CAMERA.cropped(30, 12.5, 64, 64)
    assert torch.allclose(project_camera(point, cropped), pixel - torch.tensor([30, 12.5]))
    assert (cropped.width, cropped.height) == (64, 64)


def test_gradients_of_projection_match_finite_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    points = 0.1 * torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    vector = torch.tensor([[0.0, 0.0, 0.0], [2.5, 0.3, -0.2]], dtype=torch.float64)
    translation = torch.tensor([[0.01, 0.02, 0.8], [0.0, -0.1, 1.5]], dtype=torch.float64)
    focal = torch.tensor(500.0, dtype=torch.float64)

    def pixels(*variables: torch.Tensor) -> torch.Tensor:
        points, vector, translation, focal = variables
        return project(points, Camera.centred(focal, 256, 192), rotation_matrix(vector), translation)

    assert gradcheck(pixels, [v.requires_grad_() for v in (points, vector, translation, focal)], atol=1e-4)


@given(vectors)
def test_rotation_vectors_give_the_matrices_that_scipy_gives(vector: torch.Tensor) -> None:
    expected = Rotation.from_rotvec(vector.numpy()).as_matrix()
    np.testing.assert_allclose(rotation_matrix(vector), expected, atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-5, 1e-2])
def test_rotation_gradients_hold_near_zero(angle: float) -> None:
    vector = torch.tensor([angle, 0.0, 0.0], dtype=torch.float64, requires_grad=True)
    assert gradcheck(rotation_matrix, [vector], atol=1e-5)
    # at 0 a turn w moves the matrix by the cross product with w: [[0, -z, y], [z, 0, -x], [-y, x, 0]]
    jacobian = torch.autograd.functional.jacobian(rotation_matrix, vector)
    about_x, about_y, about_z = jacobian.unbind(-1)
    turns = torch.stack([about_x[2, 1], about_y[0, 2], about_z[1, 0]])
    assert torch.allclose(turns, torch.ones(3, dtype=torch.float64), atol=1e-3)
    assert torch.allclose(torch.stack([about_x[1, 2], about_y[2, 0], about_z[0, 1]]), -turns, atol=1e-3)


def test_head_angles_turn_the_way_they_say() -> None:
    nose, crown = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 0.0])
    assert torch.allclose(head_rotation(0.0), FRONTAL)
    assert (head_rotation(0.4) @ nose)[0] > 0.3  # to the person's left: right in the image
    assert (head_rotation(0.0, 0.4) @ nose)[1] > 0.3  # down
    assert (head_rotation(0.0, 0.0, 0.4) @ crown)[0] > 0.3  # clockwise: the crown goes right


@given(st.floats(-1.5, 1.5), st.floats(-0.7, 0.7), st.floats(0.3, 4))
def test_portrait_camera_looks_at_its_target(yaw: float, pitch: float, distance: float) -> None:
    target = (0.01, -0.03, 0.02)
    camera, rotation, translation = portrait_camera((300, 200), 0.4, yaw, pitch, distance, target)
    in_camera = transform(torch.tensor([target]), rotation, translation)
    assert torch.allclose(in_camera, torch.tensor([[0.0, 0.0, distance]]), atol=1e-5)
    top = unproject(torch.tensor([150.0, 0.0]), torch.tensor(1.0), camera)
    assert math.atan2(-float(top[1]), 1.0) == pytest.approx(0.2, abs=1e-6)  # half the vertical view


def test_focal_length_follows_the_35mm_equivalent() -> None:
    # A full-frame sensor of 36 mm on 3,600 pixels: 100 pixels a millimetre.
    assert focal_length_pixels(3600, 2400, 85.0) == pytest.approx(8500)
    assert focal_length_pixels(3600, 2400) == pytest.approx(5000)
    assert focal_length_pixels(2400, 3600, 28.0) == pytest.approx(focal_length_pixels(3600, 2400, 28.0))
    assert np.isclose(focal_length_pixels(400, 300, 26.0), 26 / 43.2666 * 500, rtol=1e-4)
