"""Frames per second of tracking, decoding included, beside MediaPipe's Face Landmarker on the same frames.

    python -m tests.benchmarks.tracking_speed [CLIP] [--rounds 3] [--frames N ...] [--long 0]

The clip is scaled to 720 lines first; without one, the second of the shared clips is taken. ``--frames`` also
times it looped, there and back, to so many frames. ``--long MINUTES`` then tracks the clip looped for so long
and prints the process's memory on the way. Run it without OMP_NUM_THREADS, as users do.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from core.capture.video import open_video
from core.face_model.registry import load_model
from core.progress import Progress, ProgressReport
from core.tracking.clip_identity import head_points
from core.tracking.performance import PerformanceSolver
from core.video_to_track import TrackOptions, expected_for, track_video
from models.prior.prior import LandmarkPrior
from tests.benchmarks.support.face_landmarker import blendshapes_of_video
from tests.benchmarks.support.reading import data_folder

_LINES: Final = 720
_RATE: Final = 30


def write_scaled(clip: Path, out: Path, frames: int) -> int:
    """``frames`` frames of a clip, looped, at 720 lines and 30 frames a second; how many were written."""
    with open_video(clip) as video:
        pictures = [frame.pixels for frame in video]
    width = round(pictures[0].shape[1] * _LINES / pictures[0].shape[0] / 2) * 2
    count = frames or len(pictures)
    # There and back, so that no jump counts as a cut.
    order = [*range(len(pictures)), *range(len(pictures) - 2, 0, -1)]
    with av.open(str(out), "w") as container:
        stream: Any = container.add_stream("libx264", rate=_RATE, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, _LINES, "yuv420p"
        for index in range(count):
            shown = av.VideoFrame.from_ndarray(pictures[order[index % len(order)]], format="rgb24")
            shown = shown.reformat(width, _LINES, "yuv420p")
            shown.pts, shown.time_base = index, Fraction(1, _RATE)
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
    return count


def memory_mb() -> float:
    """Largest resident size so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_tracking(scaled: Path, frames: int, rounds: int, prior: LandmarkPrior) -> None:
    """Track a clip, and look at it with the Face Landmarker, by turns."""
    ours, theirs, stages = [], [], []
    for _ in range(rounds):
        progress = Progress(expected_for(scaled, TrackOptions(), None, False))
        began = time.perf_counter()
        track_video(scaled, prior=prior, progress=progress)
        ours.append(frames / (time.perf_counter() - began))
        stages.append(progress.seconds)
        began = time.perf_counter()
        blendshapes_of_video(scaled)
        theirs.append(frames / (time.perf_counter() - began))
    print(f"{frames} frames at {_LINES} lines, medians of {rounds}")
    print(f"Semblance, whole job    {statistics.median(ours):8.1f} frames/s")
    for name in stages[0]:
        print(f"  {name:14s}{1e3 * statistics.median(s[name] for s in stages) / frames:8.2f} ms a frame")
    print(f"MediaPipe Face Landmarker {statistics.median(theirs):6.1f} frames/s (decoding included)")
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"Semblance is {ratio:.2f} times as fast", flush=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, nargs="+", default=[])
    parser.add_argument("--long", type=float, default=0.0, metavar="MINUTES")
    options = parser.parse_args()
    clip = options.clip or sorted((data_folder() / "clips").glob("*.mp4"))[1]
    prior, model = LandmarkPrior(), load_model("anny")
    with tempfile.TemporaryDirectory() as folder:
        scaled = Path(folder) / "scaled.mp4"
        frames = write_scaled(clip, scaled, 0)
        track_video(scaled, TrackOptions(end=0.5), prior=prior)  # what is compiled once is not counted
        print(clip.name)
        time_tracking(scaled, frames, options.rounds, prior)
        for wanted in options.frames:
            looped = Path(folder) / f"{wanted}.mp4"
            time_tracking(looped, write_scaled(clip, looped, wanted), options.rounds, prior)

        landmarks = track_video(
            scaled, TrackOptions(end=3.0, keep_landmarks=True), prior=prior
        ).track.landmarks
        assert landmarks is not None
        flat = np.concatenate([landmarks, np.zeros_like(landmarks[..., :1])], axis=2)
        solver = PerformanceSolver(head_points(model))
        began = time.perf_counter()
        solver.solve(flat, 1500.0, (640.0, 360.0))
        print(f"one solve: {1e3 * (time.perf_counter() - began) / len(flat):.2f} ms a frame")

        if options.long:
            long = Path(folder) / "long.mp4"
            count = write_scaled(clip, long, round(options.long * 60 * _RATE))
            print(f"{options.long:g} minutes, {count} frames: memory at the start {memory_mb():.0f} MB")
            told = [0.0]

            def listen(report: ProgressReport) -> None:
                if report.fraction - told[0] > 0.1:
                    told[0] = report.fraction
                    print(
                        f"  {100 * report.fraction:3.0f} %  {report.stage:12s}{memory_mb():8.0f} MB",
                        flush=True,
                    )

            track_video(
                long, prior=prior, progress=Progress(expected_for(long, TrackOptions(), None, False), listen)
            )
            print(f"  at the end        {memory_mb():8.0f} MB")


if __name__ == "__main__":
    main()
