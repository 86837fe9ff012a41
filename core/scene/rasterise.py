"""Which triangle every pixel sees: one interface over the rasteriser backends.

Fragments themselves carry no gradients; :mod:`core.scene.render` recomputes barycentrics so that they flow.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, Int32
from torch import Tensor

from core.errors import DependencyMissing
from core.scene.camera import Camera
from core.scene.rasterise_numba import rasterise_arrays

Backend = Literal["auto", "numba", "pytorch3d"]
DEFAULT_NEAR = 0.01


@dataclass(frozen=True)
class Fragments:
    """What each pixel centre sees. Batched when the vertices were.

    Attributes:
        triangle: index of the nearest triangle, -1 for background.
        barycentrics: perspective-correct position in that triangle, 0 for background.
        depth: z in metres, infinite for background.
    """

    triangle: Int32[Tensor, "*batch height width"]
    barycentrics: Float[Tensor, "*batch height width 3"]
    depth: Float[Tensor, "*batch height width"]

    @property
    def covered(self) -> Bool[Tensor, "*batch height width"]:
        """Pixels that see the mesh."""
        return self.triangle >= 0


def choose_backend(backend: Backend, device: torch.device) -> Literal["numba", "pytorch3d"]:
    """Resolve ``auto``: PyTorch3D for tensors on CUDA where it is installed, else Numba.

    Raises:
        DependencyMissing: PyTorch3D was asked for by name and is not installed.
    """
    installed = importlib.util.find_spec("pytorch3d") is not None
    if backend == "pytorch3d" and not installed:
        raise DependencyMissing(
            "The PyTorch3D rasteriser was asked for, but PyTorch3D is not installed.",
            "Install it from https://github.com/facebookresearch/pytorch3d, or use the Numba rasteriser.",
        )
    if backend == "auto":
        return "pytorch3d" if installed and device.type == "cuda" else "numba"
    return backend


def rasterise(
    vertices_camera: Float[Tensor, "*batch vertices 3"],
    triangles: Int[Tensor, "triangles 3"],
    camera: Camera,
    *,
    backend: Backend = "auto",
    cull_back_faces: bool = False,
    near: float = DEFAULT_NEAR,
) -> Fragments:
    """Find the nearest triangle at every pixel centre.

    Args:
        vertices_camera: metres, camera axes (x right, y down, z forward); at most one batch dimension.
        triangles: vertex indices, counter-clockwise seen from outside.
        cull_back_faces: leave out triangles seen from behind.
        near: geometry nearer than this many metres is cut away.

    Raises:
        DependencyMissing: the backend asked for is not installed.
    """
    chosen = choose_backend(backend, vertices_camera.device)
    leading = vertices_camera.shape[:-2]
    batch = vertices_camera.detach().reshape(math.prod(leading), *vertices_camera.shape[-2:])
    if chosen == "pytorch3d":
        from core.scene.rasterise_pytorch3d import rasterise_tensors

        triangle, barycentrics, depth = rasterise_tensors(batch, triangles, camera, near, cull_back_faces)
    else:
        triangle, barycentrics, depth = _numba(batch, triangles, camera, near, cull_back_faces)
    size = (camera.height, camera.width)
    return Fragments(
        triangle.reshape(*leading, *size),
        barycentrics.reshape(*leading, *size, 3),
        depth.reshape(*leading, *size),
    )


def _numba(
    batch: Tensor, triangles: Tensor, camera: Camera, near: float, cull_back_faces: bool
) -> tuple[Tensor, Tensor, Tensor]:
    indices = triangles.cpu().numpy()
    maps = [
        rasterise_arrays(
            vertices, indices, camera.intrinsics, camera.height, camera.width, near, cull_back_faces
        )
        for vertices in batch.cpu().numpy()
    ]
    triangle, barycentrics, depth = (
        torch.stack([torch.from_numpy(array) for array in arrays]).to(batch.device)
        for arrays in zip(*maps, strict=True)
    )
    return triangle, barycentrics, depth


def rasterise_uv(
    uv: Float[Tensor, "corners 2"],
    triangle_corners: Int[Tensor, "triangles 3"],
    size: int | tuple[int, int],
) -> Fragments:
    """Which triangle each texel of a UV map belongs to.

    Args:
        uv: in [0, 1], v up: row 0 of the map is v = 1.
        triangle_corners: indices into ``uv``; where triangles overlap, the first is kept.
        size: texture side, or (width, height), in texels.

    Returns:
        fragments of shape (height, width); depth is 1 where covered.
    """
    width, height = (size, size) if isinstance(size, int) else size
    camera = Camera(1.0, 1.0, 0.0, 0.0, width, height)
    positions = uv.detach().double()
    texels = torch.stack(
        [positions[:, 0] * width, (1 - positions[:, 1]) * height, torch.ones_like(positions[:, 0])], dim=-1
    )
    return rasterise(texels, triangle_corners, camera, backend="numba")
