"""The rasteriser: coverage, depth order, perspective, clipping, UV space."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DependencyMissing
from core.scene.camera import Camera, pixel_rays
from core.scene.rasterise import Backend, rasterise, rasterise_batch, rasterise_uv
from tests.core.scene.tessellations import CAMERA, at_depth, tessellation

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 9), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_tessellation_covers_every_pixel_exactly_once(seed: int, cells: int, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    pixels, triangles = tessellation(rng, cells, whole)
    vertices = at_depth(pixels, rng.uniform(0.5, 2.0, len(pixels)))
    times = torch.zeros(CAMERA.height, CAMERA.width, dtype=torch.int32)
    for k in range(len(triangles)):
        times += rasterise(vertices, triangles[k : k + 1], CAMERA).covered
    assert bool((times == 1).all())


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_pixels_agree_with_ray_casting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = at_depth(rng.uniform([-10, -10], [70, 55], (36, 2)), rng.uniform(0.4, 3.0, 36))
    triangles = torch.arange(36).reshape(12, 3)
    fragments = rasterise(corners, triangles, CAMERA)
    rays = pixel_rays(CAMERA).double()
    for _ in range(40):
        row, column = rng.integers(CAMERA.height), rng.integers(CAMERA.width)
        depths, weights = cast(rays[row, column].numpy(), corners.numpy().reshape(12, 3, 3))
        nearest = int(np.argmin(depths))
        if np.sort(np.abs(weights).min(1))[0] < 1e-3:  # the ray grazes an edge: either answer is right
            continue
        found = int(fragments.triangle[row, column])
        assert found == (nearest if np.isfinite(depths[nearest]) else -1)
        assert float(fragments.depth[row, column]) == pytest.approx(depths[nearest], rel=1e-4)
        if found >= 0:
            assert fragments.barycentrics[row, column].numpy() == pytest.approx(weights[found], abs=2e-3)


def cast(ray: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth (infinite for a miss) and barycentrics of a ray from the origin with each triangle's plane."""
    weights = np.linalg.solve(corners.transpose(0, 2, 1), np.broadcast_to(ray, (len(corners), 3))[..., None])
    depth = 1 / weights.sum(1)[:, 0]
    weights = weights[..., 0] * depth[:, None]
    return np.where((weights >= 0).all(1) & (depth > 0), depth, np.inf), weights


def test_barycentrics_and_depth_are_in_perspective() -> None:
    # A wall from 1 m at its left edge to 4 m at its right: half way across the image it is at the harmonic
    # mean, 1.6 m away.
    outline = np.array([[5.5, 0], [45.5, 0], [45.5, 45], [5.5, 45]])
    depths = torch.tensor([1.0, 4.0, 4.0, 1.0])
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]])
    fragments = rasterise(at_depth(outline, depths.double().numpy()), triangles, CAMERA)
    for row in (5, 40):  # one in each triangle
        corners = triangles[int(fragments.triangle[row, 25])]
        assert float(fragments.depth[row, 25]) == pytest.approx(1.6, rel=1e-6)
        assert float(fragments.barycentrics[row, 25] @ depths[corners]) == pytest.approx(1.6, rel=1e-6)


def test_the_nearer_triangle_wins_in_any_order() -> None:
    near = at_depth(np.array([[0, 0], [60, 0], [0, 45]]), 0.5)
    far = at_depth(np.array([[0, 0], [60, 0], [0, 45]]), 0.8)
    for first, second, winner in ((near, far, 0), (far, near, 1)):
        fragments = rasterise(torch.cat([first, second]), torch.tensor([[0, 1, 2], [3, 4, 5]]), CAMERA)
        assert set(fragments.triangle.unique().tolist()) == {-1, winner}
        assert float(fragments.depth[3, 3]) == pytest.approx(0.5)
        assert fragments.depth[44, 59].isinf()


def test_back_faces_can_be_left_out() -> None:
    # Counter-clockwise for the viewer (y is down): up the left side last.
    vertices = at_depth(np.array([[5, 40], [50, 40], [50, 5]]))
    facing, away = torch.tensor([[0, 1, 2]]), torch.tensor([[0, 2, 1]])
    whole = int(rasterise(vertices, facing, CAMERA).covered.sum())
    assert whole > 500
    assert int(rasterise(vertices, facing, CAMERA, cull_back_faces=True).covered.sum()) == whole
    assert int(rasterise(vertices, away, CAMERA).covered.sum()) == whole
    assert int(rasterise(vertices, away, CAMERA, cull_back_faces=True).covered.sum()) == 0


