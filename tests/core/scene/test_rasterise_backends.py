"""PyTorch3D's fragments are the Numba rasteriser's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.scene.camera import Camera, portrait_camera, transform
from core.scene.rasterise import Fragments, rasterise

pytest.importorskip("pytorch3d", reason="PyTorch3D is not installed")


def bumpy_head(rings: int = 36, sectors: int = 48) -> tuple[torch.Tensor, torch.Tensor]:
    """A closed, non-convex surface of a head's size (with a bulge that hides parts of itself)."""
    polar, around = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, rings), np.arange(sectors) * 2 * np.pi / sectors
    )
    polar, around = polar.T, around.T
    radius = 0.09 * (1 + 0.25 * np.sin(3 * around) * np.sin(polar) ** 2 + 0.15 * np.cos(5 * polar))
    points = np.stack(
        [
            radius * np.sin(polar) * np.sin(around),
            1.3 * radius * np.cos(polar),
            radius * np.sin(polar) * np.cos(around),
        ],
        axis=-1,
    )
    index = np.arange(rings * sectors).reshape(rings, sectors)
    a, b = index[:-1], np.roll(index[:-1], -1, axis=1)
    d, c = index[1:], np.roll(index[1:], -1, axis=1)
    triangles = np.concatenate(
        [np.stack([a, d, c], -1).reshape(-1, 3), np.stack([a, c, b], -1).reshape(-1, 3)]
    )
    return torch.from_numpy(points.reshape(-1, 3)).float(), torch.from_numpy(triangles)


def both(vertices: torch.Tensor, triangles: torch.Tensor, camera: Camera, **options: bool) -> list[Fragments]:
    return [
        rasterise(vertices, triangles, camera, backend="numba", **options),
        rasterise(vertices, triangles, camera, backend="pytorch3d", **options),
    ]


def assert_same_picture(numba: Fragments, pytorch3d: Fragments) -> None:
    same = numba.triangle == pytorch3d.triangle
    assert float(same.float().mean()) >= 0.999
    same &= numba.covered
    assert int(same.sum()) > 1000
    assert torch.allclose(numba.depth[same], pytorch3d.depth[same], rtol=1e-4)
    difference = (numba.barycentrics[same] - pytorch3d.barycentrics[same]).abs()
    assert float(difference.quantile(0.999)) < 1e-3
    assert bool(pytorch3d.depth[~pytorch3d.covered].isinf().all())


@pytest.mark.parametrize("cull", [False, True])
@pytest.mark.parametrize("size", [(96, 96), (120, 80), (70, 110)])
def test_same_picture_of_a_head(size: tuple[int, int], cull: bool) -> None:
    vertices, triangles = bumpy_head()
    camera, rotation, translation = portrait_camera(size, math.radians(20), 0.5, 0.2, 0.9)
    camera = Camera(camera.fx, camera.fy, camera.cx + 3.25, camera.cy - 2.5, *size)
    in_camera = transform(vertices, rotation, translation)
    assert_same_picture(*both(in_camera, triangles, camera, cull_back_faces=cull))


def test_same_picture_of_a_batch() -> None:
    vertices, triangles = bumpy_head(16, 20)
    poses = [portrait_camera(64, yaw=yaw, distance=0.8) for yaw in (-0.6, 0.9)]
    batch = torch.stack([transform(vertices, rotation, translation) for _, rotation, translation in poses])
    numba, pytorch3d = both(batch, triangles, poses[0][0])
    assert numba.triangle.shape == pytorch3d.triangle.shape == (2, 64, 64)
    assert_same_picture(numba, pytorch3d)


def test_same_cut_at_the_near_plane() -> None:
    floor = torch.tensor([[-5, 0.2, -3], [5, 0.2, -3], [5, 0.2, 8], [-5, 0.2, 8]])
    camera = Camera(70.0, 65.0, 31.0, 22.5, 60, 45)
    numba, pytorch3d = both(floor, torch.tensor([[0, 1, 2], [0, 2, 3]]), camera)
    assert float((numba.triangle == pytorch3d.triangle).float().mean()) > 0.995
    seen = numba.covered & pytorch3d.covered
    assert torch.allclose(numba.depth[seen], pytorch3d.depth[seen], rtol=1e-3)
