# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a character's file in a Blender without a window."""

from __future__ import annotations

from pathlib import Path

import bpy


class CharacterUnreadable(Exception):
    """The file cannot be read, or has no mesh."""


def open_character(path: Path) -> list[bpy.types.Object]:
    """The meshes of a .blend, .fbx, .glb, .gltf or .obj, in a scene of their own.

    Raises:
        CharacterUnreadable: see there.
    """
    try:
        if path.suffix.lower() == ".blend":
            bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
        else:
            bpy.ops.wm.read_factory_settings(use_empty=True)
            _import(path)
    except RuntimeError as error:
        raise CharacterUnreadable(f"{path.name} cannot be read: {str(error).strip()}") from error
    bpy.context.view_layer.update()
    found = [item for item in bpy.context.scene.objects if item.type == "MESH" and len(item.data.polygons)]
    if not found:
        raise CharacterUnreadable(f"{path.name} has no mesh.")
    return found


def _import(path: Path) -> None:
    ending = path.suffix.lower()
    if ending in (".glb", ".gltf"):
        bpy.ops.import_scene.gltf(filepath=str(path))
    elif ending == ".obj":
        bpy.ops.wm.obj_import(filepath=str(path))
    elif "fbx_import" in dir(bpy.ops.wm):  # since 4.5; reads the text form too
        bpy.ops.wm.fbx_import(filepath=str(path))
    else:
        bpy.ops.import_scene.fbx(filepath=str(path))
