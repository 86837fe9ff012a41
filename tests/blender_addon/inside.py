"""What the tests do inside Blender; results are plain values. Imports nothing that Blender lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from blender_addon import export
from blender_addon.build import Head, build_head, set_up_scene
from blender_addon.rig_file import RigFile, read_rig
from tests.blender_addon import retargeting

__all__ = ["retargeting"]  # called through this module


def _new_head(rig_path: str) -> tuple[RigFile, Head]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig = read_rig(rig_path)
    return rig, build_head(rig, bpy.context.scene.collection)


def _positions(owner: Any, attribute: str = "co") -> np.ndarray:
    values = np.empty((len(owner), 3), np.float32)
    owner.foreach_get(attribute, values.ravel())
    return values


def _weights(mesh: bpy.types.Object, group: bpy.types.VertexGroup) -> list[float]:
    def weight(vertex: bpy.types.MeshVertex) -> float:
        return sum(element.weight for element in vertex.groups if element.group == group.index)

    return [weight(vertex) for vertex in mesh.data.vertices]


def build(rig_path: str, arrays_path: str) -> dict[str, Any]:
    """Build a head and tell everything about it; arrays go to an npz file."""
    _, head = _new_head(rig_path)
    mesh = head.mesh.data
    keys = mesh.shape_keys.key_blocks
    basis = _positions(keys[0].data)
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    sizes = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", sizes)
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", slots)
    uv = np.empty((len(mesh.loops), 2), np.float32)
    mesh.uv_layers[0].data.foreach_get("uv", uv.ravel())
    np.savez(
        arrays_path,
        neutral=_positions(mesh.vertices),
        basis=basis,
        shape_keys=np.stack([_positions(key.data) - basis for key in keys[1:]]),
        corners=corners,
        sizes=sizes,
        slots=slots,
        uv=uv,
        weights=np.array([_weights(head.mesh, group) for group in head.mesh.vertex_groups]).T,
    )
    bones = head.armature.data.bones
    return {
        "names": [head.collection.name, head.mesh.name, mesh.name, head.armature.name],
        "in collection": sorted(item.name for item in head.collection.objects),
        "rig id": head.mesh["semblance_rig_id"],
        "keys": [key.name for key in keys],
        "relative": mesh.shape_keys.use_relative,
        "ranges": sorted({(key.slider_min, key.slider_max, key.value) for key in keys[1:]}),
        "smooth": all(polygon.use_smooth for polygon in mesh.polygons),
        "valid": not mesh.validate(),
        "materials": [material.name for material in mesh.materials],
        "groups": [group.name for group in head.mesh.vertex_groups],
        "modifiers": [modifier.type for modifier in head.mesh.modifiers],
        "armature": head.mesh.modifiers[0].object == head.armature == head.mesh.parent,
        "subdivision": [head.mesh.modifiers[1].levels, head.mesh.modifiers[1].render_levels],
        "bones": {
            bone.name: {
                "parent": bone.parent.name if bone.parent else None,
                "head": list(bone.head_local),
                "tail": list(bone.tail_local),
                "x": list(bone.matrix_local.to_3x3().col[0]),
            }
            for bone in bones
        },
    }


def material(rig_path: str, index: str) -> dict[str, Any]:
    """The inputs of one of the head's materials, by meaning."""
    _, head = _new_head(rig_path)
    chosen = head.mesh.data.materials[int(index)]
    nodes = {node.type: node for node in chosen.node_tree.nodes}
    shader = nodes["BSDF_PRINCIPLED"]
    color = shader.inputs["Base Color"]
    image = color.links[0].from_node.image if color.is_linked else None
    subsurface = shader.inputs["Subsurface Weight" if "Subsurface Weight" in shader.inputs else "Subsurface"]
    return {
        "color": list(color.default_value)[:3],
        "roughness": shader.inputs["Roughness"].default_value,
        "subsurface": subsurface.default_value,
        "alpha": shader.inputs["Alpha"].default_value,
        "textured": color.is_linked,
        "alpha textured": shader.inputs["Alpha"].is_linked,
        "packed": bool(image and image.packed_file),
        "size": list(image.size) if image else None,
        "corner": [round(value * 255) for value in image.pixels[:3]] if image else None,
    }


def two_heads(rig_path: str, other_path: str) -> dict[str, Any]:
    """Build two heads into one scene; what they share."""
    _, first = _new_head(rig_path)
    second = build_head(read_rig(other_path), bpy.context.scene.collection)
    first.mesh.data.shape_keys.key_blocks["jawOpen"].value = 1.0

    def owned(head: Head) -> set[str]:
        materials = head.mesh.data.materials
        images = [
            node.image.name for item in materials for node in item.node_tree.nodes if node.type == "TEX_IMAGE"
        ]
        return {
            f"object {head.mesh.name}", f"object {head.armature.name}", f"collection {head.collection.name}",
            f"mesh {head.mesh.data.name}", f"keys {head.mesh.data.shape_keys.name}",
            f"armature {head.armature.data.name}", *(f"material {item.name}" for item in materials),
            *(f"image {name}" for name in images),
        }  # fmt: skip

    return {
        "shared": sorted(owned(first) & owned(second)),
        "ids": [head.mesh["semblance_rig_id"] for head in (first, second)],
        "targets": [head.mesh.modifiers[0].object == head.armature for head in (first, second)],
        "jaws": [
            head.mesh.data.shape_keys.key_blocks["jawOpen"].value for head in (first, second)
        ],
    }  # fmt: skip


