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

Backend = Literal["auto", "numba", "triton", "pytorch3d"]
DEFAULT_NEAR = 0.01
_BACKEND_NAMES = {"triton": "Triton", "pytorch3d": "PyTorch3D"}
_BACKEND_HOMES = {
    "triton": "https://github.com/triton-lang/triton (it comes with PyTorch's CUDA builds)",
    "pytorch3d": "https://github.com/facebookresearch/pytorch3d",
}


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


def choose_backend(backend: Backend, device: torch.device) -> Literal["numba", "triton", "pytorch3d"]:
    """Resolve ``auto``: for tensors on CUDA Triton, else PyTorch3D, where installed; Numba for all others.

    Raises:
        DependencyMissing: a backend was asked for by name and is not installed.
    """
    if backend in ("triton", "pytorch3d") and importlib.util.find_spec(backend) is None:
        raise DependencyMissing(
            f"The rasteriser {_BACKEND_NAMES[backend]} was asked for, but it is not installed.",
            f"Install it from {_BACKEND_HOMES[backend]}, or use the Numba rasteriser.",
        )
    if backend != "auto":
        return backend
    if device.type == "cuda":
        if importlib.util.find_spec("triton") is not None:
            return "triton"
        if importlib.util.find_spec("pytorch3d") is not None:
            return "pytorch3d"
    return "numba"


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
    leading = vertices_camera.shape[:-2]
    batch = vertices_camera.reshape(math.prod(leading), *vertices_camera.shape[-2:])
    intrinsics = torch.tensor(camera.intrinsics, dtype=torch.float64).expand(len(batch), 4)
    fragments = rasterise_batch(
        batch, triangles, intrinsics, camera.height, camera.width,
        backend=backend, cull_back_faces=cull_back_faces, near=near,
    )  # fmt: skip
    size = (camera.height, camera.width)
    return Fragments(
        fragments.triangle.reshape(*leading, *size),
        fragments.barycentrics.reshape(*leading, *size, 3),
        fragments.depth.reshape(*leading, *size),
    )


def rasterise_batch(
    vertices_camera: Float[Tensor, "batch vertices 3"],
    triangles: Int[Tensor, "triangles 3"] | Int[Tensor, "batch triangles 3"],
    intrinsics: Float[Tensor, "batch 4"],
    height: int,
    width: int,
    *,
    backend: Backend = "auto",
    cull_back_faces: bool = False,
    near: float = DEFAULT_NEAR,
) -> Fragments:
    """:func:`rasterise` of pictures that each have their own camera.

    Args:
        triangles: of all pictures, or of each; a triangle of three equal indices is padding and draws
            nothing.
        intrinsics: fx, fy, cx, cy of each picture, in pixels.
        height, width: of every picture, in pixels.

    Raises:
        DependencyMissing: the backend asked for is not installed.
    """
    chosen = choose_backend(backend, vertices_camera.device)
    arguments = (
        vertices_camera.detach(), triangles, intrinsics.detach(), height, width, near, cull_back_faces
    )  # fmt: skip
    if chosen == "triton":
        from core.scene import rasterise_triton

        return Fragments(*rasterise_triton.rasterise_tensors(*arguments))
    if chosen == "pytorch3d":
        from core.scene import rasterise_pytorch3d

        return Fragments(*rasterise_pytorch3d.rasterise_tensors(*arguments))
    return Fragments(*_numba(*arguments))


def _numba(
    batch: Tensor, triangles: Tensor, intrinsics: Tensor, height: int, width: int, near: float, cull: bool
) -> tuple[Tensor, Tensor, Tensor]:
    shape = (len(batch), height, width)
    triangle = torch.empty(shape, dtype=torch.int32)
    barycentrics = torch.empty(*shape, 3)
    depth = torch.empty(shape)
    indices = triangles.cpu().numpy()
    lenses = intrinsics.double().tolist()
    for k, vertices in enumerate(batch.cpu().numpy()):
        own = indices[k] if indices.ndim == 3 else indices
        maps = rasterise_arrays(vertices, own, tuple(lenses[k]), height, width, near, cull)
        for tensor, array in zip((triangle, barycentrics, depth), maps, strict=True):
            tensor[k] = torch.from_numpy(array)
    return triangle.to(batch.device), barycentrics.to(batch.device), depth.to(batch.device)


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
