"""Light on the pixels of a batch is that of ``models.data.lit``."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from core.face_model.model import FaceModel
from core.scene.camera import head_rotation
from core.scene.lighting import ambient_light, directional_light
from core.scene.rasterise import Fragments, rasterise_batch
from core.scene.shading import vertex_normals
from core.surface.atlas import paint_triangles
from models.data.lights import Light, ShadowMap
from models.data.lit import light_pixels
from models.data.stream.pixels import Shadow, at_pixels, lit, of_triangles
from models.data.stream.scene import Lights

SIDE = 160
CAMERA = torch.tensor([[700.0, 700, 80, 80], [500.0, 500, 75, 90]])
TOWARDS = np.array([[[0.3, -0.5, -0.8], [0.8, -0.3, -0.4]], [[-0.6, -0.2, -0.6], [-0.5, -0.7, -0.5]]])
COLOUR = np.array([[[0.4, 0.35, 0.3], [0.9, 0.8, 0.7]], [[0.2, 0.3, 0.4], [0.5, 0.6, 0.9]]])


@dataclass(frozen=True)
class Scene:
    """Two heads before their cameras, and what is seen of them."""

    vertices: torch.Tensor
    triangles: torch.Tensor
    fragments: Fragments
    normals: torch.Tensor
    albedo: torch.Tensor
    kind: torch.Tensor
    gloss: torch.Tensor


@pytest.fixture(scope="module")
def scene(anny: FaceModel) -> Scene:
    rotation = torch.stack([head_rotation(0.4, 0.1), head_rotation(-0.2, -0.3, 0.1)]).float()
    place = torch.tensor([[0.0, -0.02, 0.9], [0.01, -0.03, 0.6]])
    vertices = torch.from_numpy(anny.template) @ rotation.mT + place[:, None]
    triangles = torch.from_numpy(anny.triangles.astype(np.int64)).expand(2, -1, -1)
    fragments = rasterise_batch(vertices, triangles, CAMERA, SIDE, SIDE)
    normals = at_pixels(fragments, triangles, vertex_normals(vertices, triangles[0]))
    make = torch.Generator().manual_seed(0)
    albedo = 0.1 + 0.7 * torch.rand(2, SIDE, SIDE, 3, generator=make)
    kind = torch.randint(4, (2, SIDE, SIDE), generator=make)
    return Scene(
        vertices, triangles, fragments, normals, albedo, kind, torch.rand(2, SIDE, SIDE, generator=make)
    )


def _lights() -> tuple[Lights, list[Light]]:
    """The same twice, with one soft and one hard light each."""
    towards = TOWARDS / np.linalg.norm(TOWARDS, axis=2, keepdims=True)
    soft = np.stack(
        [ambient_light(np.full(3, 0.3)) + directional_light(towards[k, 0], COLOUR[k, 0]) for k in (0, 1)]
    )
    numbers = [torch.from_numpy(np.asarray(part)).float() for part in (soft, towards, COLOUR)]
    single = []
    for k in (0, 1):
        hard = towards[k, 1]
        glints = ((towards[k, 0], COLOUR[k, 0]), (hard, COLOUR[k, 1]))
        single.append(Light(soft[k], hard, COLOUR[k, 1], glints))
    return Lights(*numbers), single


def _single(scene: Scene, index: int, light: Light, shadow: ShadowMap | None) -> np.ndarray:
    fragments = scene.fragments
    return light_pixels(
        scene.albedo[index].numpy(), scene.normals[index].numpy(), fragments.depth[index].numpy(),
        fragments.covered[index].numpy(), tuple(CAMERA[index].tolist()), light, shadow,
        scene.kind[index].numpy(), scene.gloss[index].numpy(),
    )  # fmt: skip


def _batch(scene: Scene, lights: Lights, shadow: Shadow) -> np.ndarray:
    colour = lit(
        scene.albedo, scene.normals, scene.fragments.depth, CAMERA, lights, shadow, scene.kind, scene.gloss
    )
    return (colour * scene.fragments.covered[..., None]).numpy()


def test_values_at_pixels_are_those_of_their_triangles(scene: Scene) -> None:
    values = torch.rand(2, scene.vertices.shape[1], 2, generator=torch.Generator().manual_seed(1))
    fragments = scene.fragments
    triangles = torch.stack([scene.triangles[0], scene.triangles[1].flip(1)])  # corners in another order
    found = at_pixels(fragments, triangles, values)
    of_each = torch.rand(2, triangles.shape[1], generator=torch.Generator().manual_seed(2))
    flat = of_triangles(fragments, of_each)
    for index in (0, 1):
        seen, weights = fragments.triangle[index].numpy(), fragments.barycentrics[index].numpy()
        corners = triangles[index].numpy().astype(np.int32)
        expected = paint_triangles(seen, weights, corners, values[index].numpy())
        np.testing.assert_allclose(found[index].numpy(), expected, atol=1e-5)
        there = seen >= 0
        assert 3000 < there.sum() < SIDE * SIDE
        np.testing.assert_array_equal(flat[index].numpy()[there], of_each[index].numpy()[seen[there]])


@pytest.mark.parametrize("length", [1.0, 3.0, -1.0])
def test_light_without_shadow_is_the_same_whatever_the_normals(scene: Scene, length: float) -> None:
    scene = replace(scene, normals=length * scene.normals)  # negative: those that face away
    lights, single = _lights()
    shadow = Shadow.cast(scene.vertices, scene.triangles, lights.towards[:, -1])
    none = replace(shadow, depth=torch.full_like(shadow.depth, torch.inf))
    found = _batch(scene, lights, none)
    for index in (0, 1):
        expected = _single(scene, index, single[index], None)
        np.testing.assert_allclose(found[index], expected, atol=2e-3, rtol=2e-3)
        assert expected.max() > 0.3


def test_shadows_fall_where_they_do_in_single_pictures(scene: Scene) -> None:
    lights, single = _lights()
    shadow = Shadow.cast(scene.vertices, scene.triangles, lights.towards[:, -1])
    found = _batch(scene, lights, shadow)
    for index in (0, 1):
        light = single[index]
        corners = scene.triangles[index].numpy().astype(np.int32)
        casting = ShadowMap(scene.vertices[index].numpy(), corners, light.towards)
        expected, bright = _single(scene, index, light, casting), _single(scene, index, light, None)
        shaded = np.abs(expected - bright).max(axis=2) > 0.05
        assert shaded.mean() > 0.01
        off = np.abs(found[index] - expected).mean(axis=2)
        assert off.mean() < 0.2 * np.abs(bright - expected).mean()
        assert (off < 0.005).mean() > 0.97  # the maps' texels differ in size, so edges do too
