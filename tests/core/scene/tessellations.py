"""Points and triangles before a small camera, in terms of its pixels."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from core.scene.camera import Camera

CAMERA = Camera(70.0, 65.0, 31.0, 22.5, 60, 45)


def unproject(
    pixels: Float[Tensor, "*batch 2"], depth: Float[Tensor, "*batch"], camera: Camera
) -> Float[Tensor, "*batch 3"]:
    """Points in camera axes that project to ``pixels`` at ``depth`` (their z, metres)."""
    x = (pixels[..., 0] - camera.cx) / camera.fx * depth
    y = (pixels[..., 1] - camera.cy) / camera.fy * depth
    return torch.stack([x, y, depth], dim=-1)


def at_depth(pixels: np.ndarray, depth: float | np.ndarray = 1.0) -> torch.Tensor:
    """Points in camera axes that project to ``pixels``."""
    depths = torch.from_numpy(np.broadcast_to(np.float64(depth), len(pixels)).copy())
    return unproject(torch.from_numpy(np.asarray(pixels, np.float64)), depths, CAMERA)


def tessellation(rng: np.random.Generator, cells: int, whole: bool) -> tuple[np.ndarray, torch.Tensor]:
    """Pixel positions of a jittered grid over the image, and its triangles with random diagonals.

    With ``whole`` the vertices lie on pixel centres and corners, where ties are.
    """
    across, down = np.meshgrid(np.linspace(-2, 62, cells + 1), np.linspace(-2, 47, cells + 1))
    pixels = np.stack([across, down], axis=-1)
    jitter = rng.uniform(-0.3, 0.3, pixels.shape) * np.array([64, 49]) / cells
    jitter[[0, -1]] = jitter[:, [0, -1]] = 0
    pixels = pixels + jitter
    if whole:
        pixels = np.round(pixels * 2) / 2
    corner = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    flip = rng.integers(0, 2, a.shape).astype(bool)
    # A cell may be hollow: then one of its diagonals lies outside, and the other is taken.
    inside = [
        turns(pixels, *one) & turns(pixels, *two)
        for one, two in (((a, b, c), (a, c, d)), ((a, b, d), (b, c, d)))
    ]
    flip = np.where(inside[0] & inside[1], flip, inside[0])
    first = np.where(flip[..., None], np.stack([a, b, c], -1), np.stack([a, b, d], -1))
    second = np.where(flip[..., None], np.stack([a, c, d], -1), np.stack([b, c, d], -1))
    triangles = np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)])
    return pixels.reshape(-1, 2), torch.from_numpy(triangles)


def turns(pixels: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Which triangles go the way that the grid's do."""
    at = pixels.reshape(-1, 2)
    (ux, uy), (vx, vy) = (np.moveaxis(at[end] - at[a], -1, 0) for end in (b, c))
    return ux * vy - uy * vx >= 0
