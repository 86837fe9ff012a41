"""How long Blender's main thread is held while a job runs and its progress arrives.

    python -m tests.benchmarks.main_thread [PHOTO...] [--quality standard]

Runs in the interpreter it is started with, which needs bpy. Starts a server of its own, builds a head from
the photos (by default scikit-image's portrait), and ticks the add-on's timer as Blender does.
Prints the distribution of the ticks' durations: idle, with the job, and the tick that builds the head; then
what a burst of 1,000 reports at once costs.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

import blender_addon

LIMIT = 0.016  # seconds; a frame at 60 Hz


def main() -> None:
    """Print one line for each kind of tick."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="*")
    parser.add_argument("--quality", default="standard", choices=["draft", "standard", "high"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEMBLANCE_SERVER"] = str(Path(folder) / "server")
        os.environ["BLENDER_USER_DATAFILES"] = str(Path(folder) / "data")
        root = Path(blender_addon.__file__).parent.parent
        os.environ["PYTHONPATH"] = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
        photos = [path.resolve() for path in options.photos] or [_portrait(Path(folder))]
        _measure(photos, options.quality)


def _portrait(folder: Path) -> Path:
    import skimage.data
    from PIL import Image

    path = folder / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()).save(path)
    return path


def _measure(photos: list[Path], quality: str) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_addon.register()
    bpy.context.preferences.addons.new().module = "blender_addon"
    bpy.context.preferences.addons["blender_addon"].preferences.python = sys.executable
    from blender_addon import people
    from blender_addon.client import messages as say
    from blender_addon.runtime import session, timer
    from blender_addon.runtime.state import Job, state

    def ticks_until(done: Callable[[], object], seconds: float) -> list[float]:
        durations = []
        deadline = time.perf_counter() + seconds
        while not done():
            if time.perf_counter() > deadline:
                raise TimeoutError(repr(state))
            started = time.perf_counter()
            pause = timer.tick()
            durations.append(time.perf_counter() - started)
            time.sleep(min(pause, 0.02))
        return durations

    bpy.ops.semblance.server_start()
    ticks_until(lambda: state.server and state.server.state == "ready", 60)
    until = time.perf_counter() + 3
    _print("idle, server ready", ticks_until(lambda: time.perf_counter() > until, 10))

    bpy.ops.semblance.person_add()
    person = people.active_person(bpy.context.scene)
    person.quality = quality
    people.add_photos(person, map(str, photos))
    started = time.perf_counter()
    bpy.ops.semblance.build()
    pressed = time.perf_counter() - started
    # The report that brings the rig is taken in one tick; the head is built in the next.
    worker = session.worker()
    durations: list[float] = []
    building: list[float] = []
    while state.jobs:
        started = time.perf_counter()
        pause = timer.tick()
        length = time.perf_counter() - started
        (durations if state.jobs else building).append(length)
        time.sleep(min(pause, 0.02))
    if person.error_message:
        raise RuntimeError(person.error_message)
    _print("with the job", durations)
    _print("building the head", building)
    print(f"pressing Build Head: {pressed * 1e3:.2f} ms")

    _measure_preview(ticks_until)
    for number in range(1000):
        uid = f"person {number % 50}"
        state.jobs[uid] = Job(say.Progress(uid, "fit", 0.0))
        worker.reports.put(say.Progress(uid, "fit", number / 1000), ("progress", uid, number))
    _print("1,000 reports at once", ticks_until(lambda: not worker.reports, 10))
    state.jobs.clear()
    bpy.ops.semblance.server_stop()
    ticks_until(lambda: state.server and state.server.state == "stopped", 20)
    blender_addon.unregister()


def _measure_preview(ticks_until: Callable[[Callable[[], object], float], list[float]]) -> None:
    """A key and a bone move in every tick, as while a scene plays; then again, partly from the cache."""
    from blender_addon.heads import head_of
    from blender_addon.runtime import preview, timer
    from blender_addon.runtime.state import state

    head = next(head for item in bpy.data.objects if item.type == "MESH" and (head := head_of(item)))
    jaw, bone = head.mesh.data.shape_keys.key_blocks["jawOpen"], head.armature.pose.bones["head"]
    bone.rotation_mode = "XYZ"
    preview.start(head, 0, 512)

    def is_settled() -> bool:
        now = preview._preview
        return now is not None and now.wanted != b"" and now.shown == now.wanted

    ticks_until(is_settled, 120)
    for name in ("previewing, first time", "previewing, again"):
        durations, processor = [], []
        shown: set[bytes] = set()
        began = time.perf_counter()
        for step in range(300):
            bone.rotation_euler[1], jaw.value = step / 1000, step / 300
            bpy.context.view_layer.update()
            started, worked = time.perf_counter(), time.thread_time()
            timer.tick()
            durations.append(time.perf_counter() - started)
            processor.append(time.thread_time() - worked)
            if preview._preview is None:
                raise RuntimeError(repr(state.preview_ended))
            shown.add(preview._preview.shown)
            time.sleep(preview.PAUSE)
        seconds = time.perf_counter() - began
        _print(name, durations)
        _print(f"{name}, processor time", processor)
        print(f"{name}: {len(shown) / seconds:.1f} pictures a second at 512", flush=True)
    preview.stop()


def _print(name: str, durations: list[float]) -> None:
    values = np.array(durations) * 1e3
    above = int(np.sum(values > LIMIT * 1e3))
    print(
        f"{name}: {len(values)} ticks, p50 {np.percentile(values, 50):.3f} ms, "
        f"p99 {np.percentile(values, 99):.3f} ms, max {values.max():.3f} ms, above 16 ms: {above}",
        flush=True,
    )


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # unloading bpy crashes after some exports
