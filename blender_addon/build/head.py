# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a head together: mesh, keys, materials and bones, in a collection of its own."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..rig_file import RigFile
from .armature import bone_name, build_armature
from .materials import build_materials
from .mesh import add_shape_keys, add_vertex_groups, build_mesh

RIG_ID_PROPERTY = "semblance_rig_id"
_KINDS = ("collections", "objects", "meshes", "armatures", "materials", "images")


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
    before = _data_blocks()
    try:
        return _build(rig, parent)
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
    add_vertex_groups(rig, mesh, [bone_name(joint) for joint in rig.joint_names])
    armature = build_armature(rig, f"{name} bones")
    mesh.parent = armature
    _add_modifiers(mesh, armature)
    mesh[RIG_ID_PROPERTY] = rig.rig_id
    armature[RIG_ID_PROPERTY] = rig.rig_id
    collection = bpy.data.collections.new(name)
    collection.objects.link(armature)
    collection.objects.link(mesh)
    parent.children.link(collection)
    return Head(collection, mesh, armature)


def _add_modifiers(mesh: bpy.types.Object, armature: bpy.types.Object) -> None:
    deform = mesh.modifiers.new("Armature", "ARMATURE")
    deform.object = armature
    smooth = mesh.modifiers.new("Subdivision", "SUBSURF")
    smooth.levels = 0  # the viewport plays at full speed; renders are smooth
    smooth.render_levels = 2
