# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene that is ready to look at: camera, three soft lights, backdrop, viewport shading."""

from __future__ import annotations

import math
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from .. import versions
from .head import Head

_LENS = 85.0  # millimetres; the portrait lens, which does not swell the nose
_SENSOR = 36.0


@dataclass(frozen=True)
class _Softbox:
    """An area light beside the head."""

    name: str
    direction: tuple[float, float, float]  # from the head: the person's left, front, up
    size: float  # head heights, as is the distance
    distance: float
    watts: float
    color: tuple[float, float, float]


_SOFTBOXES = (
    _Softbox("Key", (0.8, 1.0, 0.6), size=2.2, distance=4.0, watts=22.0, color=(1.0, 0.96, 0.91)),
    _Softbox("Fill", (-1.0, 0.8, -0.05), size=4.0, distance=4.5, watts=7.0, color=(0.9, 0.95, 1.0)),
    _Softbox("Rim", (-0.7, -1.0, 0.8), size=1.5, distance=4.0, watts=9.0, color=(1.0, 1.0, 1.0)),
)


def set_up_scene(head: Head, scene: bpy.types.Scene) -> None:
    """Add a portrait camera and a three-light studio for the head to a scene, in a collection of their own,
    and choose render and viewport settings. Changes the scene's settings: meant for a new file."""
    studio = bpy.data.collections.new("Studio")
    scene.collection.children.link(studio)
    points = np.empty((len(head.mesh.data.vertices), 3), np.float32)
    head.mesh.data.vertices.foreach_get("co", points.ravel())
    centre = Vector((points.min(axis=0) + points.max(axis=0)) / 2)
    height = float(np.ptp(points[:, 2]))
    scene.camera = _add_camera(studio, centre, height)
    for softbox in _SOFTBOXES:
        _add_light(studio, centre, height, softbox)
    _set_world(scene)
    _set_render(scene)
    _show(head, scene)


def _add_camera(studio: bpy.types.Collection, centre: Vector, height: float) -> bpy.types.Object:
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = _LENS
    camera.data.sensor_width = _SENSOR
    camera.data.clip_start = 0.01
    camera.location = centre + Vector((0, -1.2 * height * _LENS / _SENSOR, 0))
    camera.rotation_euler = (math.pi / 2, 0, 0)
    studio.objects.link(camera)
    return camera


def _add_light(studio: bpy.types.Collection, centre: Vector, height: float, softbox: _Softbox) -> None:
    light = bpy.data.lights.new(softbox.name, "AREA")
    light.size = softbox.size * height
    light.energy = softbox.watts * (height / 0.25) ** 2  # the same brightness on a head of any size
    light.color = softbox.color
    lamp = bpy.data.objects.new(softbox.name, light)
    left, front, up = softbox.direction
    towards = Vector((left, -front, up)).normalized()
    lamp.location = centre + softbox.distance * height * towards
    lamp.rotation_euler = towards.to_track_quat("Z", "Y").to_euler()
    studio.objects.link(lamp)


def _set_world(scene: bpy.types.Scene) -> None:
    world = scene.world or bpy.data.worlds.new("World")
    scene.world = world
    tree = versions.node_tree(world)
    background = tree.nodes.new("ShaderNodeBackground")
    background.inputs["Color"].default_value = (0.055, 0.06, 0.068, 1.0)
    output = tree.nodes.new("ShaderNodeOutputWorld")
    output.location = (250, 0)
    tree.links.new(background.outputs["Background"], output.inputs["Surface"])


def _set_render(scene: bpy.types.Scene) -> None:
    versions.use_eevee(scene)
    scene.render.resolution_x, scene.render.resolution_y = 1080, 1350
    # Photographed skin keeps its colour; film-like transforms turn it pale.
    versions.set_enum(scene.view_settings, "view_transform", "Khronos PBR Neutral", "Standard")


def _show(head: Head, scene: bpy.types.Scene) -> None:
    """Select the head and look at it through the camera in every 3D view."""
    layer = scene.view_layers[0]
    layer.update()  # objects linked since the last update are not yet in the layer
    for item in layer.objects:
        item.select_set(item == head.mesh, view_layer=layer)
    layer.objects.active = head.mesh
    for screen in bpy.data.screens:
        for area in screen.areas:
            for space in area.spaces:
                if space.type != "VIEW_3D":
                    continue
                space.clip_start = 0.01
                space.shading.type = "MATERIAL"
                space.shading.use_scene_lights = True
                space.shading.use_scene_world = True
                space.region_3d.view_perspective = "CAMERA"