def in_edit_mode(rig_path: str) -> dict[str, Any]:
    """Build a head while the user edits a selected cube; the state before and after."""
    bpy.ops.wm.read_factory_settings(use_empty=False)
    cube = bpy.data.objects["Cube"]
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode="EDIT")

    def state() -> list[Any]:
        return [
            cube.mode,
            bpy.context.view_layer.objects.active.name,
            sorted(item.name for item in bpy.context.view_layer.objects if item.select_get()),
            bpy.context.scene.name,
            len(bpy.data.scenes),
            bpy.context.scene.render.engine,
        ]

    before = state()
    build_head(read_rig(rig_path), bpy.context.scene.collection)
    return {"before": before, "after": state()}


def failure(rig_path: str) -> list[dict[str, int]]:
    """Count data blocks before and after a build that fails late."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    kinds = ("objects", "meshes", "materials", "images", "armatures", "collections", "scenes", "shape_keys",
             "node_groups")  # fmt: skip

    def count() -> dict[str, int]:
        return {kind: len(getattr(bpy.data, kind)) for kind in kinds}

    before = count()
    try:
        build_head(read_rig(rig_path), None)
    except AttributeError:
        return [before, count()]
    return []


def pose(rig_path: str) -> dict[str, Any]:
    """Turn bones by hand: how far vertices of each region move, and which way."""
    rig, head = _new_head(rig_path)
    bpy.context.view_layer.update()
    moved = {}
    for bone in ("neck", "head", "jaw", "eye.L", "eye.R"):
        posed = head.armature.pose.bones[bone]
        posed.rotation_mode = "XYZ"
        posed.rotation_euler.x = 0.3
        depsgraph = bpy.context.evaluated_depsgraph_get()
        evaluated = head.mesh.evaluated_get(depsgraph).to_mesh()
        offsets = _positions(evaluated.vertices) - rig.neutral
        posed.rotation_euler.x = 0.0
        moved[bone] = {
            region: offsets[rig.regions == index][_front(rig, index)].tolist()
            for index, region in enumerate(rig.region_names)
        }
    return moved


def _front(rig: RigFile, region: int) -> int:
    """The region's foremost vertex."""
    return int(np.argmin(rig.neutral[rig.regions == region][:, 1]))


def evaluated_key(rig_path: str, name: str, arrays_path: str) -> None:
    """Offsets of the evaluated head with one key at 1."""
    rig, head = _new_head(rig_path)
    head.mesh.data.shape_keys.key_blocks[name].value = 1.0
    depsgraph = bpy.context.evaluated_depsgraph_get()
    evaluated = head.mesh.evaluated_get(depsgraph).to_mesh()
    np.savez(arrays_path, offsets=_positions(evaluated.vertices) - rig.neutral)


def write(rig_path: str, *out_paths: str) -> None:
    """Write a head with its studio in the formats that the names ask for."""
    _, head = _new_head(rig_path)
    set_up_scene(head, bpy.context.scene)
    writers = {".blend": export.write_blend, ".glb": export.write_glb, ".obj": export.write_obj}
    for path in map(Path, out_paths):
        writers[path.suffix](head, path)


def open_blend(path: str) -> dict[str, Any]:
    """What a saved file shows when it is opened."""
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    views = [
        (space.shading.type, space.region_3d.view_perspective)
        for screen in bpy.data.screens for area in screen.areas for space in area.spaces
        if space.type == "VIEW_3D"
    ]  # fmt: skip
    active = bpy.context.view_layer.objects.active
    return {
        "camera": scene.camera.name,
        "lights": len([item for item in scene.objects if item.type == "LIGHT"]),
        "engine": scene.render.engine,
        "active": active.name,
        "mode": active.mode,
        "keys": len(active.data.shape_keys.key_blocks),
        "views": sorted(set(views)),
        "unpacked": [image.name for image in bpy.data.images if image.users and not image.packed_file
                     and image.source == "FILE"],
    }  # fmt: skip


def render(blend_path: str, png_path: str) -> None:
    """Render the opened file small, with Cycles, which needs no graphics card."""
    bpy.ops.wm.open_mainfile(filepath=blend_path)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 16
    scene.cycles.use_denoising = False  # Debian's Blender has no denoiser
    scene.render.resolution_percentage = 10
    scene.render.filepath = png_path
    bpy.ops.render.render(write_still=True)


def import_glb(path: str, arrays_path: str) -> dict[str, Any]:
    """Read a .glb back and tell about its mesh, in Blender's space."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    # The importer of Blender 3.4 is older than the NumPy that Debian gives it.
    vars(np).setdefault("bool", bool)
    bpy.ops.import_scene.gltf(filepath=path)
    mesh = max((item for item in bpy.data.objects if item.type == "MESH"), key=lambda m: len(m.data.vertices))
    keys = mesh.data.shape_keys.key_blocks
    basis = _positions(keys[0].data)
    np.savez(
        arrays_path, basis=basis, shape_keys=np.stack([_positions(key.data) - basis for key in keys[1:]])
    )
    armatures = [item for item in bpy.data.objects if item.type == "ARMATURE"]
    return {
        "keys": [key.name for key in keys[1:]],
        "ranges": sorted({(key.slider_min, key.slider_max) for key in keys[1:]}),
        "bones": sorted(bone.name for item in armatures for bone in item.data.bones),
        "skinned": any(modifier.type == "ARMATURE" for modifier in mesh.modifiers),
        "images": len([image for image in bpy.data.images if image.packed_file]),
    }
