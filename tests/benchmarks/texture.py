"""Seconds and memory of a head's texture, by step.

    python -m tests.benchmarks.texture [PHOTO ...] [--size 2048] [--runs 3]

The photos must show one person; without any, the portrait that installs with scikit-image is used once and
five times over. Run it with OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=2 for the figures of two cores.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from core.capture.headshot import HeadShot
from core.fitting.types import FittedHead
from core.photos_to_rig import shot_pixels
from core.surface.texture import build_texture
from tests.benchmarks.support.reading import fit_photos

STEPS = {
    "views, visibility, weights": ("make_view", "photo_weight", "sharpness", "likely_skin"),
    "light": ("_lights",),
    "relief": ("photo_relief", "build_relief", "normal_map"),
    "atlas": ("of",),
    "sampling and delighting": ("_albedo",),
    "blending": ("add", "result"),
    "fill": ("skin_field", "paint_skin", "lift_shadows", "mirror_map"),
    "eyes, teeth, mouth, lashes": ("paint_eyes", "paint_parts", "part_colours", "measure_iris", "lash_alpha"),
    "seams and padding": ("_without_seams", "pad_charts", "_encode"),
}


def _measure(head: FittedHead, shots: list[HeadShot], size: int, runs: int) -> None:
    photos = [shot_pixels(shot) for shot in shots]
    build_texture(head, photos, 256)  # compiles
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        build_texture(head, photos, size)
        seconds.append(time.perf_counter() - start)
    profile = cProfile.Profile()
    profile.runcall(build_texture, head, photos, size)
    stats: dict = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    print(
        f"{len(photos)} photos, {size} x {size}: median {np.median(seconds):.2f} s, best {min(seconds):.2f} s"
    )
    for step, names in STEPS.items():
        spent = sum(
            row[3] for (file, _, name), row in stats.items() if name in names and "core/surface" in file
        )
        print(f"  {step:28s} {spent:6.2f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  peak memory of the process   {peak:6.2f} GB")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="*")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        portrait = Path(folder) / "portrait.png"
        Image.fromarray(skimage.data.astronaut()).save(portrait)
        for paths in [options.photos] if options.photos else [[portrait], [portrait] * 5]:
            _measure(*fit_photos(paths), options.size, options.runs)


if __name__ == "__main__":
    main()