def test_a_floor_that_passes_under_the_camera_is_cut_at_the_near_plane() -> None:
    height = 0.2
    floor = torch.tensor([[-5, height, -3], [5, height, -3], [5, height, 8], [-5, height, 8]]).double()
    fragments = rasterise(floor, torch.tensor([[0, 1, 2], [0, 2, 3]]), CAMERA, near=0.05)
    rays = pixel_rays(CAMERA)
    expected = height / rays[..., 1]
    seen = (expected > 0.05) & (expected < 8)
    assert torch.equal(fragments.covered, seen)
    assert int(seen.sum()) > 1000
    assert torch.allclose(fragments.depth[seen], expected[seen], rtol=1e-4)
    # Barycentrics are still those of the uncut triangles.
    corners = floor[torch.tensor([[0, 1, 2], [0, 2, 3]])][fragments.triangle[seen].long()].float()
    points = (fragments.barycentrics[seen][..., None] * corners).sum(1)
    assert torch.allclose(points, rays[seen] * expected[seen][:, None], atol=2e-3)


def test_unusable_triangles_draw_nothing() -> None:
    nan, huge = float("nan"), 1e30
    vertices = torch.tensor(
        [
            [0, 0, 1], [0, 0, 1], [0.1, 0, 1], [0.2, 0, 1],  # 0–3: equal and collinear corners
            [nan, 0, 1], [0, nan, -1], [0, 0, nan],  # 4–6: not numbers
            [-1, -1, -2], [1, -1, -2], [0, 1, -2],  # 7–9: behind
            [huge, 0, 1],  # 10
        ]
    )  # fmt: skip
    triangles = torch.tensor(
        [[0, 1, 2], [0, 2, 3], [0, 0, 0], [4, 2, 3], [5, 2, 3], [6, 2, 3], [7, 8, 9], [0, 10, 10]]
    )
    fragments = rasterise(vertices, triangles, CAMERA)
    assert int(fragments.covered.sum()) == 0
    assert bool(fragments.depth.isinf().all())


def test_no_triangles_is_all_background() -> None:
    fragments = rasterise(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.int64), CAMERA)
    assert fragments.triangle.shape == (45, 60)
    assert int(fragments.covered.sum()) == 0


def test_a_batch_is_its_members() -> None:
    rng = np.random.default_rng(4)
    batch = torch.stack([at_depth(rng.uniform(0, 60, (9, 2)), rng.uniform(1, 2, 9)) for _ in range(3)])
    triangles = torch.arange(9).reshape(3, 3)
    together = rasterise(batch, triangles, CAMERA)
    assert together.barycentrics.shape == (3, 45, 60, 3)
    for k in range(3):
        alone = rasterise(batch[k], triangles, CAMERA)
        assert torch.equal(alone.triangle, together.triangle[k])
        assert torch.equal(alone.depth, together.depth[k])


def test_uv_maps_have_v_up_and_every_texel_once() -> None:
    uv = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    fragments = rasterise_uv(uv, torch.tensor([[0, 1, 2], [0, 2, 3]]), (8, 6))
    assert fragments.triangle.shape == (6, 8)
    assert bool(fragments.covered.all())
    corners = uv[torch.tensor([[0, 1, 2], [0, 2, 3]])][fragments.triangle.long()]
    found = (fragments.barycentrics[..., None] * corners).sum(-2)
    assert torch.allclose(found[0, 0], torch.tensor([0.5 / 8, 1 - 0.5 / 6]), atol=1e-6)
    assert torch.allclose(found[5, 7], torch.tensor([7.5 / 8, 0.5 / 6]), atol=1e-6)


@pytest.mark.parametrize("backend, name", [("pytorch3d", "PyTorch3D"), ("triton", "Triton")])
def test_asking_for_a_missing_backend_says_so(
    backend: Backend, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyMissing, match=name):
        rasterise(torch.zeros(3, 3), torch.tensor([[0, 1, 2]]), CAMERA, backend=backend)


def test_each_picture_of_a_batch_has_its_own_camera_and_triangles() -> None:
    rng = np.random.default_rng(2)
    batch = torch.from_numpy(rng.uniform([-0.3, -0.3, 0.5], [0.3, 0.3, 1.5], (2, 9, 3)))
    cameras = [CAMERA, Camera(90.0, 80.0, 20.0, 30.5, 60, 45)]
    own = torch.tensor([[[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[0, 4, 8], [1, 5, 6], [7, 7, 7]]])
    intrinsics = torch.tensor([camera.intrinsics for camera in cameras])
    together = rasterise_batch(batch, own, intrinsics, 45, 60)
    for k, camera in enumerate(cameras):
        alone = rasterise(batch[k], own[k], camera)
        assert int(alone.covered.sum()) > 100
        assert torch.equal(alone.triangle, together.triangle[k])
        assert torch.equal(alone.depth, together.depth[k])
        assert torch.equal(alone.barycentrics, together.barycentrics[k])
    assert 2 not in together.triangle[1]
