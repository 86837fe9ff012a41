"""What the tests of the performance panel do inside Blender. Imports nothing that Blender lacks."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

import blender_addon
from blender_addon import anatomy, takes, thumbnails
from blender_addon.client import messages as say
from blender_addon.runtime import session, timer
from blender_addon.runtime.jobs import frame_picture
from blender_addon.runtime.state import Job, state
from tests.blender_addon.scenery import curves, keyed_mesh, performance, select, start_addon, until


def target(rig: str) -> dict[str, Any]:
    """Choose a head of ours, then a character of someone else's."""
    start_addon()
    bpy.ops.semblance.import_rig("EXEC_DEFAULT", True, filepath=rig)
    bpy.ops.semblance.take_target()
    take = performance()
    head = [row.name for row in take.meshes]
    told: dict[str, Any] = {
        "ours": [head, take.head.name, take.head_bone, take.neck_bone, take.left_eye],
        "eyes turn": [take.turn_eyes, takes.targets_of(take).eye_bones],
        "rig": takes.rig_of(take),
        "keys": {name: len(keys) for name, keys in takes.mesh_keys(take).items()},
    }
    body, teeth, plain = keyed_mesh("body", ["A"]), keyed_mesh("teeth", ["A"]), keyed_mesh("plain", [])
    plain.shape_key_clear()
    select(body, teeth, plain)
    bpy.ops.semblance.take_target()
    told["theirs"] = [sorted(row.name for row in take.meshes), take.head is None]
    select(plain)
    told["none"] = list(bpy.ops.semblance.take_target())
    return told


def names() -> dict[str, Any]:
    """Eyes, heads and necks as riggers name them."""
    pairs = [
        ("Eye_L", "Eye_R"), ("eye.L", "eye.R"), ("LeftEye", "RightEye"), ("mEyeLeft", "mEyeRight"),
        ("CC_Base_L_Eye", "CC_Base_R_Eye"), ("J_Adj_L_FaceEye", "J_Adj_R_FaceEye"), ("leye", "reye"),
        ("mixamorig:LeftEye", "mixamorig:RightEye"), ("FACIAL_L_Eye", "FACIAL_R_Eye"),
        ("eyeball_l", "eyeball_r"),
        ("Hero_Eye_L", "Hero_Eye_R"), ("DEF-eye.L", "DEF-eye.R"), ("Eye.L.001", "Eye.R.001"),
        ("左目", "右目"),
    ]  # fmt: skip
    others = [
        "eyelid.L",
        "eyelid.R",
        "eye_brow_L",
        "eye_brow_R",
        "EyeTarget_L",
        "EyeTarget_R",
        "eye",
        "Eye_L2",
    ]
    heads = [
        "head",
        "DEF-head",
        "mHead",
        "Bip001 Head",
        "J_Bip_C_Head",
        "CC_Base_Head",
        "mixamorig:Head",
        "頭",
    ]
    necks = ["neck", "Neck1", "neck_01", "mNeck", "首"]
    return {
        "pairs": [list(pair) for pair in pairs],
        "found": [[list(found) for found in anatomy.eye_pairs([*others, *pair])] for pair in pairs],
        "heads": [anatomy.bone_named(["forehead", "HeadTop_End", name], "head") == name for name in heads],
        "necks": [anatomy.bone_named(["necklace", name], "neck") == name for name in necks],
        "none": [anatomy.bone_named(["forehead", "spine.006"], "head"), anatomy.eye_pairs(others)],
    }


