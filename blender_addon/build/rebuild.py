# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a head that stands in a scene the shape of another rig, and leaves what the user did to it."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from .. import versions
from ..rig_file import RigFile
from .armature import bone_name, set_bones
from .displacement import add_displacement, strength_of
from .head import Head, nothing_left_behind, tag
from .materials import build_materials
from .mesh import add_shape_keys, add_vertex_groups, build_mesh


def rebuild_head(rig: RigFile, head: Head) -> None:
    """Replace a head's mesh data, materials and bones by another rig's.

    The objects stay, and with them their pose, modifiers, constraints and animation; so do the values,
    drivers and animation of the keys. Keys that the user added stay where the two meshes have the same
    vertices. If something fails, the old mesh is back.
    """
    mesh, old = head.mesh, head.mesh.data
    with nothing_left_behind():
        new = build_mesh(rig, old.name, build_materials(rig, mesh.name))
        mesh.data = new
        try:
            _fill(rig, mesh, old)
        except BaseException:
            mesh.shape_key_clear()  # Blender 3.4 forgets to remove a mesh's keys with it
            mesh.data = old
            raise
    set_bones(rig, head.armature)
    tag(rig, mesh, head.armature)
    name = old.name
    if old.users == 0:
        _remove_mesh(old)
    new.name = name


def _fill(rig: RigFile, mesh: bpy.types.Object, old: bpy.types.Mesh) -> None:
    add_shape_keys(rig, mesh)
    add_displacement(rig, mesh, mesh.name)
    add_vertex_groups(rig, mesh, [bone_name(joint) for joint in rig.joint_names])
    if old.shape_keys:
        _keep_keys(old.shape_keys, mesh)
    before, after = strength_of(old), strength_of(mesh.data)
    if before is not None and after is not None:
        after.default_value = before.default_value


def _keep_keys(old: bpy.types.Key, mesh: bpy.types.Object) -> None:
    keys = mesh.data.shape_keys
    for key in old.key_blocks[1:]:
        kept = keys.key_blocks.get(key.name)
        if kept is None and len(key.data) == len(mesh.data.vertices):
            kept = mesh.shape_key_add(name=key.name, from_mix=False)
            offsets = _positions(key) - _positions(old.key_blocks[0])
            kept.data.foreach_set("co", (_positions(keys.key_blocks[0]) + offsets).ravel())
            kept.slider_min, kept.slider_max = key.slider_min, key.slider_max
        if kept is not None:
            kept.value, kept.mute = key.value, key.mute
    versions.copy_animation(old, keys)


def _positions(key: bpy.types.ShapeKey) -> np.ndarray:
    values = np.empty((len(key.data), 3), np.float32)
    key.data.foreach_get("co", values.ravel())
    return values


def _remove_mesh(mesh: bpy.types.Mesh) -> None:
    """Remove a mesh nobody uses, and the materials, node groups and pictures that it alone used."""
    materials = {material for material in mesh.materials if material}
    bpy.data.meshes.remove(mesh)
    unused = _unused(materials)
    groups, images = _in_nodes([material.node_tree for material in unused if material.node_tree])
    bpy.data.batch_remove(unused)
    unused = _unused(groups)
    images |= _in_nodes(unused)[1]
    bpy.data.batch_remove(unused)
    bpy.data.batch_remove(_unused(images))


def _unused(blocks: set[bpy.types.ID]) -> set[bpy.types.ID]:
    return {block for block in blocks if block.users == 0}


def _in_nodes(trees: Iterable[bpy.types.NodeTree]) -> tuple[set[bpy.types.ID], set[bpy.types.ID]]:
    """The node groups and pictures that trees name."""
    nodes = [node for tree in trees for node in tree.nodes]
    groups = {node.node_tree for node in nodes if node.type == "GROUP" and node.node_tree}
    return groups, {node.image for node in nodes if node.type == "TEX_IMAGE" and node.image}
