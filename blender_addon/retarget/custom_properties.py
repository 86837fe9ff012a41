# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom properties that a performance animates, for drivers of wrinkle maps and the like."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np

from .actions import Take, write_keys
from .animation_file import Animation


def owner_of_properties(animation: Animation, meshes: dict[str, bpy.types.Object]) -> bpy.types.Object | None:
    """The object that gets them: the mesh with the most animated shape keys, which is the face."""
    counts = {name: sum(curve.mesh == name for curve in animation.curves) for name in meshes}
    return meshes[max(counts, key=lambda name: counts[name])] if counts else None


def write_properties(
    take: Take,
    animation: Animation,
    owner: bpy.types.Object,
    frames_of: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Make the properties where they are missing, and write their curves into the take's action.

    Args:
        frames_of: frames of the scene for times in seconds.
    """
    for curve in animation.properties:
        if not isinstance(owner.get(curve.name), float):
            owner[curve.name] = 0.0
        shown = owner.id_properties_ui(curve.name)
        shown.update(min=0.0, max=1.0, soft_min=0.0, soft_max=1.0, default=0.0, description=curve.text)
        path = f'["{bpy.utils.escape_identifier(curve.name)}"]'
        write_keys(take.curve(owner, path, group="Wrinkles"), frames_of(curve.times), curve.values)
