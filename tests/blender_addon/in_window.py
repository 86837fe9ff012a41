"""Runs inside Blender's window: installs the zip as a user does, uses the panel, takes pictures.

Started by test_window.py with ``blender --python``; what to do comes in the environment variable
``SEMBLANCE_WINDOW_TEST`` as JSON, what happened is written to its ``result`` file.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

TASK = json.loads(os.environ["SEMBLANCE_WINDOW_TEST"])
FOLDER = Path(TASK["folder"])
told: dict[str, Any] = {}
bpy.context.preferences.view.show_splash = False


def view() -> tuple[Any, Any, Any]:
    """Window, area and main region of the 3D view."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    return window, area, next(region for region in area.regions if region.type == "WINDOW")


def redraw() -> None:
    for area in bpy.context.window_manager.windows[0].screen.areas:
        area.tag_redraw()


def in_view(operator: Callable[..., Any], **properties: Any) -> Any:
    window, area, region = view()
    with bpy.context.temp_override(window=window, area=area, region=region):
        return operator(**properties)


def picture(name: str) -> None:
    window = bpy.context.window_manager.windows[-1]
    with bpy.context.temp_override(window=window):
        bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=2)
        bpy.ops.screen.screenshot(filepath=str(FOLDER / f"{name}.png"))


def person() -> Any:
    people = bpy.context.window_manager.windows[0].scene.semblance
    return people.people[people.active]


def addon_module(name: str) -> Any:
    return sys.modules[f"{TASK['module']}.{name}"]


def until(condition: Callable[[], bool], seconds: float) -> Iterator[float]:
    """Wait for something, leaving Blender to itself meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            faulthandler.dump_traceback()  # where the add-on's thread is
            raise TimeoutError(f"waited {seconds} s: {addon_module('runtime.state').state}")
        yield 0.1


def prepare(arrange: Callable[[], None] = lambda: None) -> Iterator[float]:
    """Install and enable the add-on, and open the sidebar at its tab; ``arrange`` is called in between."""
    preferences = bpy.context.preferences
    preferences.view.show_developer_ui = False
    if TASK.get("install", True):
        bpy.ops.preferences.addon_install(filepath=TASK["zip"])
    arrange()
    bpy.ops.preferences.addon_enable(module=TASK["module"])
    preferences.addons[TASK["module"]].preferences.python = TASK["python"]
    if TASK.get("language"):
        preferences.view.language = TASK["language"]
    _, area, _ = view()
    area.spaces.active.show_region_ui = True
    yield 0.5
    yield from open_tab()


def click(x: int, y: int) -> Iterator[float]:
    """Press the left button as a user does; pixels from the window's lower left corner."""
    window = bpy.context.window_manager.windows[0]
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    yield 0.1
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=y)
    yield 0.1
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=x, y=y)
    yield 0.2


def open_tab() -> Iterator[float]:
    """Click the tabs from the top until Semblance draws itself."""
    _, area, _ = view()
    sidebar = next(region for region in area.regions if region.type == "UI")
    running = addon_module("runtime.session").running
    y = sidebar.y + sidebar.height - 20
    while running() is None and y > sidebar.y:
        yield from click(sidebar.x + sidebar.width - 10, y)
        y -= 25


def use_the_panel() -> Iterator[float]:
    """From an empty file to a head on screen."""
    yield from prepare()
    state = addon_module("runtime.state").state
    yield from until(lambda: state.server is not None, 10)
    picture("1-no-server")
    told["before"] = state.server.state
    for name in ("Cube", "Light", "Camera"):
        bpy.data.objects.remove(bpy.data.objects[name])
    in_view(bpy.ops.semblance.person_add)
    person().name = "Eileen"
    photos = [Path(path) for path in TASK["photos"]]
    in_view(
        bpy.ops.semblance.photos_add,
        directory=str(photos[0].parent),
        files=[{"name": photo.name} for photo in photos],
    )
    person().quality = TASK["quality"]
    redraw()
    yield from until(lambda: addon_module("thumbnails").icon(str(photos[-1])) != 0, 10)
    yield 1.5
    picture("2-photos")
    in_view(bpy.ops.semblance.server_start)
    yield from until(lambda: state.server.state == "ready", 30)
    in_view(bpy.ops.semblance.build)
    yield from until(lambda: bool(person().job) and state.jobs[person().uid].progress.fraction > 0.5, 120)
    yield 0.2
    picture("3-building")
    told["job"] = person().job
    yield from until(lambda: not state.jobs, 180)
    told["error"] = [person().error_code, person().error_message]
    told["warnings"] = [row.message for row in person().warnings]
    head = bpy.data.objects["Eileen"]
    told["keys"] = len(head.data.shape_keys.key_blocks)
    told["rig"] = [person().rig, head["semblance_rig_id"]]
    _, area, _ = view()
    area.spaces.active.shading.type = "MATERIAL"
    bpy.context.view_layer.objects.active = head
    in_view(bpy.ops.view3d.view_axis, type="FRONT")
    head.select_set(True)
    in_view(bpy.ops.view3d.view_selected)
    yield 2.0
    picture("4-built")
    in_view(bpy.ops.semblance.photo_fit, photo=0)
    yield 1.0
    picture("5-fit")
    in_view(bpy.ops.semblance.photo_fit_end)
    told["view"] = area.spaces.active.region_3d.view_perspective
    in_view(bpy.ops.semblance.preferences)
    yield from until(lambda: len(bpy.context.window_manager.windows) > 1, 10)
    in_view(bpy.ops.semblance.find_python)
    yield from until(lambda: state.pythons is not None, 30)
    yield 1.0
    picture("6-preferences")


