# SPDX-License-Identifier: GPL-3.0-or-later
"""Offsets that the server made, as shape keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np

from .geometry import rest_of, turn_of

_UNMOVED = 1e-5  # of the largest offset: keys that move another mesh by less leave it out


class KeysUnreadable(Exception):
    """The file is damaged, or the meshes have changed since they were sent."""


def add_keys(items: Sequence[bpy.types.Object], path: Path) -> int:
    """Give meshes their shape keys; how many there are.

    The mesh that moves most gets all, the others those that move them. Keys of the same name are replaced.

    Raises:
        KeysUnreadable: the file is damaged, or belongs to other meshes.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            names, offsets = [str(name) for name in file["names"]], file["offsets"]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise KeysUnreadable(f"{path}: {error}") from error
    counts = [len(item.data.vertices) for item in items]
    if offsets.shape != (len(names), sum(counts), 3) or not np.isfinite(offsets).all():
        raise KeysUnreadable(f"{path}: {offsets.shape[1:2]} / {sum(counts)}")
    pieces = np.split(offsets.astype(np.float64), np.cumsum(counts)[:-1], axis=1)
    moved = [float(np.abs(piece).max()) if piece.size else 0.0 for piece in pieces]
    face = int(np.argmax([np.abs(piece).sum() for piece in pieces]))
    least = _UNMOVED * max(moved)
    for number, (item, piece) in enumerate(zip(items, pieces)):  # noqa: B905 (as many)
        if number != face and moved[number] <= least:
            continue
        own = piece @ np.linalg.inv(turn_of(item)).T
        chosen = [n for n in range(len(names)) if number == face or np.abs(piece[n]).max() > least]
        _write(item, {names[n]: own[n] for n in chosen})
    return len(names)


def _write(item: bpy.types.Object, offsets: dict[str, np.ndarray]) -> None:
    if item.data.shape_keys is None:
        item.shape_key_add(name="Basis", from_mix=False)
    blocks = item.data.shape_keys.key_blocks
    rest = np.empty(3 * len(item.data.vertices), np.float32)
    rest_of(item.data).foreach_get("co", rest)
    for name, offset in offsets.items():
        key = blocks.get(name)
        if key is None:
            key = item.shape_key_add(name=name, from_mix=False)
            key.slider_min, key.slider_max = 0.0, 1.0
            key.value = 0.0  # Blender 5.0 starts new keys at 1
        key.data.foreach_set("co", (rest + offset.ravel()).astype(np.float32))
    item.data.shape_keys.use_relative = True
    item.data.update()
