"""Whole pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import trimesh

from core.scene.camera import Camera, head_rotation, portrait_camera
from core.scene.lighting import ambient_light, directional_light
from core.scene.render import render, render_clay
from core.scene.shading import Texture

GREY = torch.tensor([0.5, 0.5, 0.5])


def ball(subdivisions: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    mesh = trimesh.creation.icosphere(subdivisions, 0.1)
    return torch.from_numpy(np.array(mesh.vertices)).float(), torch.from_numpy(np.array(mesh.faces))


def as_sh(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).float()


@pytest.mark.parametrize("supersample", [1, 3])
def test_a_lit_ball_is_bright_where_the_light_is(supersample: int) -> None:
    vertices, triangles = ball()
    camera, rotation, translation = portrait_camera(60, 0.3, distance=1.0)
    colours = GREY.expand(len(vertices), 3)
    sh = as_sh(ambient_light(0.1 * np.ones(3)) + directional_light(np.array([-1.0, 0, -0.2]), np.ones(3)))
    picture = render(vertices, triangles, colours, camera, rotation, translation, sh, supersample=supersample)
    assert picture.image.shape == (60, 60, 3)
    middle = picture.image[30].mean(-1)
    assert middle[15] > 3 * middle[45] > 0
    assert float(picture.image[0, 0].max()) == 0


def test_mirrored_light_gives_the_mirrored_picture() -> None:
    vertices, triangles = ball()
    mirrored = triangles.flip(1)  # the ball is its own mirror image, with the other winding
    camera, rotation, translation = portrait_camera(48, 0.3, distance=1.0)
    colours = GREY.expand(len(vertices), 3)
    images = []
    for side in (-1.0, 1.0):
        sh = as_sh(directional_light(np.array([side, -0.4, -0.7]), np.ones(3)))
        head = vertices * torch.tensor([side, 1.0, 1.0])
        faces = triangles if side > 0 else mirrored
        images.append(render(head, faces, colours, camera, rotation, translation, sh).image)
    assert torch.allclose(images[0], images[1].flip(1), atol=1e-4)


def test_supersampling_smooths_the_outline_over_the_background() -> None:
    vertices, triangles = ball()
    camera, rotation, translation = portrait_camera(40, 0.3, distance=1.0)
    background = torch.rand(40, 40, 3, generator=torch.Generator().manual_seed(0))
    white = torch.ones(len(vertices), 3)
    picture = render(
        vertices, triangles, white, camera, rotation, translation, background=background, supersample=4
    )
    partial = (picture.alpha > 0) & (picture.alpha < 1)
    assert 20 < int(partial.sum()) < 200
    expected = picture.alpha[..., None] + background * (1 - picture.alpha[..., None])
    assert torch.allclose(picture.image, expected, atol=1e-6)
    # The area of the disc: 0.1 m at 1 m, seen by half the view's tangent over 20 pixels.
    radius = math.tan(math.asin(0.1)) / math.tan(0.15) * 20
    assert float(picture.alpha.sum()) == pytest.approx(math.pi * radius**2, rel=0.01)


def test_textures_are_laid_on_upright() -> None:
    vertices = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]])
    image = torch.zeros(2, 2, 3)
    image[0, 1] = torch.tensor([1.0, 0.5, 0.25])  # top right
    uv = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    camera = Camera.centred(32.0, 64, 64)
    pose = head_rotation(0.0), torch.tensor([0.0, 0.0, 1.0])
    picture = render(vertices, triangles, Texture(image, uv, triangles), camera, *pose, cull_back_faces=True)
    assert bool((picture.alpha == 1).all())
    assert torch.allclose(picture.image[8, 56], image[0, 1], atol=1e-5)
    for corner in (picture.image[8, 8], picture.image[56, 8], picture.image[56, 56]):
        assert float(corner.max()) < 1e-5


def test_a_fit_by_gradient_descent_finds_pose_and_light() -> None:
    """All gradients together: a bumpy patch is moved and relit until it matches its picture."""
    generator = torch.Generator().manual_seed(7)
    across, up = torch.meshgrid(torch.linspace(-1, 1, 12), torch.linspace(-1, 1, 12), indexing="xy")
    vertices = torch.stack([across, up, 0.15 * torch.sin(3 * across) * torch.cos(2 * up)], -1).reshape(-1, 3)
    index = torch.arange(144).reshape(12, 12)
    a, b, c, d = (t.reshape(-1) for t in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    triangles = torch.cat([torch.stack([a, b, c], 1), torch.stack([a, c, d], 1)])
    smooth = torch.rand(4, 4, 3, generator=generator)
    texture = Texture(smooth, vertices[:, :2] / 2 + 0.5, triangles)
    camera = Camera.centred(70.0, 48, 48)  # the patch is larger than the image: no silhouettes
    truth_sh = as_sh(
        ambient_light(0.5 * np.ones(3)) + directional_light(np.array([1.0, -1, -1]), 0.6 * np.ones(3))
    )
    truth_at = torch.tensor([0.05, -0.04, 1.5])
    target = render(vertices, triangles, texture, camera, head_rotation(0.0), truth_at, truth_sh).image

    translation = torch.tensor([0.0, 0.0, 1.6], requires_grad=True)
    sh = as_sh(ambient_light(np.ones(3))).requires_grad_()
    optimiser = torch.optim.Adam([{"params": [translation], "lr": 0.01}, {"params": [sh], "lr": 0.05}])
    for _ in range(150):
        optimiser.zero_grad()
        image = render(vertices, triangles, texture, camera, head_rotation(0.0), translation, sh).image
        loss = (image - target).square().mean()
        loss.backward()
        optimiser.step()
    assert loss.item() < 1e-5
    assert torch.allclose(translation, truth_at, atol=0.01)


def test_clay_is_opaque_grey_on_its_background() -> None:
    vertices, triangles = ball()
    camera, rotation, translation = portrait_camera(50, 0.3, distance=1.0)
    picture = render_clay(vertices, triangles, camera, rotation, translation, torch.ones(3))
    assert float(picture.image[0, 0].min()) == 1
    inside = picture.image[picture.alpha == 1]
    assert float(inside.min()) > 0.15 and float(inside.max()) <= 1
    assert float((inside.max(-1).values - inside.min(-1).values).max()) < 0.12
