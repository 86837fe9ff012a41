"""What the tests inside Blender set up and wait for. Imports nothing that Blender lacks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import bpy

import blender_addon
from blender_addon.runtime import timer
from blender_addon.runtime.state import state


def start_addon(python: str = "") -> Any:
    """An empty file with the add-on switched on; its performance.

    Args:
        python: of the environment that has Semblance.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_addon.register()
    bpy.context.preferences.addons.new().module = "blender_addon"
    bpy.context.preferences.addons["blender_addon"].preferences.python = python
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="start")
    return bpy.context.scene.semblance.take


def performance() -> Any:
    """The open scene's; undo makes it anew."""
    return bpy.context.scene.semblance.take


def curves(owner: Any) -> dict[str, list[tuple[float, float]]]:
    """The keyframes (frame, value) of an object's action, by data path; curves of one path keep the last."""
    data = owner.animation_data
    if data is None or data.action is None:
        return {}
    action = data.action
    if hasattr(action, "layers") and hasattr(data, "action_slot"):
        curves = action.layers[0].strips[0].channelbag(data.action_slot).fcurves
    else:
        curves = action.fcurves
    return {curve.data_path: [tuple(point.co) for point in curve.keyframe_points] for curve in curves}


def keyed_mesh(name: str, keys: list[str]) -> Any:
    """A triangle with shape keys."""
    data = bpy.data.meshes.new(name)
    data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    owner = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(owner)
    for key in ["Basis", *keys]:
        owner.shape_key_add(name=key)
    return owner


def select(*items: Any) -> None:
    """Select these alone; the first is active."""
    for item in bpy.context.view_layer.objects:
        item.select_set(item in items)
    bpy.context.view_layer.objects.active = items[0]


def until(condition: Callable[[], object], seconds: float) -> None:
    """Tick the add-on's timer by hand until something holds.

    Raises:
        TimeoutError: it does not within these seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(repr(state))
        timer.tick()
        time.sleep(0.02)
