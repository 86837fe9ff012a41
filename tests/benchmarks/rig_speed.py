"""Seconds by stage, and memory, of photos to a rig.

    python -m tests.benchmarks.rig_speed [PHOTO ...] [--count 1 5] [--runs 3] [--quality standard]

The photos must show one person; without any, the portrait that installs with scikit-image is enlarged to
12 megapixels and turned a little for every further photo. Each run is a process of its own that starts with
the face model baked and the loops compiled, as every run of ``semblance rig`` but the first does. Run it with
OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=2 for the figures of two cores.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import skimage.data
from PIL import Image

from core.photos_to_rig import RigOptions, build_rig, expected_seconds
from core.progress import Progress
from core.rig import save_rig


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--count", nargs="+", type=int, default=[1, 5])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quality", default="standard", choices=["draft", "standard", "high"])
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(json.dumps(_run(options.photos, options.quality)))
        return
    with tempfile.TemporaryDirectory() as folder:
        photos = options.photos or _portraits(Path(folder), max(options.count))
        for count in options.count:
            if count > len(photos):
                parser.error(f"{count} photos were asked for, {len(photos)} were given")
            _report(photos[:count], options.runs, options.quality)


def _portraits(folder: Path, count: int) -> list[Path]:
    portrait = Image.fromarray(skimage.data.astronaut()).crop((60, 0, 400, 255))
    paths = [folder / f"portrait-{index:02d}.jpg" for index in range(count)]
    for index, path in enumerate(paths):
        turned = portrait.rotate(1.5 * index * (-1) ** index, Image.Resampling.BICUBIC)
        turned.resize((4000, 3000), Image.Resampling.BICUBIC).save(path, quality=92)
    return paths


def _report(photos: list[Path], runs: int, quality: str) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.rig_speed", "--once", "--quality", quality]
    command += [str(photo) for photo in photos]
    results = []
    for run in range(-1, runs):  # the first compiles loops and is left out
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        if run >= 0:
            results.append(json.loads(ended.stdout.splitlines()[-1]))
    print(f"{len(photos)} photo{'s' if len(photos) > 1 else ''}, median of {runs}:")
    for stage in results[0]["seconds"]:
        print(f"  {stage:<12}{statistics.median(r['seconds'][stage] for r in results):7.2f} s")
    print(f"  {'in all':<12}{statistics.median(sum(r['seconds'].values()) for r in results):7.2f} s")
    print(f"  {'peak memory':<12}{max(r['peak_bytes'] for r in results) / 1e9:7.2f} GB", flush=True)


def _run(photos: list[Path], quality: str) -> dict[str, object]:
    options = RigOptions(quality=quality)  # type: ignore[arg-type]
    progress = Progress(expected_seconds("anny", len(photos), options))
    rig = build_rig(photos, options=options, progress=progress)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        save_rig(rig, Path(folder) / "rig.semrig")
    progress.seconds["save"] = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": progress.seconds, "peak_bytes": peak * (1 if sys.platform == "darwin" else 1024)}


if __name__ == "__main__":
    main()
