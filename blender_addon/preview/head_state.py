# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a head does at the current frame: after drivers, NLA, constraints and hand edits."""

from __future__ import annotations

import bpy
import numpy as np

from ..build import Head
from ..client.preview_messages import HeadState

_AXES = np.array(
    [[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]
)  # Semblance's +Y up, +Z front → Blender's +Z up, -Y front


def read_state(head: Head, names: tuple[str, ...], depsgraph: bpy.types.Depsgraph) -> HeadState:
    """The evaluated keys and bones of a head; nothing is evaluated anew.

    The head's bone includes what the neck does. What objects do as a whole is left out, and so are the jaw's
    bone and eyes that leave their place.

    Args:
        names: of the coefficients, in the order in which they are wanted; keys that lack count as 0.
    """
    armature = head.armature.evaluated_get(depsgraph)
    skull = _motion(armature, "head")
    # in the head's space v moves to A⁻¹ (M A v)
    turn = _rotation(_AXES.T @ skull[:3, :3] @ _AXES)
    return HeadState(
        _coefficients(head, names, depsgraph),
        turn,
        _AXES.T @ skull[:3, 3],
        np.stack([_eye(armature, name, skull) for name in ("eye.L", "eye.R")]),
    )


def _coefficients(head: Head, names: tuple[str, ...], depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    keys = head.mesh.data.shape_keys.evaluated_get(depsgraph).key_blocks
    values = np.zeros(len(keys), np.float32)
    muted = np.zeros(len(keys), bool)
    keys.foreach_get("value", values)
    keys.foreach_get("mute", muted)
    values[muted] = 0
    places = {name: index for index, name in enumerate(keys.keys())}
    return np.array([values[places[name]] if name in places else 0 for name in names], np.float32)


def _motion(armature: bpy.types.Object, bone: str) -> np.ndarray:
    """How a posed bone is away from its rest, in the armature's space; the identity where there is none."""
    posed = armature.pose.bones.get(bone)
    if posed is None:
        return np.eye(4)
    return np.array(posed.matrix @ posed.bone.matrix_local.inverted_safe())


def _eye(armature: bpy.types.Object, bone: str, skull: np.ndarray) -> np.ndarray:
    """An eye's turn within the head: ``M_head⁻¹ M_eye``."""
    own = _motion(armature, bone)
    return _rotation(_AXES.T @ np.linalg.pinv(skull[:3, :3]) @ own[:3, :3] @ _AXES)


def _rotation(matrix: np.ndarray) -> np.ndarray:
    """The nearest rotation (3, 3): bones may be scaled, too."""
    u, _, vt = np.linalg.svd(matrix)
    nearest: np.ndarray = (u * [1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    return nearest