def _only_the_performance() -> None:
    """Open some of the performance's sections, and close the others, so that one picture shows them whole."""
    ui = importlib.import_module(f"{TASK['module']}.ui")
    for cls in ui.CLASSES:
        if cls.__name__ in ("SEMBLANCE_PT_take", "SEMBLANCE_PT_take_mapping", "SEMBLANCE_PT_take_job"):
            cls.bl_options = getattr(cls, "bl_options", set()) - {"DEFAULT_CLOSED"}
        elif issubclass(cls, bpy.types.Panel):
            cls.bl_options = {"DEFAULT_CLOSED"}


def perform() -> Iterator[float]:
    """Track a clip onto an imported head, and apply it again with more gain."""
    yield from prepare(_only_the_performance)
    state = addon_module("runtime.state").state
    yield from until(lambda: state.server is not None, 10)
    for name in ("Cube", "Light", "Camera"):
        bpy.data.objects.remove(bpy.data.objects[name])
    in_view(bpy.ops.semblance.import_rig, filepath=TASK["rig"])
    in_view(bpy.ops.semblance.take_target)
    take = bpy.context.scene.semblance.take
    take.clip, take.smoothing = TASK["clip"], 0.5
    bpy.context.scene.render.fps = 25
    redraw()
    yield 0.5
    picture("1-chosen")
    in_view(bpy.ops.semblance.server_start)
    yield from until(lambda: state.server.state == "ready", 30)
    in_view(bpy.ops.semblance.take_people)
    yield from until(lambda: not state.jobs, 60)
    told["people"] = [person.number for person in state.people[take.uid].people]
    in_view(bpy.ops.semblance.take_person, number=1)
    redraw()
    yield 1.0
    picture("2-people")
    take = bpy.context.scene.semblance.take
    take.follow = "MAIN"
    state.people.clear()
    in_view(bpy.ops.semblance.take_track)
    shown = addon_module("thumbnails").icon_of_pixels
    name = addon_module("runtime.jobs").frame_picture(take.uid)
    yield from until(lambda: take.uid not in state.jobs or shown(name) != 0, 120)
    redraw()
    picture("3-tracking")
    yield from until(lambda: not state.jobs, 180)
    take = bpy.context.scene.semblance.take
    told["error"] = [take.error_code, take.error_message]
    told["channels"] = len(take.channels)
    keys = next(row.item for row in take.meshes).data.shape_keys
    told["animated"] = len(keys.animation_data.action.fcurves)
    bpy.context.scene.frame_set(6)
    in_view(bpy.ops.view3d.view_axis, type="FRONT")
    in_view(bpy.ops.view3d.view_selected)
    redraw()
    yield 1.0
    take.channels[2].gain, take.channels[3].mute = 1.5, True
    redraw()
    yield 0.5
    picture("4-applied")
    take.channels[2].gain, take.channels[3].mute = 1.0, False
    told["smile"] = keys.key_blocks["mouthSmileLeft"].value
    take.gain = 2.0
    in_view(bpy.ops.semblance.take_again)
    yield from until(lambda: not state.jobs, 60)
    bpy.context.scene.frame_set(6)
    told["smile again"] = keys.key_blocks["mouthSmileLeft"].value


def leave_in_the_middle() -> Iterator[float]:
    """Start a job, save the file, and wait to be killed."""
    yield from prepare()
    state = addon_module("runtime.state").state
    in_view(bpy.ops.semblance.person_add)
    in_view(
        bpy.ops.semblance.photos_add,
        directory=str(Path(TASK["photos"][0]).parent),
        files=[{"name": Path(path).name} for path in TASK["photos"]],
    )
    person().quality = TASK["quality"]
    in_view(bpy.ops.semblance.server_start)
    yield from until(lambda: state.server is not None and state.server.state == "ready", 30)
    in_view(bpy.ops.semblance.build)
    yield from until(lambda: bool(person().job), 60)
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "left.blend"))
    told["job"] = person().job
    finish()
    yield from until(lambda: False, 300)


