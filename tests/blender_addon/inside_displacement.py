"""What the tests of displacement do inside Blender. Imports nothing that Blender lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import bpy
import numpy as np

from blender_addon import export
from blender_addon.build import Head, build_head, rebuild_head
from blender_addon.build.displacement import strength_of
from blender_addon.rig_file import read_rig
from blender_addon.ui.head_panels import SEMBLANCE_PT_head
from tests.blender_addon.scenery import select, start_addon

_KINDS = ("objects", "meshes", "shape_keys", "materials", "node_groups", "images", "armatures")


def _new_head(rig_path: str) -> Head:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return build_head(read_rig(rig_path), bpy.context.scene.collection)


def _group(mesh: Any) -> Any:
    skin = next(item for item in mesh.data.materials if " skin" in item.name)
    return next(node.node_tree for node in skin.node_tree.nodes if node.type == "GROUP")


def _keys(mesh: Any) -> Any:
    return mesh.data.shape_keys.key_blocks


def _counts() -> dict[str, int]:
    return {kind: len(getattr(bpy.data, kind)) for kind in _KINDS}


def _strengths(mesh: Any) -> dict[str, float]:
    """How much of each map the renderers see."""
    bpy.context.view_layer.update()
    evaluated = _group(mesh).evaluated_get(bpy.context.evaluated_depsgraph_get())
    values = [node for node in evaluated.nodes if node.type == "VALUE"]
    return {node.label: round(node.outputs[0].default_value, 4) for node in values}


def _drivers(mesh: Any) -> Iterator[Any]:
    animation = _group(mesh).animation_data
    return (curve.driver for curve in animation.drivers) if animation else iter(())


def describe(rig_path: str) -> dict[str, Any]:
    """What a built head has for its relief."""
    head = _new_head(rig_path)
    skin = next(item for item in head.mesh.data.materials if item.name.endswith(" skin"))
    output = next(node for node in skin.node_tree.nodes if node.type == "OUTPUT_MATERIAL")
    displace = output.inputs["Displacement"].links[0].from_node
    pictures = [node for node in _group(head.mesh).nodes if node.type == "TEX_IMAGE"]
    strength = strength_of(head.mesh.data)
    return {
        "group": _group(head.mesh).name,
        "height from": displace.inputs["Height"].links[0].from_node.type,
        "displacement": [displace.space, displace.inputs["Midlevel"].default_value,
                         displace.inputs["Scale"].default_value],
        "strength": strength.default_value if strength else None,
        "others": sum(
            node.type == "GROUP"
            for item in head.mesh.data.materials if item != skin for node in item.node_tree.nodes
        ),
        "pictures": [
            [bool(node.image.packed_file), node.image.is_float, node.image.colorspace_settings.name,
             list(node.image.size), node.interpolation] for node in pictures
        ],
        "maps": list(_strengths(head.mesh)),
        "expressions": [driver.expression for driver in _drivers(head.mesh)],
        "without Python": all(driver.is_simple_expression for driver in _drivers(head.mesh)),
    }  # fmt: skip


def plain(rig_path: str) -> dict[str, Any]:
    """A head of a rig without maps, or without skin to lay them on."""
    head = _new_head(rig_path)
    linked = [
        node.inputs["Displacement"].is_linked
        for item in head.mesh.data.materials
        for node in item.node_tree.nodes
        if node.type == "OUTPUT_MATERIAL"
    ]
    return {"groups": len(bpy.data.node_groups), "linked": any(linked),
            "strength": strength_of(head.mesh.data) is not None}  # fmt: skip


def panel(rig_path: str) -> list[Any]:
    """Sliders that the head's panel draws: text and value."""
    start_addon()
    select(build_head(read_rig(rig_path), bpy.context.scene.collection).mesh)
    drawn = MagicMock()
    SEMBLANCE_PT_head.draw(drawn, bpy.context)
    return [[call.kwargs["text"], getattr(*call.args)] for call in drawn.layout.prop.call_args_list]


def heights(rig_path: str, scale: str, folder: str) -> None:
    """Render the group's height over the square of UVs, with two keys set; metres go to ``heights.npy``."""
    mesh = _new_head(rig_path).mesh
    _keys(mesh)["browInnerUp"].value = 1.0
    _keys(mesh)["mouthSmileLeft"].value = 0.5
    material = bpy.data.materials.new("height")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    group, raised = nodes.new("ShaderNodeGroup"), nodes.new("ShaderNodeMath")
    glow, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    group.node_tree = _group(mesh)
    group.inputs["Strength"].default_value = float(scale)
    raised.operation = "MULTIPLY_ADD"  # light is never below 0
    raised.inputs[1].default_value, raised.inputs[2].default_value = 100.0, 1.0
    links.new(group.outputs["Height"], raised.inputs[0])
    links.new(raised.outputs[0], glow.inputs["Strength"])
    links.new(glow.outputs[0], output.inputs["Surface"])
    bpy.ops.mesh.primitive_plane_add(size=1)
    bpy.context.object.data.materials.append(material)
    _photograph(Path(folder) / "heights.exr", int(_group(mesh).nodes["Image Texture"].image.size[0]))
    picture = bpy.data.images.load(str(Path(folder) / "heights.exr"))
    pixels = np.array(picture.pixels[:], np.float32).reshape(*picture.size, picture.channels)
    np.save(Path(folder) / "heights.npy", (pixels[::-1, :, 0] - 1) / 100)


