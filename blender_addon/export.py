# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a head that stands in the open file to .blend, .glb or .obj."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from .build import Head
from .build.materials import unused_normals


def write_blend(head: Head, path: Path) -> None:
    """Save the open file, textures inside."""
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, check_existing=False)


def write_glb(head: Head, path: Path) -> None:
    """A binary glTF with the keys as named morph targets, the bones as a skin and the relief as normals."""
    with _selected(head), _normals(head):
        _write_gltf(path, True)


def write_character(path: Path) -> None:
    """The whole open file, as .blend or .glb."""
    if path.suffix.lower() == ".blend":
        bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, check_existing=False)
    else:
        _write_gltf(path, False)


def _write_gltf(path: Path, selection: bool) -> None:
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        export_format="GLB",
        use_selection=selection,
        export_morph=True,
        export_skins=True,
        export_animations=False,
        export_extras=True,
    )


def write_obj(head: Head, path: Path) -> None:
    """The neutral head in quads with its UVs, a material file and the textures beside it."""
    with _selected(head), _neutral(head), _textures_beside(head, path):
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


@contextmanager
def _textures_beside(head: Head, path: Path) -> Iterator[None]:
    """Textures as files next to ``path``; the exporter writes the names of the images' files."""
    images = {image for material in head.mesh.data.materials if material for image in _shown(material)}
    before = [(image, image.filepath) for image in images]
    try:
        for image in images:
            if image.packed_file:
                name = re.sub(r"\.\d{3}$", "", image.name).removeprefix(head.mesh.name).strip()
                beside = path.with_name(f"{path.stem}_{name}")
                beside.write_bytes(image.packed_file.data)
                image.filepath = str(beside)
        yield
    finally:
        for image, filepath in before:
            image.filepath = filepath


def _shown(material: bpy.types.Material) -> set[bpy.types.Image]:
    """A material's pictures, but for normals that only a .glb has."""
    normals = unused_normals(material)
    unused = {link.from_node for link in normals.inputs["Color"].links} if normals else set()
    return {
        node.image
        for node in material.node_tree.nodes
        if node.type == "TEX_IMAGE" and node.image and node not in unused
    }


@contextmanager
def _normals(head: Head) -> Iterator[None]:
    """Normal maps on the shaders for a while, as glTF knows no displacement; a user's own links stay."""
    links = []
    try:
        for material in head.mesh.data.materials:
            normals = unused_normals(material) if material else None
            if normals is None:
                continue
            tree = material.node_tree
            for shader in tree.nodes:
                if shader.type == "BSDF_PRINCIPLED" and not shader.inputs["Normal"].is_linked:
                    links.append((tree, tree.links.new(normals.outputs["Normal"], shader.inputs["Normal"])))
        yield
    finally:
        for tree, link in links:
            tree.links.remove(link)


@contextmanager
def _neutral(head: Head) -> Iterator[None]:
    """The head without expression for a while; the exporter writes the mesh as it is shown."""
    keys = head.mesh.data.shape_keys.key_blocks
    values = [key.value for key in keys]
    try:
        for key in keys:
            key.value = 0.0
        yield
    finally:
        for key, value in zip(keys, values):  # noqa: B905 (the same keys)
            key.value = value


@contextmanager
def _selected(head: Head) -> Iterator[None]:
    """The head alone selected; afterwards what was selected before."""
    layer = bpy.context.view_layer
    layer.update()  # objects linked since the last update are not yet in the layer
    before = [(item, item.select_get()) for item in layer.objects]
    active = layer.objects.active
    try:
        for item, _ in before:
            item.select_set(item in (head.mesh, head.armature))
        layer.objects.active = head.mesh
        yield
    finally:
        for item, chosen in before:
            item.select_set(chosen)
        layer.objects.active = active
