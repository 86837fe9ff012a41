"""Normals, textures, colour spaces and visibility."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from core.scene.camera import portrait_camera, transform
from core.scene.rasterise import rasterise
from core.scene.shading import (
    LINEAR_OF_BYTE,
    linear_to_srgb,
    sample_texture,
    srgb_to_linear,
    vertex_normals,
    visible_vertices,
)


def icosphere(radius: float, subdivisions: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    ball = trimesh.creation.icosphere(subdivisions, radius)
    return torch.from_numpy(np.array(ball.vertices)), torch.from_numpy(np.array(ball.faces))


def test_normals_of_a_ball_point_outwards() -> None:
    vertices, triangles = icosphere(0.1)
    normals = vertex_normals(vertices, triangles)
    assert torch.allclose(normals, vertices / 0.1, atol=0.01)
    assert torch.allclose(normals.norm(dim=-1), torch.ones(len(normals), dtype=torch.float64))


def test_normal_gradients_match_finite_differences() -> None:
    vertices, triangles = icosphere(1.0, 0)
    generator = torch.Generator().manual_seed(0)
    vertices = vertices + 0.1 * torch.randn(vertices.shape, generator=generator, dtype=torch.float64)
    assert gradcheck(lambda v: vertex_normals(v, triangles), [vertices.requires_grad_()])


def test_a_loose_vertex_has_no_normal_and_harmless_gradients() -> None:
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]], requires_grad=True)
    normals = vertex_normals(vertices, torch.tensor([[0, 1, 2]]))
    assert normals[3].tolist() == [0, 0, 0]
    normals.sum().backward()
    assert vertices.grad is not None and bool(vertices.grad.isfinite().all())


def test_textures_are_sampled_at_texel_centres_with_v_up() -> None:
    image = torch.arange(24, dtype=torch.float64).reshape(3, 4, 2)
    uv = torch.tensor([[0.5 / 4, 1 - 0.5 / 3], [3.5 / 4, 0.5 / 3], [0.5, 0.5], [-1.0, 2.0]]).double()
    sampled = sample_texture(image, uv)
    assert torch.allclose(sampled[0], image[0, 0], atol=1e-5)
    assert torch.allclose(sampled[1], image[2, 3])
    assert torch.allclose(sampled[2], (image[1, 1] + image[1, 2]) / 2)
    assert torch.allclose(sampled[3], image[0, 0], atol=1e-5)
    assert sample_texture(image, uv.reshape(2, 2, 2)).shape == (2, 2, 2)


def test_texture_gradients_match_finite_differences() -> None:
    generator = torch.Generator().manual_seed(5)
    image = torch.rand(5, 4, 3, generator=generator, dtype=torch.float64)
    uv = 0.2 + 0.6 * torch.rand(6, 2, generator=generator, dtype=torch.float64)
    assert gradcheck(sample_texture, [image.requires_grad_(), uv.requires_grad_()])


@given(st.floats(0, 1))
def test_srgb_round_trips(value: float) -> None:
    colour = torch.tensor(value, dtype=torch.float64)
    assert float(linear_to_srgb(srgb_to_linear(colour))) == pytest.approx(value, abs=1e-6)


def test_srgb_has_the_standards_values_and_finite_gradients() -> None:
    colour = torch.tensor([0.0, 0.04, 0.5, 1.0], dtype=torch.float64, requires_grad=True)
    linear = srgb_to_linear(colour)
    assert linear.tolist() == pytest.approx([0, 0.04 / 12.92, 0.2140411, 1], abs=1e-6)
    (linear.sum() + linear_to_srgb(colour).sum()).backward()
    assert colour.grad is not None and bool(colour.grad.isfinite().all())


def test_the_table_of_bytes_is_the_curve() -> None:
    assert LINEAR_OF_BYTE.shape == (256,) and LINEAR_OF_BYTE[[0, 255]].tolist() == [0.0, 1.0]
    assert LINEAR_OF_BYTE[10] == pytest.approx(10 / 255 / 12.92)  # the last on the straight part
    assert LINEAR_OF_BYTE[11] == pytest.approx(((11 / 255 + 0.055) / 1.055) ** 2.4)


def ball_depth(directions: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Distance along unit directions from the origin to a ball; infinite for a miss."""
    along = directions @ centre
    inside = radius**2 - (centre @ centre - along**2)
    return np.where(inside > 0, along - np.sqrt(np.maximum(inside, 0)), np.inf)


def test_visible_vertices_of_two_balls_are_those_that_rays_reach() -> None:
    """A small ball in front of a larger one."""
    small, triangles = icosphere(0.03)
    large, _ = icosphere(0.1)
    at = torch.tensor([0.02, 0.0, 0.16])
    vertices = torch.cat([small + at, large]).float()
    triangles = torch.cat([triangles, triangles + len(small)])
    camera, rotation, translation = portrait_camera(256, 0.35, 0.2, 0.1, 0.9)
    in_camera = transform(vertices, rotation, translation)
    fragments = rasterise(in_camera, triangles, camera)
    normals = vertex_normals(in_camera, triangles)
    visible = visible_vertices(fragments, in_camera, normals, camera).numpy()

    points = in_camera.double().numpy()
    distance = np.linalg.norm(points, axis=1)
    rays = points / distance[:, None]
    centres = transform(torch.stack([at, torch.zeros(3)]), rotation, translation).double().numpy()
    first = np.minimum(ball_depth(rays, centres[0], 0.03), ball_depth(rays, centres[1], 0.1))
    reached = distance < first + 2e-4
    assert 0.2 < visible.mean() < 0.5
    # Near silhouettes a pixel is too coarse to be sure.
    assert np.mean(visible == reached) > 0.98
    behind_small = ~reached & ((normals.numpy() * rays).sum(1) < -0.3)
    assert behind_small.sum() > 50
    assert visible[behind_small].mean() < 0.1


def test_vertices_outside_the_image_or_behind_are_not_visible() -> None:
    vertices, triangles = icosphere(0.1, 2)
    camera, rotation, translation = portrait_camera(64, 0.3, distance=0.5, target=(5.0, 0.0, 0.0))
    for shift in (torch.zeros(3), torch.tensor([-5.0, 0.0, -2.0])):
        in_camera = transform(vertices.float(), rotation, translation + shift)
        fragments = rasterise(in_camera, triangles, camera)
        normals = vertex_normals(in_camera, triangles)
        assert not bool(visible_vertices(fragments, in_camera, normals, camera).any())
