"""A clip's first frame driven by the rest of it, beside copying that frame.

    python -m tests.benchmarks.reenactment [--half decide|report|all] [--clips NAME ...] [--every 5]
        [--network FILE ...] [--sheets FOLDER] [--json OUT]

The rig is made of the first frame, the track of the clip with that rig; the clip is the truth, in a square of
256 pixels around the head. Settings are chosen on the half *decide* and reported on *report*; neither trains
what is shipped, of which the clips that do are left out.

Rows: copying the first frame; flow, render and background without a network (``none``); and each network.
Columns: L1, PSNR (dB) and SSIM against the truth; AED, the mean absolute difference of Face Landmarker's 52
coefficients; APD, the mean angle in degrees between its head rotations; CSIM, the cosine between the first
frame and the result by a network of face recognition; flicker, how much more the result changes from frame to
frame than the truth: ``mean |Δ result - Δ truth|``. Then milliseconds a frame, guidance included.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.guidance.guide import Guide
from models.face_reader import rig_reader
from models.prior.prior import LandmarkPrior
from models.reenactment.clip import Clip, is_clip, load_clip, save_clip
from models.reenactment.make_clip import make_clip
from tests.benchmarks.heads_support.store import code_key, file_hash, folder, key_of
from tests.benchmarks.reenactment_support.figures import COLUMNS, Judge

HALVES: Final[dict[str, Literal["decide", "report"]]] = {
    "liveportrait_d9": "decide",
    "liveportrait_d19": "decide",
    "liveportrait_d3": "decide",
    "liveportrait_s18": "decide",
    "videoretalking_1": "decide",
    "smirk_dafoe": "decide",
    "liveportrait_d10": "report",
    "liveportrait_d12": "report",
    "liveportrait_d14": "report",
    "liveportrait_d20": "report",
    "liveportrait_s32": "report",
    "latentsync_demo1": "report",
    "latentsync_demo2": "report",
    "3ddfa_obama": "report",
    "tpsmm_driving": "report",
    "videoretalking_2": "report",
    "videoretalking_4": "report",
    "videoretalking_5": "report",
}
_SECONDS: Final = 10.0
Pictures = Float32[ndarray, "frames side side 3"]
Way = Callable[[Guide, int], Float32[ndarray, "side side 3"]]


def clip_of(video: Path) -> Clip:
    """The clip of a video, kept by the sources of ``core`` but for guidance, and the video."""
    places = ("core/fitting", "core/capture", "core/tracking", "core/surface", "core/deformation")
    key = key_of(file_hash(video), code_key(*places, "models/reenactment/make_clip.py"), _SECONDS)
    kept = folder("clips") / f"{video.stem}-{key}"
    if not is_clip(kept):
        save_clip(make_clip(video, _SECONDS, 1, LandmarkPrior(), rig_reader()), kept)
    return load_clip(kept)


def without_network(clip: Clip) -> Way:
    """Geometry alone."""

    def draw(guide: Guide, frame: int) -> ndarray:
        _, plain = guide(clip.states[frame : frame + 1])
        picture: ndarray = plain[0]
        return picture

    return draw


def with_network(clip: Clip, file: Path) -> Way:
    """A trained network's picture."""
    from models.reenactment.pairs import guided_batch
    from models.reenactment.reenactor import Reenactor

    network = Reenactor(file)

    def draw(guide: Guide, frame: int) -> ndarray:
        states = clip.states[frame : frame + 1]
        guidance, _ = guide(states)
        batch = guided_batch(guide.source.picture, guide.source.state, states, guidance)
        picture: ndarray = network(batch).picture[0].permute(1, 2, 0).numpy()
        return picture

    return draw


def figures_of(
    clip: Clip, every: int, ways: dict[str, Way], judge: Judge
) -> tuple[dict[str, dict[str, float]], ndarray]:
    """Figures of each way, and a sheet: the truth and each way's picture, at six moments."""
    frames = np.arange(int(clip.sources[0]) + 1, len(clip.pictures))[::every]
    guide = Guide(clip.source(0))
    truth = clip.pictures[frames]
    moments = np.linspace(0, len(frames) - 1, 6).astype(int)
    columns = [truth[moments]]
    found = {}
    for name, way in ways.items():
        way(guide, int(frames[0]))  # compiled and warm
        began = time.perf_counter()
        pictures = np.stack([way(guide, int(frame)) for frame in frames])
        spent = (time.perf_counter() - began) / len(frames)
        shown = (np.clip(pictures, 0, 1) * 255 + 0.5).astype(np.uint8)
        found[name] = {**judge(shown, truth, clip.pictures[int(clip.sources[0])]), "ms": 1000 * spent}
        columns.append(shown[moments])
    return found, np.concatenate([np.concatenate(list(column)) for column in columns], axis=1)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--half", choices=["decide", "report", "all"], default="all")
    parser.add_argument("--clips", nargs="+", choices=list(HALVES))
    parser.add_argument("--every", type=int, default=5, help="frames apart")
    parser.add_argument("--network", type=Path, nargs="+", default=[], help="weights to judge too")
    parser.add_argument("--sheets", type=Path, help="write a picture of each clip there")
    parser.add_argument("--json", type=Path, help="write all figures there")
    options = parser.parse_args()
    from tests.benchmarks.support.reading import data_folder

    names = options.clips or [n for n, half in HALVES.items() if options.half in ("all", half)]
    everything: dict[str, dict[str, dict[str, float]]] = {}
    with Judge() as judge:
        for name in names:
            clip = clip_of(data_folder() / "clips" / f"{name}.mp4")
            first = clip.picture(int(clip.sources[0]))
            ways: dict[str, Way] = {"copy": lambda guide, frame, first=first: first}  # type: ignore[misc]
            ways["none"] = without_network(clip)
            ways |= {file.stem: with_network(clip, file) for file in options.network}
            everything[name], sheet = figures_of(clip, options.every, ways, judge)
            print(f"{name} ({HALVES[name]})")
            print_rows(everything[name])
            if options.sheets:
                options.sheets.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(options.sheets / f"{name}.png"), sheet[..., ::-1])
            if options.json:
                options.json.write_text(json.dumps(everything, indent=1))
    for half in ("decide", "report"):
        own = [figures for name, figures in everything.items() if HALVES[name] == half]
        if own:
            print(f"mean of {len(own)} clips ({half})")
            means = {
                way: {column: float(np.nanmean([f[way][column] for f in own])) for column in own[0][way]}
                for way in own[0]
            }
            print_rows(means)


def print_rows(rows: dict[str, dict[str, float]]) -> None:
    """A line for each way, and against copying."""
    copying = rows["copy"]
    for way, figures in rows.items():
        words = [f"{column} {figures[column]:.4g}" for column in (*COLUMNS, "ms")]
        against = ""
        if way != "copy":
            ratios = [f"{name} {figures[name] / copying[name]:.2f} x" for name in ("L1", "AED", "APD")]
            gains = [f"{name} {figures[name] - copying[name]:+.3f}" for name in ("PSNR", "SSIM")]
            against = "  | against copying: " + ", ".join(ratios + gains)
        print(f"    {way:10s} {', '.join(words)}{against}", flush=True)


if __name__ == "__main__":
    main()
