"""What the pictures of frames in work cost tracking.

    python -m tests.benchmarks.previews [CLIP] [--runs 3]

Tracks a clip with and without them, in turn, and times the making of each picture by itself. The share is of
the pictures' own time; the difference of the runs is mostly the machine's noise.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from core.capture import look_through
from core.capture.preview import Previews
from core.capture.video import probe_video
from core.progress import Progress
from core.video_to_track import expected_seconds, track_video
from models.prior.prior import LandmarkPrior
from tests.benchmarks.support.reading import data_folder


class _Timed(Previews):
    seconds: list[float] = []  # noqa: RUF012 - of all runs

    def picture(self, pixels: np.ndarray, landmarks: np.ndarray | None) -> bytes:
        began = time.perf_counter()
        made = super().picture(pixels, landmarks)
        self.seconds.append(time.perf_counter() - began)
        return made


def main() -> None:
    """Print both times and the share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?", help="default: smirk_dafoe.mp4 of the test data")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    clip = options.clip or data_folder() / "clips" / "smirk_dafoe.mp4"
    look_through.Previews = _Timed  # type: ignore[misc]
    info, prior = probe_video(clip), LandmarkPrior()
    taken: dict[bool, list[float]] = {False: [], True: []}
    track_video(clip, prior=prior)  # loads everything
    for _ in range(options.runs):
        for pictures in (False, True):
            progress = Progress(expected_seconds("anny", info.frames), pictures=pictures)
            track_video(clip, prior=prior, progress=progress)
            taken[pictures].append(sum(progress.seconds.values()))
    made = sum(_Timed.seconds) / options.runs
    without, with_ = (float(np.median(taken[pictures])) for pictures in (False, True))
    print(f"{clip.name}: {info.frames} frames of {info.width} x {info.height}, median of {options.runs} runs")
    print(f"without pictures {without:.2f} s, with {with_:.2f} s; pictures alone {1000 * made:.1f} ms a run,")
    print(f"that is {100 * made / with_:.2f} % of tracking")


if __name__ == "__main__":
    main()
