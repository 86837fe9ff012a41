# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's mesh: quads, UVs and shape keys, written in bulk."""

from __future__ import annotations

import bpy
import numpy as np

from .. import versions
from ..rig_file import RigFile


def build_mesh(rig: RigFile, name: str, materials: list[bpy.types.Material]) -> bpy.types.Mesh:
    """A smooth mesh with the rig's polygons, UVs and material slots, without shape keys."""
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(rig.neutral))
    mesh.vertices.foreach_set("co", rig.neutral.ravel())
    mesh.loops.add(len(rig.polygon_vertices))
    mesh.loops.foreach_set("vertex_index", rig.polygon_vertices)
    totals = np.diff(np.append(rig.polygon_starts, len(rig.polygon_vertices))).astype(np.int32)
    versions.set_polygons(mesh, rig.polygon_starts, totals)
    for material in materials:
        mesh.materials.append(material)
    mesh.polygons.foreach_set("material_index", rig.polygon_material)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(totals), bool))
    uv_map = mesh.uv_layers.new(name="UVMap", do_init=False)
    uv_map.data.foreach_set("uv", rig.uv.ravel())
    mesh.update(calc_edges=True)
    return mesh


def add_shape_keys(rig: RigFile, head: bpy.types.Object) -> None:
    """Give the head its Basis and one relative key, from 0 to 1, for each of the rig's expressions."""
    head.shape_key_add(name="Basis", from_mix=False)
    for name, offsets in zip(rig.shape_key_names, rig.shape_keys):  # noqa: B905 (checked on reading)
        key = head.shape_key_add(name=name, from_mix=False)
        key.slider_min, key.slider_max = 0.0, 1.0
        key.value = 0.0  # Blender 5.0 starts new keys at 1
        key.data.foreach_set("co", (rig.neutral + offsets).ravel())
    keys = head.data.shape_keys
    keys.name = head.name
    keys.use_relative = True
    head.active_shape_key_index = 0


def add_vertex_groups(rig: RigFile, head: bpy.types.Object, bone_names: list[str]) -> None:
    """Give the head one vertex group for each bone, holding its weights."""
    for bone_name, weights in zip(bone_names, rig.skin_weights.T):  # noqa: B905 (checked on reading)
        _add_group(head, bone_name, weights)


def _add_group(head: bpy.types.Object, name: str, weights: np.ndarray) -> None:
    """Vertices of the same weight are added together: there is no bulk call for weights that differ."""
    group = head.vertex_groups.get(name) or head.vertex_groups.new(name=name)
    used = np.flatnonzero(weights)
    levels, level_of = np.unique(weights[used], return_inverse=True)
    order = np.argsort(level_of, kind="stable")
    cuts = np.searchsorted(level_of[order], np.arange(1, len(levels)))
    for level, members in zip(levels.tolist(), np.split(used[order], cuts)):  # noqa: B905 (same source)
        group.add(members.tolist(), level, "REPLACE")
