# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds heads in the open file. Nothing is kept: objects change identity with every undo and load."""

from __future__ import annotations

import bpy

from .build import Head
from .build.head import PHOTOS_PROPERTY, PREVIEWS_PROPERTY, RIG_ID_PROPERTY
from .rig_photos import PhotoFit, from_text

CAMERA_PROPERTY = "semblance_photo_of"  # on such a camera: the rig's id
SHOWN_PROPERTY = "semblance_photo"  # ... and the number of the photo, from 0


def head_of(item: bpy.types.Object | None) -> Head | None:
    """The head that an object (its mesh or its armature) belongs to."""
    if item is None or RIG_ID_PROPERTY not in item:
        return None
    if item.type == "ARMATURE":
        mesh = next((child for child in item.children if child.type == "MESH" and _is_head(child)), None)
    else:
        mesh = item if _is_head(item) else None
    armature = (mesh.find_armature() or mesh.parent) if mesh else None
    if mesh is None or armature is None or not mesh.users_collection:
        return None
    return Head(mesh.users_collection[0], mesh, armature)


def _is_head(item: bpy.types.Object) -> bool:
    return item.type == "MESH" and RIG_ID_PROPERTY in item and item.data.shape_keys is not None


def find_head(rig_id: str, scene: bpy.types.Scene | None = None) -> Head | None:
    """The first head of a rig in a scene, or in the whole file."""
    if not rig_id:
        return None
    for item in scene.objects if scene else bpy.data.objects:
        if item.get(RIG_ID_PROPERTY) == rig_id and (head := head_of(item)):
            return head
    return None


def fit_camera(head: Head) -> bpy.types.Object | None:
    """The camera that shows a head over a photo, while there is one."""
    return next((child for child in head.armature.children if CAMERA_PROPERTY in child), None)


def photos_of(head: Head) -> tuple[PhotoFit, ...]:
    """The photos that a head was fitted to."""
    return from_text(str(head.mesh.get(PHOTOS_PROPERTY, "")))


def picture_of(head: Head, photo: PhotoFit) -> bpy.types.Image | None:
    """The small copy of a photo that travels with a head."""
    pictures = head.mesh.get(PREVIEWS_PROPERTY)
    return pictures.get(photo.preview) if pictures is not None and photo.preview else None


def keys_of(head: Head) -> bpy.types.bpy_prop_collection:
    """A head's shape keys, by name."""
    return head.mesh.data.shape_keys.key_blocks