def imported(fbx: str, track: str, python: str) -> dict[str, Any]:
    """A track onto a character of someone else's, from an FBX file, by the panel's operators alone."""
    if "fbx_import" not in dir(bpy.ops.wm):
        return {"skipped": "this Blender cannot import the file"}
    with _server(python):
        bpy.ops.wm.fbx_import(filepath=fbx)
        scene = bpy.context.scene
        scene.render.fps = 25
        select(bpy.data.objects["head"])
        bpy.ops.semblance.take_target("EXEC_DEFAULT", True)
        take = performance()
        told: dict[str, Any] = {
            "chosen": [take.head.name, take.left_eye, take.right_eye, take.turn_eyes],
        }
        take.track, take.smoothing, take.error = track, 0.0, 0.0
        bpy.ops.semblance.take_again("EXEC_DEFAULT", True)
        until(lambda: not state.jobs, 90)
        take = performance()
        head = bpy.data.objects["head"]
        told["error"] = take.error_message
        told["keys"] = len(curves(head.data.shape_keys))
        told["eyes"] = sorted(curves(bpy.data.objects[take.left_eye]))
        told["jaw"], told["turn"], told["looks"] = [], [], []
        bearer, eyes = take.head, [bpy.data.objects[name] for name in (take.left_eye, take.right_eye)]
        rest = [item.matrix_world.to_3x3().normalized() for item in _at_rest(bearer, *eyes)]
        for frame in range(1, 41):
            scene.frame_set(frame)
            told["jaw"].append(head.data.shape_keys.key_blocks["jawOpen"].value)
            now = [item.matrix_world.to_3x3().normalized() for item in (bearer, *eyes)]
            turn, *seen = (b @ a.transposed() for a, b in zip(rest, now))  # noqa: B905 (one of each)
            told["turn"].append([list(row) for row in turn])
            told["looks"].append([list(turn.transposed() @ eye @ Vector((0, -1, 0))) for eye in seen])
        return told


def _at_rest(*items: Any) -> tuple[Any, ...]:
    """Objects as they are without a take."""
    for item in items:
        item.delta_rotation_euler = (0, 0, 0)
    muted = [item.animation_data.action for item in items]
    for item in items:
        item.animation_data.action = None
    bpy.context.view_layer.update()
    copies = tuple(SimpleNamespace(matrix_world=item.matrix_world.copy()) for item in items)
    for item, action in zip(items, muted):  # noqa: B905 (one of each)
        item.animation_data.action = action
        if hasattr(item.animation_data, "action_suitable_slots"):
            slots = item.animation_data.action_suitable_slots
            item.animation_data.action_slot = next(slot for slot in slots if slot.name_display == item.name)
    return copies


def lacking() -> list[str]:
    """Press the button without what it needs."""
    take = start_addon()
    said = []
    for step in range(3):
        if step == 1:
            takes.set_character(take, [keyed_mesh("head", ["jawOpen"])])
        elif step == 2:
            take.clip, take.follow = "/x.mp4", "HEAD"
        bpy.ops.semblance.take_track()
        said.append(take.error_message)
    return [*said, str(len(state.jobs)), str(session.running() is None)]


def presets(folder: str) -> dict[str, Any]:
    """Fill, edit, save and load the table."""
    take = start_addon()
    takes.set_character(take, [keyed_mesh("head", ["A", "B"])])
    channel = {"weights": {"jawOpen": 1.0}, "gain": 1.0, "offset": 0.0, "low": 0.0, "high": 1.0}
    preset = {"format": "semblance-mapping", "schema": 1, "name": "Mine", "mirrored": True,
              "neutral": {"jawOpen": 0.25}, "channels": {"A": channel, "B": channel}}  # fmt: skip
    takes.fill_channels(take, preset)
    take.channels["A"].gain = 0.5
    take.channels["B"].mute = take.swap = True
    path = str(Path(folder) / "mine.json")
    bpy.ops.semblance.mapping_save(filepath=path)
    take.channels.clear()
    take.swap = False
    bpy.ops.semblance.mapping_load(filepath=path)
    told: dict[str, Any] = {
        "saved": json.loads(Path(path).read_text()),
        "again": takes.preset_of(take),
        "swap": take.swap,
    }
    told["muted"] = [row.name for row in take.channels if row.mute]
    unknown, upside = {**channel, "weights": {"smile": 1.0}}, {**channel, "low": 2.0}
    for name, text in (
        ("list", "[]"),
        ("deep", "[" * 100_000),
        ("other", '{"format": "x"}'),
        ("newer", json.dumps({**preset, "schema": 2})),
        ("unknown", json.dumps({**preset, "channels": {"C": unknown}})),
        ("upside", json.dumps({**preset, "channels": {"C": upside}})),
    ):
        bad = Path(folder) / f"{name}.json"
        bad.write_text(text)
        try:
            bpy.ops.semblance.mapping_load(filepath=str(bad))
            told[name] = "loaded"
        except RuntimeError as error:
            told[name] = str(error)
    told["kept"] = [[row.name for row in take.channels], take.swap]
    plain = Path(folder) / "plain.json"
    plain.write_text(json.dumps({**preset, "mirrored": False}))
    bpy.ops.semblance.mapping_load(filepath=str(plain))
    told["swap of a plain one"] = take.swap
    return told


