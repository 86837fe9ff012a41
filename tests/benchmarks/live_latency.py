"""How long a face takes from the camera's frame to the key's value in Blender, beside MediaPipe's own graph.

    python -m tests.benchmarks.live_latency [CLIP] [--seconds 15]

Runs in an interpreter that has bpy. A process of its own plays the clip (by default one of the shared ones)
at its own pace and tracks it as ``semblance live`` does; this one is Blender without a window, with the
add-on listening and its timer ticking. Printed are the milliseconds from a frame's arrival to the applied
values (median and 95th percentile), the part of them that the tracker takes, how long a tick holds Blender's
main thread, and the frames a second. Then, one after the other and as fast as they can: the live tracker, and
MediaPipe's face mesh graph with irises, which gives landmarks alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.benchmarks.support.reading import data_folder

_SKIP: Final = 5.0  # seconds at the beginning, in which the person is measured for the first time
_ROOT: Final = Path(__file__).parent.parent.parent


def serve(clip: Path, folder: Path) -> None:
    """The tracker's process; its messages also tell when the frame came and when it was done."""
    from core.live.feed import Feed
    from core.live.sources import FileSource
    from core.live.tracker import LiveTracker
    from models.prior.prior import LandmarkPrior
    from server.live.messages import FrameWriter, hello
    from server.live.serving import LiveServer

    source = FileSource(clip, loop=True)
    writer = FrameWriter()
    with (
        LiveServer(folder, hello(source, None)) as server,
        LiveTracker(None, LandmarkPrior()) as tracker,
    ):
        tracker.warm_up(source.size)
        with Feed(source) as feed:
            while not feed.ended:
                if arrived := feed.take(0.2):
                    message = writer(tracker(arrived.frame))
                    server.publish({**message, "arrived": arrived.at, "done": time.perf_counter()})


def measure(folder: Path, seconds: float) -> None:
    """Blender's side."""
    import bpy

    import blender_addon

    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_addon.register()
    bpy.context.preferences.addons.new().module = "blender_addon"
    from blender_addon.client import live_messages as say
    from blender_addon.client.live import LiveListener
    from blender_addon.runtime import live, timer
    from core.arkit import ARKIT_NAMES

    known: dict[float, tuple[float, float]] = {}
    read = LiveListener._frame

    def noted(self: LiveListener, message: dict[str, Any]) -> say.LiveFrame:
        known[float(message["time"])] = message["arrived"], message["done"]
        return read(self, message)

    LiveListener._frame = noted  # type: ignore[method-assign]
    data = bpy.data.meshes.new("face")
    data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    face = bpy.data.objects.new("face", data)
    bpy.context.scene.collection.objects.link(face)
    for name in ("Basis", *ARKIT_NAMES):
        face.shape_key_add(name=name)
    face.select_set(True)
    bpy.context.view_layer.objects.active = face
    bpy.ops.semblance.take_target()
    bpy.context.scene.semblance.take.live_source = "RUNNING"
    while not (folder / "live.json").exists():
        time.sleep(0.1)
    bpy.ops.semblance.live_start()

    rows, ticks, last = [], [], -1.0
    began: float | None = None
    while began is None or time.perf_counter() - began < _SKIP + seconds:
        before = time.perf_counter()
        pause = timer.tick()
        after = time.perf_counter()
        now = live._live
        if now is None:
            raise RuntimeError(bpy.context.scene.semblance.take.error_message)
        if now.newest is not None and now.newest.time != last:
            last = now.newest.time
            began = began or after
            if after - began > _SKIP:
                arrived, done = known[last]
                rows.append((1e3 * (after - arrived), 1e3 * (done - arrived), last))
                ticks.append(1e3 * (after - before))
        time.sleep(pause)
    whole, tracking, times = (np.array(column) for column in zip(*rows, strict=True))
    print(f"{len(rows)} frames applied in {seconds:g} s: {len(rows) / seconds:.1f} a second")
    for name, values in (
        ("frame to key value", whole), ("of that, tracking", tracking), ("a tick of Blender's", ticks)
    ):  # fmt: skip
        print(f"{name:20s} median {np.median(values):6.1f} ms   95 % {np.percentile(values, 95):6.1f} ms")
    steps = np.round(np.diff(times) / np.median(np.diff(times)))
    print(f"frames skipped between two that were applied: {int((steps - 1).clip(0).sum())}")
    blender_addon.unregister()


def as_fast_as_they_can(clip: Path) -> None:
    """The tracker and MediaPipe's graph on the same decoded frames."""
    import mediapipe as mp

    from core.capture.video import open_video
    from core.live.tracker import LiveTracker
    from models.prior.prior import LandmarkPrior

    with open_video(clip, end=6.0, long_side=1280) as video:
        frames = list(video)
    with LiveTracker(None, LandmarkPrior()) as tracker:
        height, width = frames[0].pixels.shape[:2]
        tracker.warm_up((width, height))
        ours = []
        for frame in frames:
            began = time.perf_counter()
            tracker(frame)
            ours.append(time.perf_counter() - began)
    theirs = []
    with mp.solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1) as graph:
        for frame in frames:
            began = time.perf_counter()
            graph.process(frame.pixels)
            theirs.append(time.perf_counter() - began)
    for name, seconds in (("the live tracker", ours), ("MediaPipe's graph", theirs)):
        print(
            f"{name}, unpaced: {1 / statistics.median(seconds):.1f} frames a second (median of {len(frames)})"
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    clip = options.clip or data_folder() / "clips" / "liveportrait_d9.mp4"
    if options.serve:
        serve(clip, options.serve)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["SEMBLANCE_SERVER"] = name
        os.environ["BLENDER_USER_DATAFILES"] = str(folder / "data")
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.live_latency",
            str(clip.resolve()),
            "--serve",
            name,
        ]
        tracker = subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.DEVNULL)
        try:
            print(f"{clip.name}; load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            measure(folder, options.seconds)
        finally:
            tracker.kill()
            tracker.wait()
    as_fast_as_they_can(clip)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # unloading bpy crashes after some exports