def come_back() -> Iterator[float]:
    """Open the file that was left, and wait for the head."""
    yield from prepare()
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "left.blend"))
    state = addon_module("runtime.state").state
    told["job"] = person().job
    yield 0.5
    yield from until(lambda: not state.jobs, 180)
    told["error"] = [person().error_code, person().error_message]
    told["rig"] = person().rig
    told["heads"] = [item.name for item in bpy.data.objects if "semblance_rig_id" in item]
    picture("back")


def timed(call: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    """The same, noting how long each call takes."""

    def noted(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return call(*arguments)
        finally:
            seconds.append(time.perf_counter() - began)

    return noted


def preview() -> Iterator[float]:
    """A photo follows an imported head: docked, through its camera, while playing; pictures of each."""

    def only_the_preview() -> None:
        for cls in importlib.import_module(f"{TASK['module']}.ui").CLASSES:
            if cls.__name__ in ("SEMBLANCE_PT_main", "SEMBLANCE_PT_head", "SEMBLANCE_PT_preview"):
                cls.bl_options = set()  # the first looks for the server
            elif issubclass(cls, bpy.types.Panel):
                cls.bl_options = {"DEFAULT_CLOSED"}

    yield from prepare(only_the_preview)
    state = addon_module("runtime.state").state
    yield from until(lambda: state.server is not None, 10)
    for name in ("Cube", "Light", "Camera"):
        bpy.data.objects.remove(bpy.data.objects[name])
    in_view(bpy.ops.semblance.import_rig, filepath=TASK["rig"])
    in_view(bpy.ops.semblance.server_start)
    yield from until(lambda: state.server.state == "ready", 30)
    in_view(bpy.ops.view3d.view_axis, type="FRONT")
    in_view(bpy.ops.view3d.view_selected)
    overlay = addon_module("preview.overlay").Overlay
    draws: list[float] = []
    overlay._draw = timed(overlay._draw, draws)
    bpy.context.scene.semblance.preview.size = TASK["size"]
    in_view(bpy.ops.semblance.preview_start, photo=0)
    running = addon_module("runtime.preview")

    def settled() -> bool:
        now = running._preview
        assert state.preview_ended is None, state.preview_ended
        return now is not None and now.wanted != b"" and now.shown == now.wanted

    yield from until(settled, 240)
    redraw()
    yield 0.5
    picture("1-rest")
    mesh = next(item for item in bpy.data.objects if item.type == "MESH")
    armature = mesh.find_armature()
    key = mesh.data.shape_keys.key_blocks["jawOpen"]
    bone = armature.pose.bones["head"]
    bone.rotation_mode = "XYZ"
    for frame, value in ((1, 0.0), (12, 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
        bone.rotation_euler = (0.0, 0.4 * value, 0.0)
        bone.keyframe_insert("rotation_euler", frame=frame)
    before = running._preview.wanted
    bpy.context.scene.frame_set(12)
    yield from until(lambda: running._preview.wanted != before and settled(), 60)
    redraw()
    yield 0.3
    picture("2-keyed")
    in_view(bpy.ops.semblance.photo_fit, photo=0)
    before = running._preview.wanted
    key.value = 0.7  # over the curve, until the frame changes
    yield from until(lambda: running._preview.wanted != before and settled(), 60)
    redraw()
    yield 0.5
    picture("3-camera")
    in_view(bpy.ops.semblance.photo_fit_end)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 12
    ticks: list[float] = []
    tick = running.tick
    running.tick = timed(tick, ticks)
    in_view(bpy.ops.screen.animation_play)
    yield from until(lambda: len(running._preview.cache) >= 12, 120)
    yield 3.0
    told["fps"] = running.pictures_a_second()
    told["cached"] = len(running._preview.cache)
    in_view(bpy.ops.screen.animation_cancel)
    running.tick = tick
    told["ticks"], told["draws"] = sorted(ticks), sorted(draws)
    in_view(bpy.ops.semblance.preview_stop)
    redraw()
    yield 0.5
    picture("4-stopped")
    told["left"] = [state.preview is None, running._preview is None]


def finish() -> None:
    (FOLDER / "result.json").write_text(json.dumps(told))


def drive(steps: Iterator[float]) -> None:
    """Run the steps between Blender's own events, then quit."""

    def step() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            finish()
        except BaseException:
            told["traceback"] = traceback.format_exc()
            picture("failure")
            finish()
        bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(step, first_interval=1.0, persistent=True)


drive(
    {
        "panel": use_the_panel,
        "take": perform,
        "leave": leave_in_the_middle,
        "back": come_back,
        "preview": preview,
    }[TASK["steps"]]()
)
