# SPDX-License-Identifier: GPL-3.0-or-later
"""The skin's relief: the rig's displacement maps, each as strong as the keys' values say."""

from __future__ import annotations

import string
from collections.abc import Mapping

import bpy

from .. import versions
from ..rig_file import DisplacementMap, RigFile
from .materials import pack_image

MATERIAL = "skin"  # the row of the rig's materials table that has relief
NODE = "Skin Relief"  # the group's node in that material
STRENGTH = "Strength"
_ZERO = 32768 / 65535  # shaders read 16 bits as 0-1
_FULL = 65535 / 32767  # metres of height for each metre of a map's


def add_displacement(rig: RigFile, mesh: bpy.types.Object, name: str) -> None:
    """Give the skin's material a node group that sums the maps, and drivers from the mesh's keys to it.

    The keys must be there. The material's own displacement method stays: at first it is bump, which costs
    no vertices.
    """
    skin = next(
        (item for spec, item in zip(rig.materials, mesh.data.materials) if spec.name == MATERIAL),  # noqa: B905
        None,
    )
    if skin is None or not rig.displacement:
        return
    tree = skin.node_tree
    output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL")
    relief = tree.nodes.new("ShaderNodeGroup")
    relief.name = relief.label = NODE
    relief.location = (-150, -450)
    relief.node_tree = _group(rig, f"{name} displacement", mesh.data.shape_keys)
    displace = tree.nodes.new("ShaderNodeDisplacement")
    displace.space = "OBJECT"  # heights are metres of the mesh, and grow with the object
    displace.location = (50, -450)
    displace.inputs["Midlevel"].default_value = 0.0
    displace.inputs["Scale"].default_value = 1.0
    tree.links.new(relief.outputs["Height"], displace.inputs["Height"])
    tree.links.new(displace.outputs["Displacement"], output.inputs["Displacement"])


def strength_of(mesh: bpy.types.Mesh) -> bpy.types.NodeSocket | None:
    """The input that scales a head's relief, where it has one: 1 is as measured."""
    for material in mesh.materials:
        node = material.node_tree.nodes.get(NODE) if material and material.node_tree else None
        if node is not None and STRENGTH in node.inputs:
            return node.inputs[STRENGTH]
    return None


def _group(rig: RigFile, name: str, keys: bpy.types.Key) -> bpy.types.NodeTree:
    """A node group from ``Strength`` to ``Height``, in metres."""
    tree = bpy.data.node_groups.new(name, "ShaderNodeTree")
    strength = versions.add_group_socket(tree, STRENGTH, "INPUT")
    strength.min_value, strength.max_value, strength.default_value = 0.0, 10.0, 1.0
    versions.add_group_socket(tree, "Height", "OUTPUT")
    into, out = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    colors = {
        file: _channels(tree, pack_image(content, f"{name} {file}"), row)
        for row, (file, content) in enumerate(rig.displacement_files.items())
    }
    total: bpy.types.NodeSocket | float = 0.0
    for row, spec in enumerate(rig.displacement):
        texel = colors[spec.file].outputs[spec.channel]
        total = _add_map(tree, spec, texel, _weight(tree, spec, keys, row), total, row)
    height = _math(tree, "MULTIPLY", total, into.outputs[STRENGTH], at=(1050, 200))
    into.location, out.location = (850, 300), (1250, 200)
    tree.links.new(height, out.inputs["Height"])
    return tree


def _channels(tree: bpy.types.NodeTree, image: bpy.types.Image, row: int) -> bpy.types.Node:
    """Red, green and blue of a picture, as the numbers that are in it."""
    image.colorspace_settings.is_data = True
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.interpolation = "Cubic"  # the slope of linear interpolation jumps from texel to texel
    texture.location = (-350, -600 * row)
    channels = tree.nodes.new("ShaderNodeSeparateColor")
    channels.location = (0, -600 * row)
    tree.links.new(texture.outputs["Color"], channels.inputs[0])
    return channels


def _weight(
    tree: bpy.types.NodeTree, spec: DisplacementMap, keys: bpy.types.Key, row: int
) -> bpy.types.NodeSocket:
    """How much of a map counts, 0-1."""
    node = tree.nodes.new("ShaderNodeValue")
    node.name = node.label = spec.name
    node.location = (0, -200 * row - 120)
    node.outputs[0].default_value = 0.0 if spec.weights else 1.0
    if spec.weights:
        _drive(node.outputs[0], spec.weights, keys)
    return node.outputs[0]


def _drive(socket: bpy.types.NodeSocket, weights: Mapping[str, float], keys: bpy.types.Key) -> None:
    """Let a value follow the keys' weighted sum.

    The expression is one that Blender reckons itself: files may forbid drivers that run Python.
    """
    driver = socket.driver_add("default_value").driver
    driver.type = "SCRIPTED"
    terms = []
    for letter, (key, weight) in zip(string.ascii_lowercase, weights.items()):  # noqa: B905 (at most 16)
        variable = driver.variables.new()
        variable.name = letter
        target = variable.targets[0]
        target.id_type, target.id = "KEY", keys
        target.data_path = f'key_blocks["{bpy.utils.escape_identifier(key)}"].value'
        terms.append(f"{weight:.5g}*{letter}")  # at most 13 of the 255 letters that there are
    driver.expression = f"max(0,min(1,{'+'.join(terms)}))"


def _add_map(
    tree: bpy.types.NodeTree,
    spec: DisplacementMap,
    texel: bpy.types.NodeSocket,
    weight: bpy.types.NodeSocket,
    total: bpy.types.NodeSocket | float,
    row: int,
) -> bpy.types.NodeSocket:
    """The sum of the maps before and this one, in metres."""
    above = _math(tree, "SUBTRACT", texel, _ZERO, at=(200, -200 * row))
    metres = _math(tree, "MULTIPLY", weight, spec.metres * _FULL, at=(400, -200 * row))
    return _math(tree, "MULTIPLY_ADD", above, metres, total, at=(600, -200 * row))


def _math(
    tree: bpy.types.NodeTree,
    operation: str,
    *values: bpy.types.NodeSocket | float,
    at: tuple[float, float],
) -> bpy.types.NodeSocket:
    node = tree.nodes.new("ShaderNodeMath")
    node.operation = operation
    node.location = at
    for value, socket in zip(values, node.inputs):  # noqa: B905 (nodes have as many inputs as any needs)
        if isinstance(value, float):
            socket.default_value = value
        else:
            tree.links.new(value, socket)
    return node.outputs[0]
