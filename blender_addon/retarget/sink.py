# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a performance goes: into actions, or straight into the scene's values."""

from __future__ import annotations

from typing import Any, Protocol

import bpy
import numpy as np


class Sink(Protocol):
    """Takes the samples of properties."""

    def write(
        self,
        owner: bpy.types.ID,
        path: str,
        frames: np.ndarray,
        values: np.ndarray,
        index: int = 0,
        group: str = "",
    ) -> None:
        """Samples at frames; ``index`` is the component of a vector."""


class DirectSink:
    """Sets properties to the last sample, without keyframes, and can put back what they were.

    Things are remembered by name, since undo makes everything anew.
    """

    def __init__(self) -> None:
        self._before: dict[tuple[str, str, str, int], float] = {}

    def write(
        self,
        owner: bpy.types.ID,
        path: str,
        frames: np.ndarray,
        values: np.ndarray,
        index: int = 0,
        group: str = "",
    ) -> None:
        """See :class:`Sink`."""
        before = _set(owner, path, index, float(values[-1]))
        place = "shape_keys" if isinstance(owner, bpy.types.Key) else "objects"  # in bpy.data
        self._before.setdefault((place, owner.name, path, index), before)

    def put_back(self) -> None:
        """Give everything that still exists the value that it had before the first sample."""
        for (place, name, path, index), value in self._before.items():
            owner = getattr(bpy.data, place).get(name)
            try:
                if owner is not None:
                    _set(owner, path, index, value)
            except (ValueError, AttributeError):
                continue  # the key or the bone is gone
        self._before.clear()


def _set(owner: bpy.types.ID, path: str, index: int, value: float) -> float:
    """Set a property; what it was."""
    prefix, _, name = path.rpartition(".")
    thing: Any = owner.path_resolve(prefix) if prefix else owner
    now = getattr(thing, name)
    if isinstance(now, float):
        if now != value:  # every assignment has the scene drawn again
            setattr(thing, name, value)
        return now
    before = float(now[index])
    if before != value:
        now[index] = value
    return before
