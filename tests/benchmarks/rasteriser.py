"""Speed of the rasteriser backends on one head, and how far their pictures agree.

    python -m tests.benchmarks.rasteriser
    python -m tests.benchmarks.rasteriser --mesh head.obj --sizes 224,512
    python -m tests.benchmarks.rasteriser --device cuda

Where there is a CUDA device, Triton draws batches of the head on it, beside Numba on the CPU.
Prints one table row a size and backend (median of several runs, after one to warm up), the ratio between
backends, their agreement, and the time of the first call in a new process with and without Numba's cache.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import trimesh
import typer
from torch import Tensor

from core.face_model.registry import load_model
from core.scene.camera import Camera, portrait_camera, transform
from core.scene.interpolation import interpolate, recompute_barycentrics
from core.scene.rasterise import Fragments, rasterise, rasterise_batch

HEAD_HEIGHT = 0.3
BATCH = 64

FIRST_CALL = """
import time, torch
from core.scene.camera import Camera
from core.scene.rasterise import rasterise
corners, triangle = torch.tensor([[0.0, 0, 1], [1, 0, 1], [0, 1, 1]]), torch.tensor([[0, 1, 2]])
start = time.perf_counter()
rasterise(corners, triangle, Camera(9, 9, 4, 4, 8, 8), backend="numba")
print(time.perf_counter() - start)
"""


def main(
    mesh: Annotated[Path | None, typer.Option(help="mesh file; the default face model if not given")] = None,
    sizes: Annotated[str, typer.Option(help="image sides in pixels, separated by commas")] = "224,512",
    device: Annotated[str, typer.Option(help="where PyTorch3D runs")] = "cpu",
    repeats: int = 15,
    slow_repeats: Annotated[int, typer.Option(help="for PyTorch3D on the CPU")] = 3,
) -> None:
    """Time the backends and compare their fragments."""
    vertices, faces = _head(mesh)
    print(f"{len(vertices)} vertices, {len(faces)} triangles, {torch.get_num_threads()} torch threads")
    for size in (int(side) for side in sizes.split(",")):
        _benchmark(vertices, faces, size, device, repeats, repeats if device != "cpu" else slow_repeats)
    if torch.cuda.is_available():
        for size in (224, 448):
            _benchmark_batch(vertices, faces, size, repeats)
    with tempfile.TemporaryDirectory() as cache:
        for what in ("compiling", "from Numba's cache"):
            print(f"first call, {what}: {_first_call(cache):.2f} s")


def _benchmark(
    vertices: Tensor, faces: Tensor, size: int, device: str, repeats: int, peer_repeats: int
) -> None:
    camera, rotation, translation = portrait_camera(size, yaw=0.4, pitch=0.1)
    in_camera = transform(vertices, rotation, translation)
    numba, fragments = _median(lambda: rasterise(in_camera, faces, camera, backend="numba"), repeats)
    print(f"{size}²  numba      {1e3 * numba:10.2f} ms  covers {_share(fragments.covered):.1%}")
    seconds, _ = _median(lambda: _gradients(fragments, in_camera, faces, camera), repeats)
    print(f"{size}²  barycentrics, 3 channels, and gradients to vertices  {1e3 * seconds:.2f} ms")
    if importlib.util.find_spec("pytorch3d") is None:
        print(f"{size}²  pytorch3d  not installed")
        return
    moved, moved_faces = in_camera.to(device), faces.to(device)
    peer, other = _median(lambda: rasterise(moved, moved_faces, camera, backend="pytorch3d"), peer_repeats)
    print(f"{size}²  pytorch3d  {1e3 * peer:10.2f} ms on {device}: {peer / numba:.2f} times numba's")
    _compare(size, fragments, other)


def _benchmark_batch(vertices: Tensor, faces: Tensor, size: int, repeats: int) -> None:
    """A batch of heads that turn, each with its own camera."""
    poses = [portrait_camera(size, yaw=float(yaw)) for yaw in torch.linspace(-1, 1, BATCH)]
    batch = torch.stack([transform(vertices, rotation, translation) for _, rotation, translation in poses])
    lenses = torch.tensor([camera.intrinsics for camera, _, _ in poses])
    numba, fragments = _median(
        lambda: rasterise_batch(batch, faces, lenses, size, size, backend="numba"), min(repeats, 3)
    )
    print(f"{BATCH} of {size}²  numba   {1e3 * numba:10.2f} ms a batch")
    moved, moved_faces, moved_lenses = batch.cuda(), faces.cuda(), lenses.cuda()
    torch.cuda.reset_peak_memory_stats()
    peer, other = _median(
        lambda: rasterise_batch(moved, moved_faces, moved_lenses, size, size, backend="triton"), repeats
    )
    memory = torch.cuda.max_memory_allocated() / 2**20
    name = torch.cuda.get_device_name()
    print(f"{BATCH} of {size}²  triton  {1e3 * peer:10.2f} ms a batch on {name}, at most {memory:.0f} MiB")
    _compare(size, fragments, other)


def _head(path: Path | None) -> tuple[Tensor, Tensor]:
    """Vertices centred in space and scaled to a head's height, and triangles."""
    if path is None:
        model = load_model()
        return torch.from_numpy(model.template.copy()), torch.from_numpy(model.triangles.copy())
    loaded = trimesh.load_mesh(path, process=False)
    vertices = torch.tensor(loaded.vertices, dtype=torch.float32)
    low, high = vertices.min(0).values, vertices.max(0).values
    return (vertices - (low + high) / 2) * (HEAD_HEIGHT / (high - low)[1]), torch.tensor(loaded.faces)


def _median(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    result = work()
    times = []
    for _ in range(repeats):
        _wait()
        start = time.perf_counter()
        result = work()
        _wait()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _gradients(fragments: Fragments, vertices: Tensor, faces: Tensor, camera: Camera) -> None:
    variable = vertices.clone().requires_grad_()
    barycentrics = recompute_barycentrics(fragments, variable, faces, camera)
    interpolate(fragments, faces, vertices, barycentrics).sum().backward()


def _share(mask: Tensor) -> float:
    return float(mask.float().mean())


def _compare(size: int, first: Fragments, second: Fragments) -> None:
    second = Fragments(second.triangle.cpu(), second.barycentrics.cpu(), second.depth.cpu())
    same = first.triangle == second.triangle
    inside = same & first.covered
    depth = (first.depth[inside] - second.depth[inside]).abs().max()
    barycentrics = (first.barycentrics[inside] - second.barycentrics[inside]).abs().max()
    print(
        f"{size}²  agreement: triangle {_share(same):.4%} of pixels ({int((~same).sum())} differ), "
        f"largest difference of barycentrics {float(barycentrics):.1e}, of depth {1e3 * float(depth):.1e} mm"
    )


def _first_call(cache: str) -> float:
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", FIRST_CALL]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    typer.run(main)
