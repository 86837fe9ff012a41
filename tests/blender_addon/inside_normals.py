"""What the tests of normals for export do inside Blender. Imports nothing that Blender lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from blender_addon import export
from blender_addon.build import Head, build_head, rebuild_head
from blender_addon.build.materials import NORMALS
from blender_addon.rig_file import read_rig


def _new_head(rig_path: str) -> Head:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return build_head(read_rig(rig_path), bpy.context.scene.collection)


def _skin(head: Head) -> Any:
    return next(item.node_tree for item in head.mesh.data.materials if item.name.endswith(" skin"))


def _shader(tree: Any) -> Any:
    return next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")


def _trees(head: Head) -> list[Any]:
    """The materials' nodes and links."""
    return [
        [
            sorted([node.name, node.label, list(node.location)] for node in material.node_tree.nodes),
            sorted(
                [link.from_node.name, link.from_socket.name, link.to_node.name, link.to_socket.name]
                for link in material.node_tree.links
            ),
        ]
        for material in head.mesh.data.materials
    ]


def describe(rig_path: str) -> dict[str, Any]:
    """What a built head has for exporters."""
    head = _new_head(rig_path)
    node = _skin(head).nodes[NORMALS]
    picture = node.inputs["Color"].links[0].from_node
    return {
        "kind": [node.type, node.space, node.inputs["Strength"].default_value],
        "labels": [node.label, picture.label],
        "used": node.outputs["Normal"].is_linked or _shader(_skin(head)).inputs["Normal"].is_linked,
        "picture": [bool(picture.image.packed_file), picture.image.colorspace_settings.name],
        "materials": [NORMALS in item.node_tree.nodes for item in head.mesh.data.materials],
    }


def write(rig_path: str, folder: str) -> dict[str, Any]:
    """Write ``head.glb`` and ``head.obj``, then a .glb where none can be; the materials meanwhile."""
    head = _new_head(rig_path)
    told = {"built": _trees(head)}
    export.write_glb(head, Path(folder) / "head.glb")
    told["written"] = _trees(head)
    export.write_obj(head, Path(folder) / "head.obj")
    try:
        export.write_glb(head, Path(rig_path) / "head.glb")
    except (OSError, RuntimeError):
        told["failed"] = _trees(head)
    return told


def linked_by_hand(rig_path: str, other: str, folder: str) -> list[Any]:
    """Let the skin's shader use its normals, or another node's, and write; the materials before and after."""
    head = _new_head(rig_path)
    tree = _skin(head)
    node = tree.nodes.new(other) if other else tree.nodes[NORMALS]
    tree.links.new(node.outputs["Normal"], _shader(tree).inputs["Normal"])
    before = _trees(head)
    export.write_glb(head, Path(folder) / "head.glb")
    export.write_obj(head, Path(folder) / "head.obj")
    return [before, _trees(head)]


def rebuild(rig_path: str, plain_path: str) -> list[list[str]]:
    """Rebuild a head from another rig, and back: the pictures after each."""
    head = _new_head(rig_path)
    told = [_pictures()]
    for path in (rig_path, plain_path, rig_path):
        rebuild_head(read_rig(path), head)
        told.append(_pictures())
    return told


def _pictures() -> list[str]:
    return sorted(image.name.rpartition(".png")[0] for image in bpy.data.images)


def import_glb(path: str, pixels_path: str) -> dict[str, Any]:
    """Read a .glb back: its keys, and the picture that bends the skin's normals."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    # The importer of Blender 3.4 is older than the NumPy that Debian gives it.
    vars(np).setdefault("bool", bool)
    bpy.ops.import_scene.gltf(filepath=path)
    mesh = max((item for item in bpy.data.objects if item.type == "MESH"), key=lambda m: len(m.data.vertices))
    normal = {
        item.name: _shader(item.node_tree).inputs["Normal"].links[0].from_node
        for item in mesh.data.materials
        if _shader(item.node_tree).inputs["Normal"].is_linked
    }
    ((material, node),) = normal.items()
    image = node.inputs["Color"].links[0].from_node.image
    width, height = image.size
    np.save(pixels_path, np.array(image.pixels[:], np.float32).reshape(height, width, image.channels))
    return {
        "keys": len(mesh.data.shape_keys.key_blocks) - 1,
        "material": material,
        "node": [node.type, node.space, node.inputs["Strength"].default_value],
        "color space": image.colorspace_settings.name,
    }
