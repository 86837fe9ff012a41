# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's materials: a Principled BSDF each, readable by glTF exporters."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from .. import versions
from ..rig_file import MaterialSpec, RigFile

NORMALS = "Normals for .glb Export"  # the Normal Map node's name
_SUBSURFACE_RADIUS = (0.0037, 0.0014, 0.0007)  # metres that red, green and blue light travels under skin


def build_materials(rig: RigFile, name: str) -> list[bpy.types.Material]:
    """One material for each row of the rig's table, in its order; textures are packed into the file."""
    files = dict.fromkeys(spec.texture for spec in rig.materials if spec.texture)
    textures = {file: _texture(rig.textures[file], f"{name} {file}") for file in files}
    files = dict.fromkeys(spec.normal_map for spec in rig.materials if spec.normal_map)
    normals = {file: _normal_picture(rig.textures[file], f"{name} {file}") for file in files}
    materials = []
    for spec in rig.materials:
        texture = textures[spec.texture] if spec.texture else None
        materials.append(_build(spec, f"{name} {spec.name}", texture))
        if spec.normal_map:
            _add_normals(materials[-1].node_tree, normals[spec.normal_map])
    return materials


def unused_normals(material: bpy.types.Material) -> bpy.types.Node | None:
    """A material's normals for export, where it has them and nothing in Blender uses them."""
    node = material.node_tree.nodes.get(NORMALS) if material.node_tree else None
    return node if node is not None and not any(output.is_linked for output in node.outputs) else None


@dataclass(frozen=True)
class _Texture:
    image: bpy.types.Image
    has_alpha: bool


def pack_image(content: bytes, name: str) -> bpy.types.Image:
    """An image whose PNG lies inside the .blend."""
    image = bpy.data.images.new(name, 8, 8)
    image.pack(data=content, data_len=len(content))
    image.source = "FILE"
    return image


def _texture(content: bytes, name: str) -> _Texture:
    color_type = content[25]  # of the PNG's header: 4 is grey with alpha, 6 is RGB with alpha
    return _Texture(pack_image(content, name), has_alpha=color_type in (4, 6))


def _normal_picture(content: bytes, name: str) -> bpy.types.Image:
    image = pack_image(content, name)
    image.colorspace_settings.is_data = True
    return image


def _build(spec: MaterialSpec, name: str, texture: _Texture | None) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    tree = versions.node_tree(material)
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    output.location = (300, 0)
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    tree.links.new(shader.outputs["BSDF"], output.inputs["Surface"])
    color = (*spec.base_color, 1.0)
    material.diffuse_color = (*spec.base_color, spec.alpha)
    material.roughness = spec.roughness
    shader.inputs["Base Color"].default_value = color
    shader.inputs["Roughness"].default_value = spec.roughness
    shader.inputs["Alpha"].default_value = spec.alpha
    versions.set_subsurface(shader, spec.subsurface, _SUBSURFACE_RADIUS)
    if texture is not None:
        _add_texture(tree, shader, texture, spec)
    if spec.alpha < 1 or (texture is not None and texture.has_alpha):
        versions.set_see_through(material)
    return material


def _add_texture(
    tree: bpy.types.NodeTree, shader: bpy.types.Node, texture: _Texture, spec: MaterialSpec
) -> None:
    node = tree.nodes.new("ShaderNodeTexImage")
    node.location = (-450, 0)
    node.image = texture.image
    for name in ("Base Color", "Subsurface Color"):  # the second was folded into the first in 4.0
        if name in shader.inputs:
            tree.links.new(node.outputs["Color"], shader.inputs[name])
    if not texture.has_alpha:
        return
    alpha = node.outputs["Alpha"]
    if spec.alpha < 1:
        product = tree.nodes.new("ShaderNodeMath")
        product.operation = "MULTIPLY"
        product.location = (-150, -250)
        product.inputs[1].default_value = spec.alpha
        tree.links.new(alpha, product.inputs[0])
        alpha = product.outputs[0]
    tree.links.new(alpha, shader.inputs["Alpha"])


def _add_normals(tree: bpy.types.NodeTree, image: bpy.types.Image) -> None:
    """Keep the relief as normals at hand, without use: in Blender, displacement shows it already."""
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.label = "Relief for .glb Export"
    picture.image = image
    picture.location = (-450, 350)
    normals = tree.nodes.new("ShaderNodeNormalMap")
    normals.name = normals.label = NORMALS
    normals.location = (-150, 350)
    tree.links.new(picture.outputs["Color"], normals.inputs["Color"])
