"""What the tests of the switched-on add-on do inside Blender. Imports nothing that Blender lacks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

import blender_addon
from blender_addon import heads, owners, people, properties, server_choice, thumbnails
from blender_addon.client import messages as say
from blender_addon.client.rig_job import RigReady
from blender_addon.operators.photo_fit import fit_camera
from blender_addon.rig_file import read_rig
from blender_addon.runtime import jobs, session, timer
from blender_addon.runtime.state import Job, state
from blender_addon.takes import with_id
from blender_addon.transfers import with_transfer_id
from tests.blender_addon.scenery import start_addon, until


def _found(search: Any, *arguments: Any) -> Any:
    """What a search finds; the tests that call it know that there is something, or look for None."""
    return search(*arguments)


def _import(path: str) -> Any:
    """Import a rig as one undo step; the head's mesh object."""
    bpy.ops.semblance.import_rig("EXEC_DEFAULT", True, filepath=path)
    return _found(heads.find_head, bpy.context.scene.semblance.people[-1].rig).mesh


def register_twice() -> dict[str, Any]:
    """Switch the add-on on and off twice; what stays behind."""
    bpy.ops.wm.read_factory_settings(use_empty=True)

    def ours() -> list[str]:
        names = [name for name in dir(bpy.types) if name.upper().startswith("SEMBLANCE")]
        timers = [bpy.app.timers.is_registered(timer.tick)]
        return names + [f"timer {is_on}" for is_on in timers if is_on] + dir(bpy.ops.semblance)

    states = []
    for _ in range(2):
        blender_addon.register()
        states.append(len(ours()))
        blender_addon.unregister()
        states.append(len(ours()))
    return {"states": states, "on scenes": hasattr(bpy.types.Scene, "semblance")}


def import_undo_redo(path: str) -> dict[str, Any]:
    """Import, undo, redo; what there is after each."""
    start_addon()
    bpy.ops.ed.undo_push(message="start")
    counts = []

    def count() -> list[int]:
        return [len(bpy.data.meshes), len(bpy.data.shape_keys), len(bpy.data.armatures),
                len(bpy.data.materials), len(bpy.context.scene.semblance.people)]  # fmt: skip

    counts.append(count())
    _import(path)
    counts.append(count())
    bpy.ops.ed.undo()
    counts.append(count())
    bpy.ops.ed.redo()
    counts.append(count())
    head = _found(heads.find_head, bpy.context.scene.semblance.people[0].rig)
    bpy.ops.semblance.photo_pose(photo=0)
    return {"counts": counts, "jaw": head.mesh.data.shape_keys.key_blocks["jawOpen"].value}


