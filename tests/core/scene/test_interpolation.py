"""Interpolation and the gradients that flow through barycentrics."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from core.scene.camera import Camera
from core.scene.interpolation import interpolate, recompute_barycentrics
from core.scene.rasterise import Fragments, rasterise, rasterise_batch
from tests.core.scene.tessellations import unproject


def scene(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, Camera, Fragments]:
    """Two overlapping triangles at different slants, filling most of a small image."""
    camera = Camera(9.0, 8.0, 5.5, 4.0, 12, 9)
    pixels = torch.tensor(
        [[-1.0, -2.0], [14.0, 1.3], [2.2, 11.0], [3.1, 8.7], [11.7, -1.0], [13.0, 9.4]], dtype=dtype
    )
    depth = torch.tensor([1.0, 1.6, 0.9, 1.2, 0.7, 1.9], dtype=dtype)
    vertices = unproject(pixels, depth, camera)
    triangles = torch.tensor([[0, 1, 2], [3, 4, 5]])
    return vertices, triangles, camera, rasterise(vertices, triangles, camera)


def test_recomputed_barycentrics_equal_the_rasterisers() -> None:
    vertices, triangles, camera, fragments = scene(torch.float64)
    again = recompute_barycentrics(fragments, vertices, triangles, camera)
    assert set(fragments.triangle.unique().tolist()) == {-1, 0, 1}
    assert torch.allclose(again.float(), fragments.barycentrics, atol=1e-4)
    assert bool((again[~fragments.covered] == 0).all())


def test_recomputed_barycentrics_keep_single_precision_far_away() -> None:
    # A triangle of 3 mm at 2 m, as a head's in a portrait.
    camera = Camera.centred(20_000.0, 40, 40)
    vertices = torch.tensor([[-0.0015, -0.0015, 2.0], [0.0015, -0.001, 2.001], [0.0, 0.0015, 2.0005]])
    triangles = torch.tensor([[0, 1, 2]])
    fragments = rasterise(vertices, triangles, camera)
    again = recompute_barycentrics(fragments, vertices, triangles, camera)
    assert int(fragments.covered.sum()) > 200
    assert torch.allclose(again, fragments.barycentrics, atol=2e-4)


def test_constant_and_linear_attributes_are_reproduced() -> None:
    vertices, triangles, camera, fragments = scene(torch.float64)
    attributes = torch.cat([torch.ones(6, 1, dtype=torch.float64), vertices], dim=1)
    image = interpolate(fragments, triangles, attributes)
    assert torch.allclose(image[..., 0], fragments.covered.double(), atol=1e-6)
    covered = fragments.covered
    rows, columns = torch.nonzero(covered).T
    centres = torch.stack([columns + 0.5, rows + 0.5], dim=-1).double()
    points = unproject(centres, fragments.depth[covered].double(), camera)
    assert torch.allclose(image[covered][:, 1:], points, atol=1e-5)


def test_interpolation_gradients_match_finite_differences() -> None:
    vertices, triangles, _, fragments = scene(torch.float64)
    attributes = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    focal = torch.tensor(9.0, dtype=torch.float64)

    def image(vertices: torch.Tensor, attributes: torch.Tensor, focal: torch.Tensor) -> torch.Tensor:
        moved = Camera(focal, 8.0, 5.5, 4.0, 12, 9)
        barycentrics = recompute_barycentrics(fragments, vertices, triangles, moved)
        return interpolate(fragments, triangles, attributes, barycentrics)

    assert gradcheck(image, [v.requires_grad_() for v in (vertices, attributes, focal)], atol=1e-6)


def test_gradients_predict_what_rasterising_again_shows() -> None:
    vertices, triangles, camera, fragments = scene(torch.float64)
    attributes = torch.randn(6, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    step = 1e-6 * torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    variable = vertices.clone().requires_grad_()
    barycentrics = recompute_barycentrics(fragments, variable, triangles, camera)
    before = interpolate(fragments, triangles, attributes, barycentrics)
    (gradient,) = torch.autograd.grad(before.sum(), variable)
    moved = vertices + 1e3 * step
    again = rasterise(moved, triangles, camera)
    assert torch.equal(again.triangle, fragments.triangle)
    after = interpolate(again, triangles, attributes, recompute_barycentrics(again, moved, triangles, camera))
    change = float((after - before.detach()).sum())
    assert change == pytest.approx(float((gradient * 1e3 * step).sum()), rel=0.02)


def test_corner_attributes_use_corner_indices() -> None:
    _, _, _, fragments = scene(torch.float64)
    corners = torch.tensor([[0, 0, 0], [1, 1, 1]])
    image = interpolate(fragments, corners, torch.tensor([[0.25], [0.75]]))
    assert torch.allclose(image[fragments.triangle == 0], torch.tensor(0.25))
    assert torch.allclose(image[fragments.triangle == 1], torch.tensor(0.75))


def test_an_empty_picture_has_gradients_of_zero() -> None:
    _, triangles, camera, _ = scene(torch.float32)
    behind = torch.full((6, 3), -1.0, requires_grad=True)
    fragments = rasterise(behind, triangles, camera)
    interpolate(
        fragments, triangles, behind, recompute_barycentrics(fragments, behind, triangles, camera)
    ).sum().backward()
    assert behind.grad is not None and bool((behind.grad == 0).all())


def test_a_batch_gives_what_single_images_give() -> None:
    vertices, triangles, camera, _ = scene(torch.float64)
    batch = torch.stack([vertices, vertices + torch.tensor([0.1, -0.05, 0.2], dtype=torch.float64)])
    attributes = torch.randn(2, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    fragments = rasterise(batch, triangles, camera)
    barycentrics = recompute_barycentrics(fragments, batch, triangles, camera)
    own = interpolate(fragments, triangles, attributes, barycentrics)
    shared = interpolate(fragments, triangles, attributes[0], barycentrics)
    for k in range(2):
        one = rasterise(batch[k], triangles, camera)
        single = recompute_barycentrics(one, batch[k], triangles, camera)
        torch.testing.assert_close(barycentrics[k], single)
        torch.testing.assert_close(own[k], interpolate(one, triangles, attributes[k], single))
        torch.testing.assert_close(shared[k], interpolate(one, triangles, attributes[0], single))


def test_each_image_may_have_its_own_camera_and_triangles() -> None:
    vertices, triangles, camera, _ = scene(torch.float64)
    cameras = [camera, Camera(11.0, 7.5, 6.0, 5.0, 12, 9)]
    batch = torch.stack([vertices, vertices + 0.1])
    own = torch.stack([triangles, triangles.flip(0)])
    intrinsics = torch.tensor([one.intrinsics for one in cameras], dtype=torch.float64)
    fragments = rasterise_batch(batch, own, intrinsics, 9, 12)
    barycentrics = recompute_barycentrics(fragments, batch, own, intrinsics)
    attributes = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    image = interpolate(fragments, own, attributes, barycentrics)
    for k, one in enumerate(cameras):
        alone = rasterise(batch[k], own[k], one)
        single = recompute_barycentrics(alone, batch[k], own[k], one)
        torch.testing.assert_close(barycentrics[k], single)
        torch.testing.assert_close(image[k], interpolate(alone, own[k], attributes, single))

    def moved(intrinsics: torch.Tensor) -> torch.Tensor:
        return recompute_barycentrics(fragments, batch, own, intrinsics)

    assert gradcheck(moved, intrinsics.requires_grad_(), atol=1e-6)
