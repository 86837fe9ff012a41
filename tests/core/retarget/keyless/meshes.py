"""Meshes to transfer shapes to, and their file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.documents import pack_arrays
from core.retarget.keyless.mesh import TargetMesh


def ball(columns: int = 24) -> TargetMesh:
    """A ball of quads without a face."""
    rows = columns // 2
    down, around = np.meshgrid(np.linspace(0.1, 3.0, rows), np.arange(columns) / columns * 2 * np.pi)
    places = np.stack([np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)], axis=-1)
    index = np.arange(columns * rows).reshape(columns, rows)
    a, b = index[:, :-1], np.roll(index, -1, axis=0)[:, :-1]
    c, d = np.roll(index, -1, axis=0)[:, 1:], index[:, 1:]
    corners = np.stack([a, d, c, b], axis=-1).reshape(-1)
    count = len(corners) // 4
    return TargetMesh(
        places.reshape(-1, 3), corners, 4 * np.arange(count), np.zeros(columns * rows, np.int64)
    )


def write_mesh(mesh: TargetMesh, path: Path) -> None:
    """The ``.npz`` that :func:`core.retarget.keyless.mesh.read_mesh` reads."""
    path.write_bytes(
        pack_arrays({name: np.asarray(value) for name, value in asdict(mesh).items() if value is not None})
    )
