# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a head together: mesh, keys, materials and bones, in a collection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy

from .. import rig_photos
from ..rig_file import RigFile
from .armature import bone_name, build_armature
from .displacement import add_displacement
from .materials import build_materials, pack_image
from .mesh import add_shape_keys, add_vertex_groups, build_mesh

# Custom properties of a head's mesh object. They travel with it through save, link and append, and can be
# read without the add-on.
RIG_ID_PROPERTY = "semblance_rig_id"  # the armature has it too
MODEL_PROPERTY = "semblance_model"
PHOTOS_PROPERTY = "semblance_photos"  # JSON; see rig_photos
PREVIEWS_PROPERTY = "semblance_previews"  # file name → image
_KINDS = ("collections", "objects", "meshes", "armatures", "materials", "node_groups", "images")


@dataclass(frozen=True)
class Head:
    """A head in Blender. Keep ``mesh.name`` or the rig's id, not this, across undo and file loads."""

    collection: bpy.types.Collection
    mesh: bpy.types.Object
    armature: bpy.types.Object


def build_head(rig: RigFile, parent: bpy.types.Collection) -> Head:
    """Build a rig's head in a new collection under ``parent``.

    The head is one object with all 52 keys, so that eyes, teeth, tongue and lashes follow the face.
    Selection, active object and mode stay as they are. When something fails, nothing stays behind.
    """
    with nothing_left_behind():
        return _build(rig, parent)


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Remove what was made meanwhile, when something fails."""
    before = _data_blocks()
    try:
        yield
    except BaseException:
        _remove(_data_blocks() - before)
        raise


def _data_blocks() -> set[bpy.types.ID]:
    return {block for kind in _KINDS for block in getattr(bpy.data, kind)}


def _remove(blocks: set[bpy.types.ID]) -> None:
    for block in blocks:
        if isinstance(block, bpy.types.Object) and block.type == "MESH":
            block.shape_key_clear()  # Blender 3.4 forgets to remove a mesh's keys with it
    bpy.data.batch_remove(blocks)


def _build(rig: RigFile, parent: bpy.types.Collection) -> Head:
    name = rig.name.strip()[:40] or "Head"  # room for the endings within the 63 bytes of a Blender name
    mesh = bpy.data.objects.new(name, build_mesh(rig, name, build_materials(rig, name)))
    add_shape_keys(rig, mesh)
    add_displacement(rig, mesh, name)
    add_vertex_groups(rig, mesh, [bone_name(joint) for joint in rig.joint_names])
    armature = build_armature(rig, f"{name} bones")
    mesh.parent = armature
    _add_modifiers(mesh, armature)
    tag(rig, mesh, armature)
    collection = bpy.data.collections.new(name)
    collection.objects.link(armature)
    collection.objects.link(mesh)
    parent.children.link(collection)
    return Head(collection, mesh, armature)


def tag(rig: RigFile, mesh: bpy.types.Object, armature: bpy.types.Object) -> None:
    """Let a head's objects say which rig they are of, and carry its photos; earlier pictures go."""
    old = mesh.get(PREVIEWS_PROPERTY)
    before = [image for image in old.values() if image] if old is not None else []
    mesh[RIG_ID_PROPERTY] = armature[RIG_ID_PROPERTY] = rig.rig_id
    mesh[MODEL_PROPERTY] = rig.model
    mesh[PHOTOS_PROPERTY] = rig_photos.to_text(rig.photos)
    mesh[PREVIEWS_PROPERTY] = {
        name: pack_image(content, f"{mesh.name} {name}") for name, content in rig.previews.items()
    }
    bpy.data.batch_remove([image for image in before if image.users == 0])


def _add_modifiers(mesh: bpy.types.Object, armature: bpy.types.Object) -> None:
    deform = mesh.modifiers.new("Armature", "ARMATURE")
    deform.object = armature
    smooth = mesh.modifiers.new("Subdivision", "SUBSURF")
    smooth.levels = 0  # the viewport plays at full speed; renders are smooth
    smooth.render_levels = 2
