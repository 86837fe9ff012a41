"""What the tests of shape keys for bare meshes do inside Blender. Imports nothing that Blender lacks."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from blender_addon.client import messages as say
from blender_addon.client.keys_job import KeysReady
from blender_addon.keyless.geometry import write_geometry
from blender_addon.keyless.landmarks import NAME_PROPERTY, TEMPLATE, document_of
from blender_addon.keyless.read_file import open_character
from blender_addon.runtime import session, timer
from blender_addon.runtime.state import Job, state
from blender_addon.transfers import with_transfer_id
from tests.blender_addon.scenery import select, start_addon, until

LANDMARKS = {"format": "semblance-landmarks", "schema": 1, "points": {"nose_tip": [1.0, 2.0, 3.0]}}


def _mesh(name: str, size: float = 1.0) -> Any:
    data = bpy.data.meshes.new(name)
    corners = [(x * size, y * size, z * size) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    data.from_pydata(corners, [], [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4)])
    item = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(item)
    return item


def _placed() -> tuple[Any, Any]:
    body, eye = _mesh("body"), _mesh("eye", 0.1)
    body.matrix_world = (
        Matrix.Translation((1, 2, 3)) @ Matrix.Rotation(math.radians(90), 4, "Z") @ Matrix.Scale(2.0, 4)
    )
    eye.parent = body
    bpy.context.view_layer.update()
    return body, eye


def geometry(folder: str) -> dict[str, Any]:
    """What is sent of two meshes, and where it lies."""
    start_addon()
    body, eye = _placed()
    path = Path(folder) / "mesh.npz"
    write_geometry([body, eye], path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    corner = body.matrix_world @ body.data.vertices[5].co
    return {
        "vertex": arrays["vertices"][5].tolist(),
        "expected": [corner.x, corner.z, -corner.y],
        "counts": [
            len(arrays["vertices"]),
            len(arrays["polygon_starts"]),
            int(arrays["polygon_vertices"].max()),
        ],
        "owners": np.bincount(arrays["object_of_vertex"]).tolist(),
        "names": arrays["object_names"].tolist(),
    }


def apply(folder: str) -> dict[str, Any]:
    """Finished keys are added in one step, undone, added again over those that are there, and refused."""
    start_addon()
    body, eye = _placed()
    hair = _mesh("hair")
    transfer = with_transfer_id(bpy.context.scene.semblance.transfer)
    for item in (body, eye, hair):
        row = transfer.meshes.add()
        row.name, row.item = item.name, item
    uid = transfer.uid
    bpy.ops.ed.undo_push(message="before")
    offsets = np.zeros((2, 24, 3))
    offsets[0, :8] = (0.0, 1.0, 0.0)  # up
    offsets[0, 8:16] = (0.0, 0.5, 0.0)
    told: dict[str, Any] = {"keys": []}

    def finish(values: np.ndarray) -> None:
        path = Path(folder) / "keys.npz"
        np.savez(path, names=np.array(["jawOpen", "mouthClose"]), offsets=values)
        ready = KeysReady(uid, path, LANDMARKS, ("No tongue.",))
        state.jobs[uid] = Job(say.Progress(uid, "", 1.0), result=ready)
        session.worker()
        timer.tick()
        told["keys"].append(
            {
                name: [key.name for key in bpy.data.objects[name].data.shape_keys.key_blocks]
                if bpy.data.objects[name].data.shape_keys
                else []
                for name in ("body", "eye", "hair")
            }
        )

    finish(offsets)
    key = bpy.data.objects["body"].data.shape_keys.key_blocks["jawOpen"]
    world = bpy.data.objects["body"].matrix_world
    moved = world @ key.data[0].co - world @ bpy.data.objects["body"].data.vertices[0].co
    told["moved"] = [round(x, 5) for x in moved]
    told["warnings"] = [row.message for row in bpy.context.scene.semblance.transfer.warnings]
    told["notice"], told["value"] = state.notice, key.value
    bpy.ops.ed.undo()
    told["undone"] = bpy.data.objects["body"].data.shape_keys is None
    bpy.ops.ed.redo()
    finish(2 * offsets)
    told["error"] = bpy.context.scene.semblance.transfer.error_message
    told["again"] = len(bpy.data.objects["body"].data.shape_keys.key_blocks)
    finish(offsets[:, :5])
    told["refused"] = bpy.context.scene.semblance.transfer.error_message
    told["file is gone"] = not (Path(folder) / "keys.npz").exists()
    session.stop()
    return told


def landmarks() -> dict[str, Any]:
    """Empties are shown, moved, sent, hidden and shown again where they stood."""
    start_addon()
    body, _ = _placed()
    select(body)
    bpy.ops.semblance.keys_landmarks()
    shown = {item[NAME_PROPERTY]: item for item in body.children if NAME_PROPERTY in item}
    shown["nose_tip"].location = (0.25, 0.5, 0.75)
    bpy.context.view_layer.update()
    document = document_of([body])
    assert document
    tip = body.matrix_world @ Vector((0.25, 0.5, 0.75))
    told = {
        "names": sorted(shown) == sorted(TEMPLATE),
        "tip": document["points"]["nose_tip"],
        "expected": [tip.x, tip.z, -tip.y],
        "sides": document["points"]["eye_outer_left"][0] > document["points"]["eye_outer_right"][0],
    }
    select(shown["nose_tip"])
    bpy.ops.semblance.keys_hide_landmarks()
    told["hidden"] = document_of([body]) is None
    select(body)
    bpy.ops.semblance.keys_landmarks()
    bpy.context.view_layer.update()
    again = document_of([body])
    told["again"] = again["points"]["nose_tip"] if again else None
    return told


def lacking() -> list[str]:
    """Press the button without what it needs."""
    start_addon()
    transfer = bpy.context.scene.semblance.transfer
    bpy.ops.semblance.keys_make()
    first = transfer.error_message
    select(_mesh("body"))
    bpy.ops.semblance.keys_make()
    return [first, transfer.error_message, str(len(state.jobs)), str(session.running() is None)]


def make(rig: str, mesh: str, python: str) -> dict[str, Any]:
    """Make the keys of a mesh on a real server, then again by its landmarks, one of them moved."""
    start_addon(python)
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.semblance.import_rig("EXEC_DEFAULT", True, filepath=rig)
    bpy.ops.wm.obj_import(filepath=mesh)
    character = bpy.context.selected_objects[0]
    name = character.name
    bpy.ops.ed.undo_push(message="ready")
    bpy.ops.semblance.server_start()
    select(character)
    bpy.ops.semblance.keys_make("EXEC_DEFAULT", True)
    transfer = bpy.context.scene.semblance.transfer
    stages: list[str] = []

    def ended() -> bool:
        job = state.jobs.get(bpy.context.scene.semblance.transfer.uid)
        if job is not None and job.progress.stage not in stages:
            stages.append(job.progress.stage)
        return job is None

    until(ended, 120)
    transfer = bpy.context.scene.semblance.transfer
    told: dict[str, Any] = {"error": [transfer.error_code, transfer.error_message], "stages": stages}
    owner = bpy.data.objects[name]
    keys = owner.data.shape_keys.key_blocks if owner.data.shape_keys else {}
    told["keys"] = [key.name for key in keys]
    if "jawOpen" in told["keys"]:
        rest, moved = (np.array([point.co for point in keys[name].data]) for name in ("Basis", "jawOpen"))
        down = owner.matrix_world.to_3x3()
        told["lowest"] = min((down @ Vector(offset)).z for offset in (moved - rest).tolist())
    told["found"] = len(json.loads(owner.get("semblance_landmarks", "{}")))
    bpy.ops.semblance.server_stop()
    session.stop()
    return told


def character_file(path: str) -> list[str]:
    """The meshes of a file."""
    return [item.name for item in open_character(Path(path))]