def _photograph(path: Path, side: int) -> None:
    """What lies in the unit square round the origin, from above, one sample amid each pixel."""
    scene = bpy.context.scene
    for item in scene.objects:
        item.hide_render = item != bpy.context.object
    camera = bpy.data.cameras.new("above")
    camera.type, camera.ortho_scale = "ORTHO", 1.0
    scene.camera = bpy.data.objects.new("above", camera)
    scene.camera.location.z = 1.0
    scene.collection.objects.link(scene.camera)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.filter_width = 1, 0.01
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.view_settings.view_transform = "Raw"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth = "32"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def follow(rig_path: str) -> dict[str, Any]:
    """Move sliders, then play keyframes."""
    mesh = _new_head(rig_path).mesh
    keys = _keys(mesh)
    told = {"rest": _strengths(mesh)}
    keys["browInnerUp"].value = 1.0
    told["up"] = _strengths(mesh)
    keys["browOuterUpLeft"].value = keys["browOuterUpRight"].value = 1.0
    told["all up"] = _strengths(mesh)
    for frame, value in ((1, 0.0), (11, 1.0)):
        keys["mouthSmileLeft"].value = value
        keys["mouthSmileLeft"].keyframe_insert("value", frame=frame)
    bpy.context.scene.frame_set(6)
    told["at 6"] = _strengths(mesh)
    return told


def expressions(rig_path: str) -> dict[str, Any]:
    """The strengths where every key is at 0.5, and whether Blender reckons them itself."""
    mesh = _new_head(rig_path).mesh
    for key in _keys(mesh)[1:]:
        key.value = 0.5
    drivers = list(_drivers(mesh))
    return {
        "strengths": _strengths(mesh),
        "valid": all(driver.is_valid and driver.is_simple_expression for driver in drivers),
        "longest": max(len(driver.expression) for driver in drivers),
    }


def twice(rig_path: str) -> list[dict[str, float]]:
    """Two heads of one rig: the strengths where only the second raises its brows."""
    first = _new_head(rig_path)
    second = build_head(read_rig(rig_path), bpy.context.scene.collection)
    _keys(second.mesh)["browInnerUp"].value = 1.0
    return [_strengths(head.mesh) for head in (first, second)]


def rebuild(rig_path: str, other_path: str, plain_path: str) -> dict[str, Any]:
    """Rebuild a head from another rig, from a rig without maps, and back."""
    head = _new_head(rig_path)
    _scale(head, 0.5)
    _keys(head.mesh)["browInnerUp"].value = 1.0
    told: dict[str, Any] = {"before": _counts()}
    rebuild_head(read_rig(other_path), head)
    told["after"] = _counts()
    told["reads its own keys"] = all(
        variable.targets[0].id == head.mesh.data.shape_keys
        for driver in _drivers(head.mesh) for variable in driver.variables
    )  # fmt: skip
    told["kept"] = _strengths(head.mesh)
    _keys(head.mesh)["browInnerUp"].value = 0.5
    told["moved"] = _strengths(head.mesh)
    strength = strength_of(head.mesh.data)
    told["strength"] = strength.default_value if strength else None
    rebuild_head(read_rig(plain_path), head)
    told["plain"] = _counts()
    rebuild_head(read_rig(rig_path), head)
    told["back"] = _counts()
    return told


def _scale(head: Head, value: float) -> None:
    strength = strength_of(head.mesh.data)
    assert strength is not None
    strength.default_value = value


def failed_rebuild(rig_path: str) -> dict[str, Any]:
    """A rebuild that fails after the new relief is there."""
    head = _new_head(rig_path)
    told: dict[str, Any] = {"before": [_counts(), head.mesh.data.name]}
    try:
        rebuild_head(replace(read_rig(rig_path), joint_names=(None,) * 5), head)  # type: ignore[arg-type]
    except AttributeError:
        told["after"] = [_counts(), head.mesh.data.name]
    _keys(head.mesh)["browInnerUp"].value = 1.0
    told["follows"] = _strengths(head.mesh)
    return told


def kept(rig_path: str, folder: str) -> dict[str, Any]:
    """Save and reload, then append and link elsewhere; no file may run Python."""
    head = _new_head(rig_path)
    blend = str(Path(folder) / "kept.blend")
    export.write_blend(head, Path(blend))
    bpy.ops.wm.open_mainfile(filepath=blend, use_scripts=False)
    told = {"reloaded": _raised(bpy.data.objects)}
    for how in ("append", "link"):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        with bpy.data.libraries.load(blend, link=how == "link") as (_, target):
            target.collections = ["Test head"]
        bpy.context.scene.collection.children.link(target.collections[0])
        told[how] = _raised(target.collections[0].objects)
    return told


def _raised(objects: Any) -> list[Any]:
    mesh = next(item for item in objects if item.type == "MESH")
    _keys(mesh)["browInnerUp"].value = 1.0
    pictures = [node.image for node in _group(mesh).nodes if node.type == "TEX_IMAGE"]
    whole = all(image.packed_file and image.colorspace_settings.is_data for image in pictures)
    return [_strengths(mesh)["wrinkle_brow_raise"], len(pictures), whole]