def table(folder: str) -> dict[str, Any]:
    """Edit the table by its buttons: rows, what drives them, weights; undo; an older file."""
    start_addon()
    select(keyed_mesh("head", ["jawOpen", "Smile"]))
    bpy.ops.semblance.take_target("EXEC_DEFAULT", True)
    bpy.ops.ed.undo_push(message="chosen")
    told: dict[str, Any] = {
        "polls": [bpy.ops.semblance.channel_remove.poll(), bpy.ops.semblance.unit_add.poll()],
        "free": takes.free_keys(performance()),
    }
    for key in ("jawOpen", "Smile", "Elsewhere"):
        bpy.ops.semblance.channel_add("EXEC_DEFAULT", True, key=key)
    told["free after"] = takes.free_keys(performance())
    told["refused"] = [_refusal(bpy.ops.semblance.channel_add, key=key) for key in ("Smile", "")]
    bpy.ops.semblance.channel_remove("EXEC_DEFAULT", True)
    told["chosen"] = performance().active_channel
    bpy.ops.semblance.unit_add("EXEC_DEFAULT", True, unit="mouthSmileLeft")
    bpy.ops.semblance.unit_add("EXEC_DEFAULT", True, unit="mouthSmileRight")
    bpy.ops.semblance.unit_add("EXEC_DEFAULT", True, unit="cheekPuff")
    told["refused"].append(_refusal(bpy.ops.semblance.unit_add, unit="cheekPuff"))
    bpy.ops.semblance.unit_remove("EXEC_DEFAULT", True)
    performance().channels["Smile"].units["mouthSmileRight"].weight = 0.3
    bpy.ops.ed.undo_push(message="weight")
    path = Path(folder) / "made.json"
    bpy.ops.semblance.mapping_save(filepath=str(path))
    told["saved"] = json.loads(path.read_text())["channels"]
    bpy.ops.semblance.channel_remove("EXEC_DEFAULT", True)
    told["removed"] = [row.name for row in performance().channels]
    bpy.ops.ed.undo()
    told["undone"] = (takes.preset_of(performance()) or {})["channels"] == told["saved"]
    row = performance().channels["Smile"]
    row.units.clear()
    row.weights = '{"jawLeft": 0.5}'
    blend = str(Path(folder) / "older.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    row = performance().channels["Smile"]
    told["older file"] = [{unit.name: unit.weight for unit in row.units}, row.weights]
    return told


def _refusal(operator: Any, **options: str) -> str:
    try:
        operator(**options)
    except RuntimeError as error:
        return str(error)
    return "done"


@contextmanager
def _server(python: str) -> Iterator[None]:
    """A real server, used by the add-on."""
    start_addon(python)
    bpy.ops.semblance.server_start()
    until(lambda: state.server and state.server.state == "ready", 60)
    try:
        yield
    finally:
        bpy.ops.semblance.server_stop()
        until(lambda: state.server and state.server.state == "stopped", 20)
        blender_addon.unregister()


def perform(clip: str, python: str) -> dict[str, Any]:
    """Track a clip on a real server, apply it, undo it, apply it again otherwise."""
    with _server(python):
        return _perform(clip)


def people(clip: str, python: str) -> dict[str, Any]:
    """Look who is in a clip, and choose the second."""
    with _server(python):
        take = performance()
        take.clip, take.start, take.end = clip, 0.3, 0.2
        bpy.ops.semblance.take_people()
        told: dict[str, Any] = {"wrong": take.error_message}
        take.end = 0.0
        bpy.ops.semblance.take_people("EXEC_DEFAULT", True)
        until(lambda: not state.jobs, 60)
        found = state.people[take.uid]
        told["error"] = take.error_message
        told["numbers"] = [person.number for person in found.people]
        told["pictures"] = [path.is_file() for path in (found.picture, *(one.crop for one in found.people))]
        told["length"] = take.clip_seconds
        bpy.ops.semblance.take_person("EXEC_DEFAULT", True, number=2)
        told["chosen"] = [take.follow, [round(side) for side in take.point]]
        told["asked"] = takes.clip_request(take).options
        told["time"] = found.time
        take.start = 5.0
        bpy.ops.semblance.take_people()
        told["late"] = take.error_message
        told["files"] = len(list(session.data_folder("pictures").iterdir()))
        take.start = 0.0
        bpy.ops.semblance.take_people("EXEC_DEFAULT", True)
        until(lambda: not state.jobs, 60)
        told["files again"] = len(list(session.data_folder("pictures").iterdir()))
        take.clip = clip + "x"
        told["forgotten"] = [len(state.people), take.clip_seconds]
        return told


def stop(clip: str, python: str) -> dict[str, Any]:
    """Cancel once, and keep what was tracked; then twice, and keep nothing."""
    with _server(python):
        select(keyed_mesh("face", ["jawOpen", "mouthSmile_L"]))
        bpy.ops.semblance.take_target("EXEC_DEFAULT", True)
        take = performance()
        take.clip = clip
        told: dict[str, Any] = {}

        def picture() -> Any:  # without a window it has no icon
            return thumbnails._previews.get(frame_picture(take.uid))

        def reached() -> bool:
            now = state.jobs[take.uid].progress
            return now.frame is not None and now.frame.number >= 20 and picture() is not None

        bpy.ops.semblance.take_track("EXEC_DEFAULT", True)
        until(reached, 120)
        preview = picture()
        pixels = np.array(preview.image_pixels_float[:]).reshape(preview.image_size[1], -1, 4)
        told["picture"] = [
            list(preview.image_size),
            float(pixels[..., 1].max()),
            float(pixels[..., :3].std()),
        ]
        pressed = time.monotonic()
        bpy.ops.semblance.take_cancel()
        told["says so at once"] = state.jobs[take.uid].stopping
        until(lambda: state.jobs[take.uid].progress.stopping, 30)
        told["answered after"] = time.monotonic() - pressed
        until(lambda: not state.jobs, 60)
        take = performance()
        told["error"] = take.error_message
        told["warnings"] = [row.message for row in take.warnings]
        with zipfile.ZipFile(take.track) as archive:
            told["track"] = json.loads(archive.read("track.json"))
        keys = curves(bpy.data.objects["face"].data.shape_keys)
        told["frames"] = keys['key_blocks["jawOpen"].value'][-1][0] if keys else 0
        told["after"] = [len(state.jobs), picture() is None]
        before = take.track
        bpy.ops.semblance.take_track("EXEC_DEFAULT", True)
        until(reached, 120)
        bpy.ops.semblance.take_cancel()
        bpy.ops.semblance.take_cancel()
        until(lambda: not state.jobs, 60)
        told["twice"] = [performance().track == before, performance().error_message, performance().job]
        return told


def _perform(clip: str) -> dict[str, Any]:
    bpy.context.scene.render.fps = 25
    face = keyed_mesh("face", ["jawOpen", "mouthSmile_L", "mouthSmile_R", "blush"])
    select(face)
    bpy.ops.semblance.take_target("EXEC_DEFAULT", True)
    take = performance()
    take.clip, take.start_frame, take.error = clip, 11, 0.0
    take.end, take.smoothing, take.wrinkles = 0.5, 0.0, True
    bpy.ops.semblance.take_track("EXEC_DEFAULT", True)
    stages: set[str] = set()

    def done() -> bool:
        stages.update(job.progress.stage for job in state.jobs.values())
        return not state.jobs

    until(done, 150)
    face, take = bpy.data.objects["face"], performance()
    first = curves(face.data.shape_keys)
    told: dict[str, Any] = {
        "error": take.error_message,
        "stages": sorted(stages),
        "warnings": [row.message for row in take.warnings],
        "channels": [row.name for row in take.channels],
        "paths": sorted(first),
        "frames": [first['key_blocks["jawOpen"].value'][at][0] for at in (0, -1)],
        "job": take.job,
        "notice": state.notice,
    }
    track = take.track
    told["wrinkles"] = [_wrinkles(face)]
    bpy.ops.ed.undo()
    face, take = bpy.data.objects["face"], performance()
    told["wrinkles"].append(_wrinkles(face))
    told["undone"] = [curves(face.data.shape_keys), take.track == track, Path(track).is_file()]
    bpy.ops.semblance.take_map("EXEC_DEFAULT", True)
    until(done, 60)
    take = performance()
    told["recognised"] = [row.name for row in take.channels]
    take.gain = 0.5
    take.channels["mouthSmile_R"].mute = True
    bpy.ops.semblance.take_again("EXEC_DEFAULT", True)
    until(done, 60)
    face = bpy.data.objects["face"]
    second = curves(face.data.shape_keys)
    path = 'key_blocks["mouthSmile_L"].value'
    told["again"] = sorted(second)
    told["halved"] = max(
        abs(0.5 * a[1] - b[1])
        for a, b in zip(first[path], second[path])  # noqa: B905 (as many)
    )
    told["smile"] = max(value for _, value in first[path])
    told["left over"] = [file.name for file in session.data_folder("takes").iterdir()]
    # a clip that shows nobody is an error of the job's own
    performance().clip = __file__
    bpy.ops.semblance.take_track()
    until(done, 60)
    told["no video"] = [performance().error_code, performance().job]
    return told


def _wrinkles(owner: Any) -> int:
    return sum(key.startswith("wrinkle_") for key in owner.keys())  # noqa: SIM118 - objects do not iterate


def undo_and_reopen(folder: str) -> dict[str, Any]:
    """A job that was accepted is known after undo, and in the file that is opened again."""
    start_addon()
    select(keyed_mesh("face", ["jawOpen"]))
    bpy.ops.semblance.take_target("EXEC_DEFAULT", True)
    uid = performance().uid
    performance().smoothing = 2.0
    bpy.ops.ed.undo_push(message="smoothing")
    state.jobs[uid] = Job(say.Progress(uid, "faces", 0.1))
    session.worker().reports.put(say.JobAccepted(uid, "job-1"))
    timer.tick()
    bpy.ops.ed.undo()
    told: dict[str, Any] = {"undone": [performance().job, round(performance().smoothing, 1)]}
    path = str(Path(folder) / "left.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    told["elsewhere"] = len(state.jobs)
    bpy.ops.wm.open_mainfile(filepath=path)
    told["back"] = [list(state.jobs) == [uid], state.jobs[uid].id, performance().job]
    bpy.ops.semblance.take_cancel()
    session.worker().reports.put(say.JobEnded(uid, "cancelled"))
    timer.tick()
    told["cancelled"] = [len(state.jobs), performance().job, performance().error_message]
    blender_addon.unregister()
    return told
