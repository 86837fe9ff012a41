"""Milliseconds that networks take to read faces, beside MediaPipe's Face Landmarker on the same frames.

    python -m tests.benchmarks.network_speed [CLIP] [--random BACKBONE ...] [--side 128 ...] [--rounds 40]

Networks that are there (``semblance models list``) are timed, and one with random weights of each backbone
and side that is named: a network of whole faces, whose time depends on its layers alone. Everything runs in
turn in each round, so that a busy machine slows all alike; printed are the median and the 10th percentile.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy import ndarray

from core.capture.faces import FaceFinder
from core.capture.photos import Photo
from core.capture.video import open_video
from models.export import export_network
from models.face_code import FaceCodeNet
from models.face_reader import ExpressionReader, FaceReader
from models.mirror import Mirror
from models.network import Network
from models.network_card import NetworkCard
from models.registry import NETWORKS, available, load_network, load_network_file
from tests.benchmarks.support.face_landmarker import landmarker_of_video
from tests.benchmarks.support.reading import data_folder

_IDENTITY, _ALBEDO = 120, 48
_BATCHES: Final = (1, 2, 16)
_FRAMES: Final = 60


def random_network(backbone: str, side: int, folder: Path) -> Path:
    """An exported network of whole faces that has learnt nothing."""
    nothing = Mirror(np.eye(_IDENTITY, dtype=np.float32), 0.0, np.ones(_ALBEDO, np.float32))
    card = NetworkCard(
        f"{backbone}-{side}", "face", backbone, side, "anny", nothing, "Apache-2.0", "never", "Random."
    )
    crops = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    return export_network(FaceCodeNet(_IDENTITY, _ALBEDO, backbone), card, folder, crops).onnx


def faces_of(clip: Path) -> Iterator[tuple[ndarray, ndarray]]:
    """Pixels and landmarks of frames."""
    with FaceFinder() as finder, open_video(clip) as video:
        for frame, _ in zip(video, range(_FRAMES), strict=False):
            faces = finder.find_faces(Photo(frame.pixels, clip, "", None, (0, 0)))
            if faces:
                yield frame.pixels, faces[0].landmarks


def calls(
    source: str | Path, load: Callable[[int], Network], faces: list[tuple[ndarray, ndarray]]
) -> Iterator[tuple[str, float, Callable[[int], object]]]:
    """What is timed of a network: its name, how many crops or frames a call is, and the call."""
    rng = np.random.default_rng(0)
    for threads in (1, 2):
        network = load(threads)
        side = network.card.side
        for batch in _BATCHES:
            crops = rng.integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
            lenses = np.tile(np.array([4.5 * side, 4.5 * side, side / 2, side / 2], np.float32), (batch, 1))
            yield (
                f"{threads} {'threads' if threads > 1 else 'thread'}, batch of {batch:2d}, a crop",
                batch,
                lambda _, n=network, c=crops, x=lenses: n(c, x),  # type: ignore[misc]
            )
    reader = (FaceReader if load(1).card.kind == "face" else ExpressionReader)(source)
    yield "1 thread, crop cut, both ways, a frame", 1, lambda k: reader.read(*faces[k % len(faces)])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--random", nargs="+", default=[], metavar="BACKBONE")
    parser.add_argument("--side", nargs="+", type=int, default=[224])
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    clip = options.clip or sorted((data_folder() / "clips").glob("*.mp4"))[1]
    faces = list(faces_of(clip))
    timed: dict[tuple[str, str], tuple[float, Callable[[int], object]]] = {}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder, landmarker_of_video() as landmarker:
        timed["MediaPipe Face Landmarker", "its own threads, a frame"] = (
            1, lambda k: landmarker(faces[k % len(faces)][0], k / 30),
        )  # fmt: skip
        for name in filter(available, NETWORKS):
            for what, count, call in calls(name, lambda t, n=name: load_network(n, t), faces):  # type: ignore[misc]
                timed[name, what] = (count, call)
        for backbone in options.random:
            for side in options.side:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # the exporter's, about itself
                    file = random_network(backbone, side, Path(folder))
                sizes[file.stem] = file.stat().st_size
                for what, count, call in calls(file, lambda t, f=file: load_network_file(f, t), faces):  # type: ignore[misc]
                    timed[file.stem, what] = (count, call)
        taken = defaultdict(list)
        for number in range(options.rounds + 2):
            for key, (count, call) in timed.items():
                began = time.perf_counter()
                call(number)
                if number >= 2:  # the first calls make room
                    taken[key].append(1e3 * (time.perf_counter() - began) / count)
    height, width = faces[0][0].shape[:2]
    print(f"{clip.name}, {len(faces)} frames of {width} x {height}; ms, median and 10th percentile")
    before = ""
    for (name, what), values in taken.items():
        if name != before:
            print(name + (f", {sizes[name] / 2**20:.1f} MiB" if name in sizes else ""))
        print(f"  {what:42s}{np.median(values):8.2f}{np.percentile(values, 10):8.2f}")
        before = name


if __name__ == "__main__":
    main()
