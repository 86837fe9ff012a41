"""Triton's fragments are the Numba rasteriser's: on CUDA where there is a device, else interpreted."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from core.face_model.registry import load_model
from core.scene.camera import Camera, portrait_camera, transform
from core.scene.interpolation import interpolate, recompute_barycentrics
from core.scene.rasterise import Fragments, choose_backend, rasterise_batch
from tests.core.scene.tessellations import CAMERA, at_depth, tessellation

pytest.importorskip("triton", reason="Triton is not installed")

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
LENS = torch.tensor([CAMERA.intrinsics])


def both(
    vertices: torch.Tensor,
    triangles: torch.Tensor,
    intrinsics: torch.Tensor,
    height: int = CAMERA.height,
    width: int = CAMERA.width,
    **options: Any,
) -> tuple[Fragments, Fragments]:
    """Fragments of Numba and of Triton, on the CPU."""
    numba = rasterise_batch(vertices, triangles, intrinsics, height, width, backend="numba", **options)
    drawn = rasterise_batch(
        vertices.to(DEVICE), triangles.to(DEVICE), intrinsics, height, width, backend="triton", **options
    )
    return numba, Fragments(drawn.triangle.cpu(), drawn.barycentrics.cpu(), drawn.depth.cpu())


def assert_same(numba: Fragments, drawn: Fragments, share: float = 0.9999) -> None:
    assert drawn.triangle.dtype == torch.int32 and drawn.depth.dtype == torch.float32
    assert numba.covered.any()
    same = numba.triangle == drawn.triangle
    # of surfaces at the same depth, rounding decides
    tied = (numba.depth - drawn.depth).abs() <= 1e-6 * numba.depth
    assert float((same | tied)[numba.covered | drawn.covered].float().mean()) >= share
    assert float(same[numba.covered].float().mean()) >= share - 1e-3
    seen = same & numba.covered
    torch.testing.assert_close(drawn.depth[seen], numba.depth[seen], rtol=2e-6, atol=0)
    torch.testing.assert_close(drawn.barycentrics[seen], numba.barycentrics[seen], rtol=0, atol=2e-5)
    assert bool(drawn.depth[~drawn.covered].isinf().all())
    assert bool((drawn.barycentrics[~drawn.covered] == 0).all())
    assert bool((drawn.triangle[~drawn.covered] == -1).all())


def ball(rings: int = 14, sectors: int = 20, radius: float = 0.1) -> tuple[torch.Tensor, torch.Tensor]:
    """A closed sphere around the origin whose poles are fans."""
    polar = np.linspace(0, np.pi, rings)[1:-1, None]
    around = np.arange(sectors)[None] * 2 * np.pi / sectors
    points = np.stack(
        [np.sin(polar) * np.sin(around), np.cos(polar) + 0 * around, np.sin(polar) * np.cos(around)], -1
    )
    points = np.concatenate([points.reshape(-1, 3), [[0, 1, 0], [0, -1, 0]]]) * radius
    ring = np.arange((rings - 2) * sectors).reshape(rings - 2, sectors)
    following = np.roll(ring, -1, axis=1)
    sides = [
        np.stack([ring[:-1], ring[1:], following[1:]], -1),
        np.stack([ring[:-1], following[1:], following[:-1]], -1),
    ]
    top = np.stack([np.full(sectors, len(points) - 2), ring[0], following[0]], -1)
    bottom = np.stack([np.full(sectors, len(points) - 1), following[-1], ring[-1]], -1)
    triangles = np.concatenate([*(side.reshape(-1, 3) for side in sides), top, bottom])
    return torch.from_numpy(points).float(), torch.from_numpy(triangles)


@pytest.mark.parametrize("cull", [False, True])
def test_random_triangles_large_and_small(cull: bool) -> None:
    rng = np.random.default_rng(4)
    middles = rng.uniform([-10, -10], [70, 55], (40, 2))
    sizes = rng.choice([1.0, 6.0, 60.0], (40, 1))
    pixels = (middles[:, None] + rng.normal(size=(40, 3, 2)) * sizes[:, None]).reshape(-1, 2)
    vertices = at_depth(pixels, rng.uniform(0.4, 3.0, 120))[None]
    assert_same(*both(vertices, torch.arange(120).reshape(40, 3), LENS, cull_back_faces=cull))


def test_heads_each_with_its_own_camera() -> None:
    model = load_model("anny")
    template = torch.from_numpy(model.template.copy())
    triangles = torch.from_numpy(model.triangles.copy())
    poses = [portrait_camera((88, 72), yaw=yaw, pitch=pitch) for yaw, pitch in ((-0.7, 0.2), (0.4, -0.1))]
    heads = torch.stack([transform(template, rotation, translation) for _, rotation, translation in poses])
    intrinsics = torch.tensor([[150.0, 160.0, 41.3, 38.2], [260.5, 255.0, 60.0, 20.25]])
    assert_same(*both(heads, triangles, intrinsics, 72, 88))


@pytest.mark.parametrize("size", [(40, 56), (130, 110)])
def test_head_at_several_sizes(size: tuple[int, int]) -> None:
    model = load_model("anny")
    camera, rotation, translation = portrait_camera(size, yaw=0.5, pitch=0.2, distance=0.7)
    head = transform(torch.from_numpy(model.template.copy()), rotation, translation)[None]
    numba, drawn = both(
        head,
        torch.from_numpy(model.triangles.copy()),
        torch.tensor([camera.intrinsics]),
        camera.height,
        camera.width,
    )
    assert_same(numba, drawn)


def test_each_picture_has_its_own_triangles_and_padding_draws_nothing() -> None:
    points, triangles = ball()
    vertices = torch.stack([points, points * 0.7]) + torch.tensor([0.0, 0.0, 0.35])
    own = torch.zeros(2, len(triangles) + 5, 3, dtype=torch.int64)
    own[:, -5:] = 3
    own[0, : len(triangles)] = triangles
    own[1, : len(triangles) // 2] = triangles[: len(triangles) // 2]
    numba, drawn = both(vertices, own, LENS.expand(2, 4))
    assert_same(numba, drawn)
    assert 0 < int(drawn.triangle[1].max()) < len(triangles) // 2
    alone, _ = both(vertices[1:], triangles[: len(triangles) // 2], LENS)
    assert torch.equal(numba.triangle[1], alone.triangle[0])
    values = torch.randn(len(points), 2, generator=torch.Generator().manual_seed(0))
    barycentrics = recompute_barycentrics(drawn, vertices, own, LENS.expand(2, 4))
    torch.testing.assert_close(
        interpolate(drawn, own, values, barycentrics), interpolate(numba, own, values), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("cells", [1, 2, 7, 16])
def test_a_tessellation_covers_every_pixel_exactly_once(cells: int, whole: bool) -> None:
    # A pixel that two triangles cover sees another one when the order of depths is reversed.
    pixels, triangles = tessellation(np.random.default_rng(cells), cells, whole)
    depths = np.linspace(0.5, 2.0, len(triangles)).repeat(3)
    corners = pixels[triangles.numpy().reshape(-1)]
    vertices = torch.stack([at_depth(corners, depths), at_depth(corners, depths[::-1])])
    apart = torch.arange(len(corners)).reshape(-1, 3)
    _, drawn = both(vertices, apart, LENS.expand(2, 4))
    assert bool(drawn.covered.all())
    assert torch.equal(drawn.triangle[0], drawn.triangle[1])


def test_a_closed_ball_has_no_holes() -> None:
    points, triangles = ball(30, 40)
    vertices = (points + torch.tensor([0.01, -0.02, 0.5]))[None]
    lens = torch.tensor([[230.0, 230.0, 52.3, 47.9]])
    drawn = rasterise_batch(
        vertices.to(DEVICE), triangles.to(DEVICE), lens, 100, 100, backend="triton", cull_back_faces=True
    )
    covered = drawn.covered[0].cpu()
    assert int(covered.sum()) > 4000
    for rows in (covered, covered.T):  # every row and column of a convex outline is one run
        runs = (rows.int().diff(dim=1, prepend=torch.zeros(len(rows), 1, dtype=torch.int32)) == 1).sum(1)
        assert int(runs.max()) == 1


def test_what_passes_through_the_near_plane_is_cut() -> None:
    floor = torch.tensor([[-5, 0.2, -3], [5, 0.2, -3], [5, 0.2, 8], [-5, 0.2, 8], [0, 0, -1]])
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3], [0, 1, 4]])  # the last is behind
    numba, drawn = both(floor[None], triangles, LENS, near=0.05)
    assert_same(numba, drawn)
    assert bool((drawn.depth >= 0.05).all())
    assert_same(*both(floor[None], triangles, LENS, cull_back_faces=True))
    _, left_out = both(floor[None], triangles.flip(1), LENS, cull_back_faces=True)
    assert not left_out.covered.any()


def test_a_camera_inside_a_ball_sees_it_everywhere() -> None:
    points, triangles = ball(7, 9)
    numba, drawn = both(points[None] + torch.tensor([0.01, 0.005, -0.02]), triangles, LENS)
    assert bool(drawn.covered.all())
    assert_same(numba, drawn, share=0.999)


def test_triangles_far_larger_than_the_picture() -> None:
    wall = torch.tensor([[-3e4, -2e4, 1.0], [3e4, -2e4, 1.5], [3e4, 2e4, 1.5], [-3e4, 2e4, 1.0]])
    _, drawn = both(wall[None], torch.tensor([[0, 1, 2], [0, 2, 3]]), LENS)
    assert bool(drawn.covered.all())
    torch.testing.assert_close(drawn.depth, torch.full_like(drawn.depth, 1.25), rtol=1e-4, atol=0)


@pytest.mark.filterwarnings("ignore:invalid value")  # NumPy's, from the interpreter
def test_unusable_triangles_draw_nothing() -> None:
    nan, huge, endless = float("nan"), 1e30, float("inf")
    vertices = torch.tensor(
        [
            [0, 0, 1], [0, 0, 1], [0.1, 0, 1], [0.2, 0, 1],  # 0-3: equal and collinear corners
            [nan, 0, 1], [0, nan, -1], [0, 0, nan],  # 4-6: not numbers
            [-1, -1, -2], [1, -1, -2], [0, 1, -2],  # 7-9: behind
            [huge, 0, 1], [0, 0.1, endless],  # 10-11
        ]
    )  # fmt: skip
    triangles = torch.tensor(
        [
            [0, 1, 2], [0, 2, 3], [0, 0, 0], [4, 2, 3], [5, 2, 3], [6, 2, 3], [7, 8, 9], [0, 10, 10],
            [2, 3, 11], [2, 3, 99], [-1, 2, 7],
        ]
    )  # fmt: skip
    drawn = rasterise_batch(vertices[None].to(DEVICE), triangles.to(DEVICE), LENS, 45, 60, backend="triton")
    assert not drawn.covered.any()
    assert bool(drawn.depth.isinf().all())


def test_of_triangles_at_the_same_depth_the_first_is_kept() -> None:
    vertices = at_depth(np.array([[0, 0], [60, 0], [0, 45]]), 0.5)[None]
    triangles = torch.tensor([[0, 2, 1], [0, 2, 1], [0, 2, 1]])
    _, drawn = both(vertices, triangles, LENS)
    assert set(drawn.triangle.unique().tolist()) == {-1, 0}


@pytest.mark.parametrize("batch, vertices, triangles", [(0, 4, 2), (2, 0, 0), (2, 4, 0)])
def test_nothing_to_draw_is_background(batch: int, vertices: int, triangles: int) -> None:
    drawn = rasterise_batch(
        torch.zeros(batch, vertices, 3, device=DEVICE),
        torch.zeros(triangles, 3, dtype=torch.int64, device=DEVICE),
        torch.ones(batch, 4),
        5,
        6,
        backend="triton",
    )
    assert drawn.triangle.shape == (batch, 5, 6)
    assert not drawn.covered.any() and bool(drawn.depth.isinf().all())


def test_a_picture_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="16383"):
        rasterise_batch(
            torch.zeros(1, 3, 3, device=DEVICE), torch.tensor([[0, 1, 2]]), LENS, 4, 20_000, backend="triton"
        )


def test_triton_is_chosen_for_tensors_on_cuda_alone() -> None:
    assert choose_backend("auto", torch.device("cuda")) == "triton"
    assert choose_backend("auto", torch.device("cpu")) == "numba"


def test_tensors_on_the_cpu_are_refused_where_kernels_are_compiled() -> None:
    script = (
        "import torch; from core.scene.rasterise import rasterise_batch;"
        "rasterise_batch(torch.zeros(1, 3, 3), torch.tensor([[0, 1, 2]]), torch.ones(1, 4), 4, 4,"
        " backend='triton')"
    )
    environment = {**os.environ, "TRITON_INTERPRET": "0"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ValueError: Triton draws tensors on CUDA, not on cpu" in done.stderr


@pytest.mark.skipif(not CUDA, reason="there is no CUDA device")
def test_a_large_batch_on_cuda_is_its_members() -> None:
    points, triangles = ball(60, 80)
    turns = torch.linspace(0, 3, 96)
    camera = Camera.centred(500.0, 224, 224)
    away = torch.tensor([0.0, 0.0, 0.5])
    poses = [portrait_camera(224, yaw=float(turn))[1] for turn in turns]
    batch = torch.stack([transform(points, rotation, away) for rotation in poses])
    lens = torch.tensor([camera.intrinsics]).expand(len(batch), 4)
    numba, drawn = both(batch, triangles, lens, 224, 224)
    assert_same(numba, drawn)
