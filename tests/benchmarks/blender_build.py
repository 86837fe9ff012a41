"""Seconds to build a head in Blender.

    python -m tests.benchmarks.blender_build [RIG.semrig] [--runs 5]

Without a rig, a procedural head of about five thousand vertices is built. Runs in the interpreter it is
started with, which needs bpy.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import bpy
import numpy as np

from blender_addon.build import build_head
from blender_addon.rig_file import read_rig


def _procedural(folder: Path) -> Path:
    from core.rig import save_rig
    from tests.rigs import make_rig

    save_rig(make_rig(detail=2), folder / "head.semrig")
    return folder / "head.semrig"


def main() -> None:
    """Print the time of reading and of building, median over runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rig", type=Path, nargs="?")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.rig or _procedural(Path(folder))
        reading, building = [], []
        for _ in range(options.runs):
            bpy.ops.wm.read_factory_settings(use_empty=True)
            started = time.perf_counter()
            rig = read_rig(path)
            read = time.perf_counter()
            build_head(rig, bpy.context.scene.collection)
            reading.append(read - started)
            building.append(time.perf_counter() - read)
    print(
        f"Blender {bpy.app.version_string}: {len(rig.neutral)} vertices, {len(rig.shape_key_names)} keys; "
        f"read {np.median(reading):.3f} s, build {np.median(building):.3f} s (median of {options.runs})"
    )


if __name__ == "__main__":
    main()
