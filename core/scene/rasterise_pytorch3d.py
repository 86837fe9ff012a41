"""PyTorch3D's rasteriser behind the project's interface: other axes and units, the same fragments."""

from __future__ import annotations

import torch
from jaxtyping import Float, Float32, Int, Int32
from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
from pytorch3d.structures import Meshes
from torch import Tensor


def rasterise_tensors(
    batch: Float[Tensor, "batch vertices 3"],
    triangles: Int[Tensor, "triangles 3"] | Int[Tensor, "batch triangles 3"],
    intrinsics: Float[Tensor, "batch 4"],
    height: int,
    width: int,
    near: float,
    cull_back_faces: bool,
) -> tuple[
    Int32[Tensor, "batch height width"],
    Float32[Tensor, "batch height width 3"],
    Float32[Tensor, "batch height width"],
]:
    """Triangle, barycentrics and depth as :class:`core.scene.rasterise.Fragments` holds them."""
    batch = batch.float()
    count = triangles.shape[-2]
    if batch.shape[0] * batch.shape[1] * count == 0:
        shape = (len(batch), height, width)
        empty = torch.full(shape, -1, dtype=torch.int32, device=batch.device)
        return empty, batch.new_zeros(*shape, 3), batch.new_full(shape, torch.inf)
    meshes = Meshes(
        verts=_image_space(batch, intrinsics.to(batch), height, width),
        faces=triangles.to(batch.device).expand(len(batch), -1, -1),
    )
    index, depth, barycentrics, _ = rasterize_meshes(
        meshes,
        image_size=(height, width),
        faces_per_pixel=1,
        perspective_correct=True,
        clip_barycentric_coords=True,
        cull_backfaces=cull_back_faces,
        z_clip_value=near,
        # On CUDA triangles are sorted into bins, and a bin that overflows drops some: leave room for all
        # (clipping at the near plane can cut a triangle in two).
        max_faces_per_bin=2 * count,
    )
    index, depth, barycentrics = index[..., 0], depth[..., 0], barycentrics[..., 0, :]
    covered = index >= 0
    # PyTorch3D counts triangles through the whole batch.
    first = torch.arange(len(batch), device=batch.device).reshape(-1, 1, 1) * count
    return (
        (index - first).where(covered, index.new_tensor(-1)).int(),
        barycentrics.where(covered.unsqueeze(-1), barycentrics.new_zeros(())),
        depth.where(covered, depth.new_tensor(torch.inf)),
    )


def _image_space(points: Tensor, intrinsics: Tensor, height: int, width: int) -> Tensor:
    """PyTorch3D's image space: x left, y up, the shorter side of the image spans [-1, 1]; z stays metres."""
    fx, fy, cx, cy = intrinsics.unsqueeze(1).unbind(-1)
    half = min(width, height) / 2
    x, y, z = points.unbind(-1)
    across = (width / 2 - cx) * z - fx * x
    down = (height / 2 - cy) * z - fy * y
    # PyTorch3D multiplies by z again when it clips, so points behind the camera are divided by it as well.
    safe = z.where(z.abs() > 1e-6, z.new_tensor(1e-6))
    return torch.stack([across / safe / half, down / safe / half, z], dim=-1)
