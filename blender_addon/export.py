# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a head that stands in the open file to .blend, .glb or .obj."""

from __future__ import annotations

from pathlib import Path

import bpy

from .build import Head
from .rig_file import RigFile


def write_blend(head: Head, rig: RigFile, path: Path) -> None:
    """Save the open file, textures inside."""
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, check_existing=False)


def write_glb(head: Head, rig: RigFile, path: Path) -> None:
    """A binary glTF with the keys as named morph targets and the bones as a skin."""
    _select(head)
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        export_format="GLB",
        use_selection=True,
        export_morph=True,
        export_skins=True,
        export_animations=False,
        export_extras=True,
    )


def write_obj(head: Head, rig: RigFile, path: Path) -> None:
    """The neutral head in quads with its UVs, a material file and the textures beside it."""
    _select(head)
    for spec, material in zip(rig.materials, head.mesh.data.materials):  # noqa: B905 (built from each other)
        if spec.texture is None:
            continue
        beside = path.with_name(f"{path.stem}_{spec.texture}")
        beside.write_bytes(rig.textures[spec.texture])
        for node in material.node_tree.nodes:
            if node.type == "TEX_IMAGE":
                node.image.filepath = str(beside)  # the exporter writes the name of an image's file
    bpy.ops.wm.obj_export(
        filepath=str(path),
        export_selected_objects=True,
        apply_modifiers=False,
        export_triangulated_mesh=False,
        export_uv=True,
        export_normals=True,
        export_materials=True,
        path_mode="STRIP",
    )


def _select(head: Head) -> None:
    bpy.context.view_layer.update()  # objects linked since the last update are not yet in the layer
    for item in bpy.context.view_layer.objects:
        item.select_set(item in (head.mesh, head.armature))
    bpy.context.view_layer.objects.active = head.mesh
