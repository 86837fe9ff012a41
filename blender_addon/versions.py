# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between Blender's versions, found by asking for the ability, never for the number."""

from __future__ import annotations

import inspect
from typing import Any

import bpy
import numpy as np


def set_enum(owner: bpy.types.bpy_struct, name: str, *choices: str) -> str:
    """Set an enum to the first choice that this Blender knows, and return it.

    Raises:
        TypeError: it knows none of them.
    """
    for choice in choices:
        try:
            setattr(owner, name, choice)
            return choice
        except TypeError:
            continue
    raise TypeError(f"{name} has none of {choices}")


def node_input(node: bpy.types.Node, *names: str) -> bpy.types.NodeSocket:
    """The first input that exists; Blender 4.0 renamed most of the Principled BSDF's.

    Raises:
        KeyError: none of them does.
    """
    for name in names:
        if name in node.inputs:
            return node.inputs[name]
    raise KeyError(f"{node.bl_idname} has none of the inputs {names}")


def set_subsurface(shader: bpy.types.Node, weight: float, radius: tuple[float, float, float]) -> None:
    """Light under the surface of a Principled BSDF; ``radius`` is metres, split into two inputs since 4.0."""
    node_input(shader, "Subsurface Weight", "Subsurface").default_value = weight
    if "Subsurface Scale" in shader.inputs:
        scale = max(radius)
        shader.inputs["Subsurface Scale"].default_value = scale
        radius = (radius[0] / scale, radius[1] / scale, radius[2] / scale)
    shader.inputs["Subsurface Radius"].default_value = radius


def node_tree(owner: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree:
    """The empty node tree of a new material or world; always there since 5.0, on request before."""
    if owner.node_tree is None:
        owner.use_nodes = True
    owner.node_tree.nodes.clear()
    return owner.node_tree


def add_group_socket(tree: bpy.types.NodeTree, name: str, in_out: str) -> bpy.types.bpy_struct:
    """A number that a node group takes (``in_out`` INPUT) or gives (OUTPUT); two lists until 4.0."""
    if hasattr(tree, "interface"):
        return tree.interface.new_socket(name, in_out=in_out, socket_type="NodeSocketFloat")
    sockets = tree.inputs if in_out == "INPUT" else tree.outputs
    return sockets.new("NodeSocketFloat", name)


def set_see_through(material: bpy.types.Material) -> None:
    """Let EEVEE show alpha below 1, without sorting errors between the sheets of one mesh."""
    if hasattr(material, "surface_render_method"):
        material.surface_render_method = "DITHERED"
    else:
        material.blend_method = "HASHED"
        material.shadow_method = "HASHED"


def set_polygons(mesh: bpy.types.Mesh, starts: np.ndarray, totals: np.ndarray) -> None:
    """Cut the loops of a new mesh into polygons; loop totals follow from the starts since 4.0."""
    mesh.polygons.add(len(starts))
    mesh.polygons.foreach_set("loop_start", starts)
    if not bpy.types.MeshPolygon.bl_rna.properties["loop_total"].is_readonly:
        mesh.polygons.foreach_set("loop_total", totals)


def use_eevee(scene: bpy.types.Scene) -> None:
    """Render with EEVEE, whose name was another from 4.2 to 4.5, with soft shadows and subsurface light."""
    set_enum(scene.render, "engine", "BLENDER_EEVEE_NEXT", "BLENDER_EEVEE")
    eevee = scene.eevee
    for name, value in (("use_raytracing", True), ("use_soft_shadows", True), ("use_gtao", True)):
        if hasattr(eevee, name):
            setattr(eevee, name, value)


def copy_animation(source: bpy.types.ID, target: bpy.types.ID) -> None:
    """Let ``target`` be animated as ``source`` is: action and slot, drivers, NLA tracks."""
    old = source.animation_data
    if old is None:
        return
    new = target.animation_data_create()
    _use_action(new, old)
    for driver in old.drivers:
        new.drivers.from_existing(src_driver=driver)
    for track in old.nla_tracks:
        copied = new.nla_tracks.new()
        copied.name, copied.mute, copied.is_solo = track.name, track.mute, track.is_solo
        for strip in track.strips:
            if strip.action is None:
                continue
            into = copied.strips.new(strip.name, int(strip.frame_start), strip.action)
            for name in ("frame_start", "frame_end", "scale", "repeat", "blend_type", "extrapolation", "mute",
                         "use_reverse", "influence", "blend_in", "blend_out"):  # fmt: skip
                setattr(into, name, getattr(strip, name))
            _use_slot(into, strip)


def _use_action(new: bpy.types.AnimData, old: bpy.types.AnimData) -> None:
    if old.action is not None:
        new.action = old.action
        _use_slot(new, old)


def _use_slot(new: bpy.types.bpy_struct, old: bpy.types.bpy_struct) -> None:
    """Actions have slots since 4.4: which of an action's tracks belong to whom."""
    if getattr(old, "action_slot", None) is not None:
        new.action_slot = old.action_slot


def view_texture(pixels: np.ndarray) -> Any:
    """A texture for :func:`draw_in_view` of sRGB bytes (H, W, 4), rows from the bottom; needs a window."""
    import gpu  # not without a window

    values = (
        np.multiply(pixels, np.float32(1 / 255), dtype=np.float32)
        if _views_are_srgb()
        else np.take(_LINEAR, pixels, mode="clip")
    )
    # eight bits are not enough for what is dark in linear light
    kind = "RGBA8" if _views_are_srgb() else "RGBA16F"
    height, width = pixels.shape[:2]
    # textures are made of floats alone, in every version
    buffer = gpu.types.Buffer("FLOAT", values.size, values.ravel())
    return gpu.types.GPUTexture((width, height), format=kind, data=buffer)


def draw_in_view(texture: Any, left: float, bottom: float, width: float, height: float) -> None:
    """Draw a texture within a draw handler of a 3D view, in a region's pixels."""
    import gpu
    from gpu_extras.presets import draw_texture_2d

    gpu.state.blend_set("NONE")
    draw_texture_2d(texture, (left, bottom), width, height)


def _views_are_srgb() -> bool:
    """Whether handlers draw sRGB values: since 5.0, where linear ones are a choice; linear light before."""
    from gpu_extras.presets import draw_texture_2d

    return "is_scene_linear_with_rec709_srgb_target" in inspect.signature(draw_texture_2d).parameters


def _linear() -> np.ndarray:
    """sRGB bytes → linear light (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


_LINEAR = _linear()
