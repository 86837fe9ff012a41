"""The whole way round: a clip is tracked, played on a rig in Blender, rendered, and the render is tracked.

    python -m tests.benchmarks.round_trip [--clip CLIP] [--rig RIG.semrig] [--frames 100] [--engine WORKBENCH]

What the rig was made to do is known exactly, so the second track can be compared with it: once with the rig
given, once without. The clip's performer and the rig's person are two people; without ``--rig`` the rig is
built from scikit-image's astronaut. Blender renders with Workbench (textures, one fixed studio light) or,
with lights and skin, with EEVEE. Both tracks are smoothed as the add-on does.

The pictures come from the same face model that the tracker fits, so this measures what the way through
Blender loses, not how well a real face is read (see ``tracking_truth``). The learned prior has seen other
rendered heads of this model. The row ``nothing`` says how far a tracker would be off that always found a face
at rest. Needs bpy in this interpreter.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import skimage.data
from jaxtyping import Float
from numpy import ndarray
from PIL import Image

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.photos_to_rig import RigOptions, build_rig
from core.retarget.animation import Animation, save_animation
from core.retarget.character import RetargetOptions, animate_character
from core.retarget.smoothing import smooth_track
from core.rig import Rig, load_rig, save_rig
from core.track import Track
from core.video_to_track import TrackOptions, track_video
from models.prior.metrics import ACTIVE, score_by_unit
from models.prior.prior import LandmarkPrior
from tests.benchmarks.support.pose_error import angle, turns_between, without_mean
from tests.benchmarks.support.reading import data_folder

SIDE = 512
_UPRIGHT = np.diag([1.0, -1.0, -1.0])  # camera axes to +Y up, +Z towards the camera
_MESH = "head"


@dataclass(frozen=True)
class Played:
    """What the rig did, frame by frame."""

    coefficients: Float[ndarray, "frames 52"]
    rotation: Float[ndarray, "frames 3 3"]  # away from rest, +Y up, +Z out of the face


def astronaut(folder: Path) -> Path:
    """A rig of the portrait that comes with scikit-image."""
    Image.fromarray(skimage.data.astronaut()).save(folder / "astronaut.png")
    rig = build_rig([folder / "astronaut.png"], options=RigOptions(name="Astronaut", quality="draft"))
    save_rig(rig, folder / "astronaut.semrig")
    return folder / "astronaut.semrig"


def played(animation: Animation, frames: int, fps: float) -> Played:
    """The animation at the frames of the render."""
    times = animation.times[0] + np.arange(frames) / fps
    coefficients = np.zeros((frames, len(ARKIT_NAMES)))
    for curve in animation.curves:
        coefficients[:, ARKIT_INDEX[curve.key]] = np.interp(times, curve.times, curve.values)
    nearest = np.abs(animation.times[:, None] - times).argmin(axis=0)
    return Played(coefficients, animation.head_rotation[nearest].astype(np.float64))


def render_in_blender(rig: Path, animation: Path, out: Path, frames: int, fps: float, engine: str) -> None:
    """Build the head, write the animation with the add-on, and render a PNG of each frame to a folder.

    Runs in a process of its own (see :func:`main`).
    """
    import bpy

    from blender_addon.build import build_head, set_up_scene
    from blender_addon.retarget.animation_file import read_animation
    from blender_addon.retarget.take import Targets, apply_animation
    from blender_addon.rig_file import read_rig

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    head = build_head(read_rig(rig), scene.collection)
    set_up_scene(head, scene)
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.render.fps = math.ceil(fps)
    scene.render.fps_base = scene.render.fps / fps
    if engine == "WORKBENCH":
        scene.render.engine = "BLENDER_WORKBENCH"
        scene.display.shading.light = "STUDIO"
        scene.display.shading.color_type = "TEXTURE"
    targets = Targets(meshes={_MESH: head.mesh}, head=head.armature, head_bone="head", neck_bone="neck")
    apply_animation(read_animation(animation), targets, scene)
    for frame in range(frames):
        scene.frame_set(frame + 1)
        scene.render.filepath = str(out / f"{frame:05d}.png")
        bpy.ops.render.render(write_still=True)


def encode(folder: Path, fps: float, path: Path) -> Path:
    """The rendered frames as a video of high quality."""
    with av.open(str(path), "w") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream: Any = container.add_stream("libx264", rate=rate, options={"crf": "12"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for file in sorted(folder.glob("*.png")):
            pixels = np.ascontiguousarray(np.asarray(Image.open(file).convert("RGB")))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def report(true: Played, tracks: dict[str, Track]) -> None:
    """Print how far each track is off."""
    head = f"{'':14s}{'MAE':>8s}{'active MAE':>12s}{'correlation':>13s}"
    print(f"{head}{'head pose: median':>20s}{'95 %':>8s}{'without the mean':>18s}   lost")
    still = np.zeros_like(true.coefficients)
    _row("nothing", true.coefficients, still, "")
    for name, track in tracks.items():
        count = min(len(track.times), len(true.rotation))
        rotation = _UPRIGHT @ track.head_rotation[:count].astype(np.float64)
        wanted = true.rotation[:count]
        turns = turns_between(rotation, wanted)
        most = np.percentile(np.linalg.norm(turns, axis=1), 95)
        pose = f"{angle(turns):16.2f} deg{most:8.2f}{angle(without_mean(turns)):14.2f} deg"
        lost = sum(end - first for first, end in track.lost)
        _row(name, true.coefficients[:count], track.coefficients[:count], f"{pose}{lost:7d}")


def _row(name: str, true: ndarray, found: ndarray, pose: str) -> None:
    error = np.abs(found - true)
    each = score_by_unit(found, true)[2]
    active = error[true > ACTIVE].mean() if (true > ACTIVE).any() else float("nan")
    moves = np.nanmean(each) if not np.isnan(each).all() else float("nan")
    print(f"{name:14s}{error.mean():8.3f}{active:12.3f}{moves:13.2f}{pose}")


def main() -> None:
    """Go round once, and print the figures; in the process that renders, only render."""
    if sys.argv[1:2] == ["--render-in-blender"]:
        rig, take, out, count, rate, engine = sys.argv[2:]
        render_in_blender(Path(rig), Path(take), Path(out), int(count), float(rate), engine)
        return
    _go_round()


def _go_round() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clip", type=Path, help="default: smirk_dafoe.mp4 of the test data")
    parser.add_argument("--rig", type=Path, help="default: built from scikit-image's astronaut")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--engine", choices=("WORKBENCH", "EEVEE"), default="WORKBENCH")
    parser.add_argument("--keep", type=Path, help="folder for the rendered clip")
    options = parser.parse_args()
    clip = options.clip or data_folder() / "clips" / "smirk_dafoe.mp4"
    prior = LandmarkPrior()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rig_path = options.rig or astronaut(folder)
        rig: Rig = load_rig(rig_path)
        first = track_video(clip, prior=prior).track
        fps = first.fps
        animation, _ = animate_character(
            first, {_MESH: list(ARKIT_NAMES)}, RetargetOptions(name="round trip")
        )
        frames = min(options.frames, len(first.times))
        save_animation(animation, folder / "take.npz")
        (folder / "frames").mkdir()
        began = time.perf_counter()
        told = [rig_path, folder / "take.npz", folder / "frames", frames, fps, options.engine]
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.round_trip",
            "--render-in-blender",
            *map(str, told),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = (time.perf_counter() - began) / frames
        video = encode(folder / "frames", fps, (options.keep or folder) / "round_trip.mp4")
        print(f"{clip.name} on {rig.name}: {frames} frames, {options.engine} at {seconds:.2f} s a frame")
        tracks = {
            known: smooth_track(track_video(video, TrackOptions(), given, prior).track)
            for known, given in (("rig given", rig), ("rig unknown", None))
        }
        report(played(animation, frames, fps), tracks)


if __name__ == "__main__":
    main()
