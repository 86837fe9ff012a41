# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks as empties, children of the mesh, so that they can be moved by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from .geometry import Y_UP, matrix_to_y_up

FORMAT = "semblance-landmarks"
NAME_PROPERTY = "semblance_landmark"
FOUND_PROPERTY = "semblance_landmarks"  # on the mesh: JSON, name -> place in the mesh's own coordinates

# Millimetres from the middle between the eyes, +Y up: where they stand before anyone knows better.
TEMPLATE = {
    "eye_outer_left": (44, -1, 9),
    "eye_inner_left": (17, -4, 13),
    "lid_upper_left": (34, 3, 17),
    "lid_lower_left": (32, -6, 15),
    "eye_outer_right": (-44, -1, 9),
    "eye_inner_right": (-17, -4, 13),
    "lid_upper_right": (-34, 3, 17),
    "lid_lower_right": (-32, -6, 15),
    "brow_inner_left": (14, 18, 27),
    "brow_middle_left": (41, 21, 17),
    "brow_outer_left": (56, 13, -2),
    "brow_inner_right": (-14, 18, 27),
    "brow_middle_right": (-41, 21, 17),
    "brow_outer_right": (-56, 13, -2),
    "nose_bridge": (0, 2, 24),
    "nose_tip": (0, -41, 44),
    "nose_base": (-0, -47, 38),
    "nose_wing_left": (19, -39, 20),
    "nose_wing_right": (-19, -39, 20),
    "mouth_corner_left": (24, -69, 21),
    "mouth_corner_right": (-24, -69, 21),
    "lip_upper_top": (0, -60, 34),
    "lip_upper_bottom": (0, -67, 31),
    "lip_lower_top": (-0, -69, 29),
    "lip_lower_bottom": (-0, -80, 30),
    "lip_upper_left": (14, -61, 29),
    "lip_upper_right": (-14, -61, 29),
    "lip_lower_left": (14, -77, 27),
    "lip_lower_right": (-14, -77, 27),
    "chin": (0, -110, 10),
    "jaw_left": (59, -66, -50),
    "jaw_right": (-59, -66, -50),
    "cheek_left": (37, -42, 14),
    "cheek_right": (-37, -42, 14),
}
_HEAD_HEIGHT = 230.0  # millimetres of the template's head
_EYES_BELOW_TOP = 0.48  # of the head's height
_HEAD_OF_BODY = 0.14  # of its height
_BODY = 2.2  # heights over widths
_SIZE = 0.012  # of an empty, in heights of the head


def show_landmarks(mesh: bpy.types.Object) -> list[bpy.types.Object]:
    """Empties for all landmarks of a mesh: its own, and new ones where they were found or guessed."""
    own = {str(item[NAME_PROPERTY]): item for item in landmarks_of([mesh])}
    places = {**_guess(mesh), **_found(mesh)}
    height = _head(mesh)[2]
    for name, place in places.items():
        if name in own:
            continue
        item = bpy.data.objects.new(name, None)
        item[NAME_PROPERTY] = name
        item.empty_display_type = "SPHERE"
        scale = max(abs(value) for value in mesh.matrix_world.to_scale()) or 1.0
        item.empty_display_size = _SIZE * height / scale
        item.show_in_front = True
        item.parent = mesh
        item.location = place
        for collection in mesh.users_collection:
            collection.objects.link(item)
        own[name] = item
    return list(own.values())


def hide_landmarks(mesh: bpy.types.Object) -> int:
    """Take the empties away, and keep where they stood; how many there were."""
    items = landmarks_of([mesh])
    places = {**_found(mesh), **{str(item[NAME_PROPERTY]): list(_local(mesh, item)) for item in items}}
    mesh[FOUND_PROPERTY] = json.dumps({name: list(place) for name, place in places.items()})
    for item in items:
        bpy.data.objects.remove(item)
    return len(items)


def landmarks_of(meshes: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """The empties of meshes."""
    return [item for mesh in meshes for item in mesh.children if NAME_PROPERTY in item]


def document_of(meshes: Sequence[bpy.types.Object]) -> dict[str, Any] | None:
    """The landmarks that stand, as the server reads them; none where none do."""
    items = landmarks_of(meshes)
    if not items:
        return None
    points = {
        str(item[NAME_PROPERTY]): (Y_UP @ np.array(item.matrix_world.translation, np.float64)).tolist()
        for item in items
        if item[NAME_PROPERTY] in TEMPLATE
    }
    return {"format": FORMAT, "schema": 1, "points": points}


def keep_landmarks(mesh: bpy.types.Object, document: Mapping[str, Any]) -> None:
    """Remember on the mesh where the server found them; empties that stand stay as they are.

    Raises:
        ValueError: the document holds something else.
    """
    try:
        points = {str(name): [float(x) for x in place] for name, place in document["points"].items()}
        to_mesh = mesh.matrix_world.inverted_safe() @ matrix_to_y_up().inverted()
        mesh[FOUND_PROPERTY] = json.dumps({name: list(to_mesh @ Vector(p)) for name, p in points.items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{error} is missing or of another type") from error


def _found(mesh: bpy.types.Object) -> dict[str, tuple[float, ...]]:
    try:
        kept = json.loads(str(mesh.get(FOUND_PROPERTY, "{}")))
        return {name: tuple(map(float, kept[name])) for name in kept if name in TEMPLATE}
    except (ValueError, TypeError):
        return {}  # someone else's property


def _guess(mesh: bpy.types.Object) -> dict[str, tuple[float, ...]]:
    low, high, height = _head(mesh)
    eyes = np.array([(low[0] + high[0]) / 2, high[1] - _EYES_BELOW_TOP * height, high[2] - 0.2 * height])
    to_mesh = mesh.matrix_world.inverted_safe() @ matrix_to_y_up().inverted()
    unit = height / _HEAD_HEIGHT
    return {name: tuple(to_mesh @ Vector(eyes + unit * np.array(p))) for name, p in TEMPLATE.items()}


def _head(mesh: bpy.types.Object) -> tuple[np.ndarray, np.ndarray, float]:
    """Corners of the mesh's box, +Y up, and the height of the head."""
    box = np.array([Y_UP @ np.array(mesh.matrix_world @ Vector(corner)) for corner in mesh.bound_box])
    low, high = box.min(axis=0), box.max(axis=0)
    height, width = high[1] - low[1], max(high[0] - low[0], 1e-9)
    return low, high, max(float(height * (_HEAD_OF_BODY if height > _BODY * width else 1.0)), 1e-9)


def _local(mesh: bpy.types.Object, item: bpy.types.Object) -> Vector:
    return mesh.matrix_world.inverted_safe() @ item.matrix_world.translation