def keep(path: str, folder: str) -> dict[str, Any]:
    """Save and reload; then link and append the head into other files."""
    start_addon()
    mesh = _import(path)
    name, blend = mesh.name, str(Path(folder) / "kept.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    people_then = [(person.name, person.rig) for person in bpy.context.scene.semblance.people]
    told: dict[str, Any] = {"reloaded": _describe(bpy.data.objects[name]), "people": people_then}
    for how in ("append", "link"):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        with bpy.data.libraries.load(blend, link=how == "link") as (source, target):
            target.collections = [item for item in source.collections if item == name]
        bpy.context.scene.collection.children.link(target.collections[0])
        told[how] = _describe(next(item for item in target.collections[0].objects if item.type == "MESH"))
    return told


def _describe(mesh: Any) -> dict[str, Any]:
    head = _found(heads.head_of, mesh)
    photos = heads.photos_of(head)
    picture = heads.picture_of(head, photos[0])
    return {
        "rig": mesh["semblance_rig_id"],
        "keys": len(mesh.data.shape_keys.key_blocks),
        "armature": mesh.modifiers[0].object is not None and mesh.modifiers[0].object == head.armature,
        "photos": [photo.file for photo in photos],
        "picture": list(picture.size) if picture else None,
    }


def rebuild(path: str, other: str) -> dict[str, Any]:
    """Animate a head, add a key of one's own, then rebuild it from another rig."""
    start_addon()
    mesh = _import(path)
    keys = mesh.data.shape_keys.key_blocks
    keys["jawOpen"].value = 0.3
    keys["jawOpen"].keyframe_insert("value", frame=1)
    keys["jawOpen"].value = 0.9
    keys["jawOpen"].keyframe_insert("value", frame=11)
    driver = keys["cheekPuff"].driver_add("value").driver
    driver.expression = "0.25"
    mesh.shape_key_add(name="mine", from_mix=False)
    mesh.location.x = 2.0
    before = [mesh.name, len(bpy.data.meshes), len(bpy.data.materials), len(bpy.data.images)]
    person = bpy.context.scene.semblance.people[0]
    rig = read_rig(other)
    ready = RigReady(person.uid, Path(other), rig.rig_id, (("a.jpg", "Blurred."),))
    state.jobs[person.uid] = Job(say.Progress(person.uid, "fetch", 1.0), result=ready)
    bpy.ops.semblance.apply_rig(owner=person.uid)
    head = _found(heads.find_head, rig.rig_id)
    keys = head.mesh.data.shape_keys.key_blocks
    bpy.context.scene.frame_set(6)
    bpy.context.view_layer.update()
    co = np.empty((len(head.mesh.data.vertices), 3), np.float32)
    head.mesh.data.vertices.foreach_get("co", co.ravel())
    return {
        "before": before,
        "after": [head.mesh.name, len(bpy.data.meshes), len(bpy.data.materials), len(bpy.data.images)],
        "jaw at 6": keys["jawOpen"].value,
        "driven": round(keys["cheekPuff"].value, 3),
        "mine": "mine" in keys,
        "x": head.mesh.location.x,
        "same shape": float(np.abs(co - rig.neutral).max()),
        "person": [person.rig == rig.rig_id, person.warnings[0].message],
        "people": len(bpy.context.scene.semblance.people),
    }


def expression_buttons(path: str) -> dict[str, Any]:
    """Press the buttons above the sliders."""
    start_addon()
    keys = _import(path).data.shape_keys.key_blocks
    keys["mouthSmileLeft"].value = 0.8
    keys["eyeBlinkRight"].value = 0.5
    told: dict[str, Any] = {}
    for direction in ("LEFT", "SWAP"):
        bpy.ops.semblance.expression_mirror(direction=direction)
        names = ("mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight")
        told[direction] = {name: round(keys[name].value, 3) for name in names}
    keys["eyeBlinkLeft"].value = 0.7
    bpy.ops.semblance.expression_reset(region="mouth")
    told["reset mouth"] = [keys["mouthSmileRight"].value, round(keys["eyeBlinkLeft"].value, 3)]
    bpy.ops.semblance.expression_key()
    action = keys.id_data.animation_data.action
    curves = getattr(action, "fcurves", None)
    if curves is None:
        curves = action.layers[0].strips[0].channelbags[0].fcurves
    told["curves"] = len(curves)
    return told


def photo_fit(path: str, width: str, height: str) -> dict[str, Any]:
    """Show the fit in a render frame of some size: where points of the head fall in the picture."""
    start_addon()
    mesh = _import(path)
    head = _found(heads.head_of, mesh)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = int(width), int(height)
    head.armature.location = (0.3, -0.2, 0.1)
    mesh.data.shape_keys.key_blocks["tongueOut"].value = 0.5
    bpy.ops.semblance.photo_fit(photo=0)
    bpy.context.view_layer.update()
    camera = _found(fit_camera, head)
    photo = heads.photos_of(head)[0]
    points = [mesh.matrix_world @ Vector(mesh.data.vertices[index].co) for index in (0, 100, 400)]
    # Blender's frame coordinates → pixels of the picture that is fitted into the frame
    frame = int(width) / int(height)
    aspect = photo.width / photo.height
    across, down = (1.0, aspect and frame / aspect) if aspect >= frame else (aspect / frame, 1.0)
    pixels = []
    for point in points:
        x, y, _ = world_to_camera_view(scene, camera, point)
        pixels.append([((x - 0.5) / across + 0.5) * photo.width,
                       (1 - ((y - 0.5) / down + 0.5)) * photo.height])  # fmt: skip
    background = camera.data.background_images[0]
    told: dict[str, Any] = {
        "pixels": pixels,
        "expression": mesh.data.shape_keys.key_blocks["jawOpen"].value,
        "picture": list(background.image.size),
        "frame": background.frame_method,
    }
    bpy.ops.semblance.photo_fit_end()
    told["tongue after"] = mesh.data.shape_keys.key_blocks["tongueOut"].value
    told["cameras after"] = len(bpy.data.cameras)
    return told


def export_both(path: str, folder: str) -> list[str]:
    """Export an animated, smiling head; the files and the values afterwards."""
    start_addon()
    keys = _import(path).data.shape_keys.key_blocks
    keys["mouthSmileLeft"].value = 0.5
    for ending in (".glb", ".obj"):
        bpy.ops.semblance.export(filepath=str(Path(folder) / "out"), ending=ending)
    return [
        str(round(keys["mouthSmileLeft"].value, 2)),
        *sorted(file.name for file in Path(folder).iterdir()),
    ]


def photo_list(folder: str) -> dict[str, Any]:
    """Add, paste, move and remove photos."""
    start_addon()
    names = sorted(file.name for file in Path(folder).iterdir())
    bpy.ops.semblance.photos_add(directory=folder, files=[{"name": name} for name in names[:2]])
    person = people.active_person(bpy.context.scene)
    from blender_addon.operators import photos

    people.add_photos(person, photos._paths_in(f"{folder}/{names[2]}\nfile://{folder}/{names[0]}\nnonsense"))
    listed = [Path(photo.path).name for photo in person.photos]
    bpy.ops.semblance.photo_move(by=-1)
    moved = [Path(photo.path).name for photo in person.photos]
    bpy.ops.semblance.photo_remove(name=names[0])
    return {
        "names": names,
        "listed": listed,
        "moved": moved,
        "left": [Path(photo.path).name for photo in person.photos],
        "too many": people.add_photos(person, [f"/x/{index}.jpg" for index in range(40)]),
    }


def lens_options() -> list[Any]:
    """What the server is asked of the lens: nothing, an equivalent, a lens before a sensor."""
    start_addon()
    bpy.ops.semblance.person_add()
    person = people.active_person(bpy.context.scene)
    asked = []
    for focal, sensor in ((0, 36), (85, 36), (50, 23.6)):
        person.focal, person.sensor = focal, sensor
        asked.append(people.rig_request(person).options.get("focal"))
    blender_addon.unregister()
    return asked


def _person(uid: str) -> Any:
    found = owners.PERSON.find(uid)
    return found[1] if found else None


def undo_during_a_job(photo: str) -> dict[str, Any]:
    """A step that is undone does not lose the job that was accepted after it; opening a file does."""
    start_addon()
    bpy.ops.semblance.person_add("EXEC_DEFAULT", True)
    person = people.active_person(bpy.context.scene)
    people.add_photos(person, [photo])
    uid = person.uid
    bpy.ops.ed.undo_push(message="photo")
    person.quality = "draft"
    bpy.ops.ed.undo_push(message="draft")
    state.jobs[uid] = Job(say.Progress(uid, "send", 0.1))
    session.worker().reports.put(say.JobAccepted(uid, "job-1"))
    timer.tick()
    told: dict[str, Any] = {"accepted": _person(uid).job}
    bpy.ops.ed.undo()
    told["undone"] = [_person(uid).job, _person(uid).quality]
    session.worker().reports.put(say.JobEnded(uid, "no_face_found", "No face in a.jpg.", "Use another."))
    timer.tick()
    found = _person(uid)
    told["ended"] = [found.job, found.error_code, found.error_hint]
    bpy.ops.ed.redo()
    told["redone"] = _person(uid).job
    state.jobs[uid] = Job(say.Progress(uid, "send", 0.1))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    told["opened"] = [len(state.jobs), timer.tick() > 0]
    started = time.monotonic()
    blender_addon.unregister()
    told["stopped in"] = time.monotonic() - started
    return told


def kinds() -> dict[str, Any]:
    """What owns jobs in a file, and which operators the table of kinds names for it."""
    start_addon()
    scene = bpy.context.scene.semblance
    bpy.ops.semblance.person_add()
    with_id(scene.take)
    with_transfer_id(scene.transfer)
    known = {name: getattr(bpy.types, name) for name in dir(bpy.types) if name.startswith("SEMBLANCE_OT_")}
    operators = {cls.bl_idname: cls for cls in known.values()}
    told: dict[str, Any] = {
        "served": sorted(type(owner).__name__ for _, owner in owners.all_owners()),
        "there": sorted(cls.__name__ for cls in properties.CLASSES if issubclass(cls, properties.WithJob)),
        "found": [kind.find(owner.uid) is not None for kind, owner in owners.all_owners()],
        "apply": [operators[kind.apply].kind is kind for kind in owners.KINDS],
        "cancel": [kind.cancel in operators for kind in owners.KINDS],
    }
    blender_addon.unregister()
    return told


def faults() -> dict[str, Any]:
    """A report that breaks something, and a head that cannot be built, do not end the timer."""
    start_addon()
    bpy.ops.semblance.person_add("EXEC_DEFAULT", True)
    uid = people.active_person(bpy.context.scene).uid
    state.jobs[uid] = Job(say.Progress(uid, "send", 0.1))
    session.worker().reports.put(say.Models(None))  # type: ignore[arg-type]
    session.worker().reports.put(say.FramePicture(uid, 2, 2, b""))
    told: dict[str, Any] = {"pauses": [timer.tick()], "notices": [state.notice]}
    state.notice = ""
    state.jobs[uid].result = RigReady(uid, Path(), "", None)  # type: ignore[arg-type]
    told["pauses"] += [timer.tick(), timer.tick()]
    told["notices"].append(state.notice)
    told["left"] = [jobs.has_results(), len(state.jobs), bool(session.worker().reports)]
    blender_addon.unregister()
    return told


def build_on_server(photo: str, folder: str, python: str) -> dict[str, Any]:
    """The whole way with a real server: start it, build, take the head in. The ticks are called by hand."""
    start_addon(python)
    bpy.ops.semblance.person_add()
    person = people.active_person(bpy.context.scene)
    person.quality = "draft"
    person.focal, person.sensor = 50, 23.6
    people.add_photos(person, [photo])
    bpy.ops.semblance.server_start()
    until(lambda: state.server and state.server.state == "ready", 60)
    bpy.ops.semblance.build()
    until(lambda: person.job, 60)
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(folder) / "left.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(Path(folder) / "left.blend"))
    until(lambda: not state.jobs, 150)
    person = people.active_person(bpy.context.scene)
    head = _found(heads.find_head, person.rig)
    told: dict[str, Any] = {
        "error": person.error_message,
        "job": person.job,
        "keys": len(head.mesh.data.shape_keys.key_blocks) if head else 0,
        "models": [row[0] for row in state.models],
        "lenses": [[photo.lens, photo.equivalent] for photo in heads.photos_of(head)] if head else [],
    }
    bpy.ops.semblance.server_stop()
    until(lambda: state.server and state.server.state == "stopped", 20)
    blender_addon.unregister()
    return told


def install(zip_path: str) -> dict[str, Any]:
    """Install the zip as a user does, switch it on, off and on again."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if hasattr(bpy.app, "online_access"):
        bpy.ops.preferences.addon_enable(module="bl_pkg")
        bpy.ops.extensions.package_install_files(repo="user_default", filepath=zip_path)
        module = "bl_ext.user_default.semblance"
    else:
        bpy.ops.preferences.addon_install(filepath=zip_path)
        module = "semblance"
        bpy.ops.preferences.addon_enable(module=module)
    bpy.ops.preferences.addon_disable(module=module)
    off = "import_rig" in dir(bpy.ops.semblance)
    bpy.ops.preferences.addon_enable(module=module)
    chosen = bpy.context.preferences.addons[module].preferences
    chosen.token = "secret"
    return {"off": off, "on": "import_rig" in dir(bpy.ops.semblance), "place": chosen.place,
            "online": bool(getattr(bpy.app, "online_access", True))}  # fmt: skip


def addresses() -> dict[str, Any]:
    """Which servers the add-on would talk to."""
    start_addon()
    chosen = server_choice.preferences()
    told: dict[str, Any] = {"local": type(server_choice.target()).__name__}
    chosen.place = "REMOTE"
    for url in ("", "http://127.0.0.1:9", "https://heads.example.org", "http://[::1]:9/"):
        chosen.url = url
        told[url] = type(server_choice.target()).__name__
    told["may go online"] = server_choice.online_allowed()
    return told


def thumbnails_come_to_rest(photo: str) -> dict[str, Any]:
    """Ask for pictures as panels do at every redraw: one that is there, one that is not."""
    start_addon()
    asked = []
    for _ in range(4):
        thumbnails.icon(photo), thumbnails.icon("/absent.jpg")
        asked.append(thumbnails.waiting())
        thumbnails.load_waiting(time.perf_counter() + 1)
    return {"asked": asked}
