"""Z-buffer rasteriser on CUDA, for batches of small pictures.

As in the Numba rasteriser, vertices are projected in double precision and snapped to 1/65536 pixel; edge
functions are then 64-bit integers, hence exact, so that with the top-left rule a pixel centre on a shared
edge belongs to exactly one of its two triangles. The depth test is one atomic minimum over (depth, triangle).

One thread draws one small triangle; triangles of many pixels go to a queue whose members are drawn by whole
programs. Triangles that pass through the near plane, or reach far outside the picture, are drawn without
projecting their corners (Olano and Greer, Triangle Scan Conversion using 2D Homogeneous Coordinates, 1997):
along their edges to snapped neighbours, pixels may be missing within 1/65536 pixel.
"""

from __future__ import annotations

from typing import Final

import torch
import triton
from jaxtyping import Float, Float32, Int, Int32
from torch import Tensor

from core.scene.triton_edges import NOTHING, REACH, SUBPIXELS
from core.scene.triton_kernels import draw_small, project, resolve
from core.scene.triton_large import draw_large

LARGEST_SIDE: Final = REACH.value // SUBPIXELS.value
# Triangles for one warp. Triton's interpreter pays for every program instead, and runs few large ones.
_TRIANGLES, _TRIANGLES_INTERPRETED = 32, 4096
_PIXELS, _PIXELS_INTERPRETED = 256, 1 << 16
_VERTICES = 256
_QUEUE_PROGRAMS, _QUEUE_PROGRAMS_INTERPRETED = 4096, 1


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
    """Triangle, barycentrics and depth as :class:`core.scene.rasterise.Fragments` holds them.

    Triangles with an index that is no vertex draw nothing.

    Raises:
        ValueError: the tensors are not on CUDA (and Triton does not interpret), or the picture is too large.
    """
    device = batch.device
    interpreted = not isinstance(project, triton.JITFunction)
    if device.type != "cuda" and not interpreted:
        raise ValueError(f"Triton draws tensors on CUDA, not on {device}")
    if max(height, width) >= LARGEST_SIDE:
        raise ValueError(f"a picture of {width} by {height} pixels; the largest side is {LARGEST_SIDE - 1}")
    shape = (len(batch), height, width)
    triangle = torch.empty(shape, dtype=torch.int32, device=device)
    barycentrics = torch.empty(*shape, 3, device=device)
    depth = torch.empty(shape, device=device)
    if triangle.numel() == 0:
        return triangle, barycentrics, depth
    count = batch.shape[1], triangles.shape[-2]
    vertices = (batch if batch.dtype == torch.float64 else batch.float()).contiguous()
    cameras = intrinsics.to(device, torch.float64).contiguous()
    faces = triangles.to(device, torch.int32).contiguous()
    stride = count[1] if triangles.dim() == 3 else 0
    # where pictures have pixels of this key, they see nothing
    keys = torch.full(shape, NOTHING.value, dtype=torch.int64, device=device)
    pixels = torch.empty(len(batch), count[0], 2, dtype=torch.int32, device=device)
    mesh = (vertices, pixels, cameras, faces, stride, *count)
    per_program = _TRIANGLES_INTERPRETED if interpreted else _TRIANGLES
    side = _PIXELS_INTERPRETED if interpreted else _PIXELS
    with torch.cuda.device_of(batch):
        if count[0] * count[1]:
            queue = torch.empty(len(batch) * count[1], dtype=torch.int64, device=device)
            waiting = torch.zeros(1, dtype=torch.int32, device=device)
            total = len(batch) * count[0]
            project[(triton.cdiv(total, _VERTICES),)](
                vertices, cameras, pixels, total, count[0], near, BLOCK=_VERTICES, enable_fp_fusion=False
            )
            blocks = triton.cdiv(count[1], per_program)
            draw_small[(len(batch) * blocks,)](
                *mesh, keys, height, width, queue, waiting, blocks,
                CULL=cull_back_faces, BLOCK=per_program, num_warps=1,
            )  # fmt: skip
            programs = min(len(queue), _QUEUE_PROGRAMS_INTERPRETED if interpreted else _QUEUE_PROGRAMS)
            draw_large[(programs,)](
                *mesh, keys, height, width, queue, waiting, near,
                CULL=cull_back_faces, BLOCK=side, enable_fp_fusion=False,
            )  # fmt: skip
        blocks = triton.cdiv(height * width, side)
        resolve[(len(batch) * blocks,)](
            *mesh, keys, height, width, triangle, barycentrics, depth, blocks,
            BLOCK=side, enable_fp_fusion=False,
        )  # fmt: skip
    return triangle, barycentrics, depth
