"""What each face network does for a clip: on the clips of ``tracking_truth``, and on real ones to look at.

    python -m tests.benchmarks.networks_on_clips [--heads 3] [--frames 670] [--keep FOLDER]
    python -m tests.benchmarks.networks_on_clips --qc FOLDER CLIP [CLIP ...]

The first prints, for every clip with a truth, the errors of the coefficients (mean, where the unit is
active, mean correlation) and the median error of the head's pose: of the track as it is made, of the track
whose turns and identity RecNet joins, of RecNet's and ETNet's own words, and of the track's coefficients
joined with ETNet's by their spreads. A network enters tracking where this says that it helps.

The second writes a clip for each one given: the track over it as it is made, and as RecNet would have it,
with ETNet's own curves over the track's pose at the right.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.capture.faces import FaceFinder
from core.capture.follow import FaceFollower
from core.capture.video import open_video
from core.retarget.smoothing import smooth_track
from core.sheet.qc_clip import write_qc_clip
from core.video_to_track import TrackOptions, track_video
from models.face_reader import ExpressionReader, FaceReader
from models.prior.metrics import score
from models.prior.prior import LandmarkPrior
from tests.benchmarks.support.pose_error import report_mean_pose, report_pose
from tests.benchmarks.support.truth_clips import HELD_OUT_FRAME, take_clips

_TRACK_ERROR: Final = 0.1  # standard deviation of a tracked coefficient, about, where networks may add to it
_EVERY: Final = 4  # frames from one that networks read to the next; between them their words are interpolated


def words(
    path: Path, face: FaceReader, expression: ExpressionReader, end: float | None = None
) -> dict[str, ndarray]:
    """Coefficients of every frame by each network alone, and the spread that ETNet states."""
    frames, said = [], []
    with open_video(path, end=end) as video, FaceFinder() as finder:
        follower = FaceFollower(finder, None)
        for index, frame in enumerate(video):
            look, count = follower.look(frame), index + 1
            if look.landmarks is not None and index % _EVERY == 0:
                own = expression.read(frame.pixels, look.landmarks)
                sure = own.expression_std if own.expression_std is not None else np.ones(52)
                whole = face.read(frame.pixels, look.landmarks).expression
                frames.append(index)
                said.append(np.concatenate([whole, own.expression, sure]))
    table = np.stack(said)
    every = np.stack([np.interp(np.arange(count), frames, column) for column in table.T], axis=1)
    return dict(
        zip(("RecNet alone", "ETNet alone", "ETNet's spread"), np.split(every, 3, axis=1), strict=True)
    )


def joined(
    track: Float[ndarray, "frames 52"], said: Float[ndarray, "frames 52"], spread: Float[ndarray, "frames 52"]
) -> Float[ndarray, "frames 52"]:
    """Both by their precision."""
    ours, theirs = 1 / _TRACK_ERROR**2, 1 / np.square(np.maximum(spread, 1e-3))
    mean: ndarray = (ours * track + theirs * said) / (ours + theirs)
    return mean


def report_truth(heads: int, frames: int, folder: Path | None) -> None:
    """Print the table."""
    prior, face, expression = LandmarkPrior(), FaceReader(), ExpressionReader()
    true: list[ndarray] = []
    found: dict[str, list[ndarray]] = {}
    poses: dict[str, list[tuple[float, ...]]] = {}
    for path, played in take_clips(heads, frames, HELD_OUT_FRAME, folder):
        rows = {}
        for name, reader in (("as tracked", None), ("with RecNet", face)):
            track = smooth_track(track_video(path, prior=prior, reader=reader).track)
            poses.setdefault(name, []).append(report_pose(f"{path.stem} {name}", track, played))
            rows[name] = track.coefficients
        alone = words(path, face, expression)
        spread = alone.pop("ETNet's spread")
        rows |= alone
        rows["joined with ETNet"] = joined(rows["as tracked"], alone["ETNet alone"], spread)
        true.append(played.coefficients)
        for name, values in rows.items():
            found.setdefault(name, []).append(values)
    for name, errors in poses.items():
        report_mean_pose(f" {name}", errors)
    print(f"{'coefficients':20s}{'MAE':>8s}{'active':>8s}{'corr':>8s}")
    for name, parts in found.items():
        error, active, correlation = score(np.concatenate(parts), np.concatenate(true))
        print(f"{name:20s}{error:8.3f}{active:8.3f}{correlation:8.2f}")


def write_side_by_side(path: Path, out: Path, seconds: float) -> None:
    """The clip as it is tracked, with RecNet, and with ETNet's own curves."""
    prior, face, expression = LandmarkPrior(), FaceReader(), ExpressionReader()
    span = TrackOptions(end=seconds)
    plain, read = (track_video(path, span, prior=prior, reader=reader) for reader in (None, face))
    own = words(path, face, expression, seconds)["ETNet alone"].astype(np.float32)
    shown = [
        (plain.head, smooth_track(plain.track)),
        (read.head, smooth_track(read.track)),
        (plain.head, replace(plain.track, coefficients=own)),
    ]
    with tempfile.TemporaryDirectory() as scratch:
        parts = [Path(scratch) / f"{index}.mp4" for index in range(len(shown))]
        for part, (head, track) in zip(parts, shown, strict=True):
            write_qc_clip(path, track, head, part)
        _beside(parts, out)


def _beside(parts: list[Path], out: Path) -> None:
    """Clips of the same frames in one, side by side."""
    clips = [av.open(str(part)) for part in parts]
    with av.open(str(out), "w") as container:
        stream: Any = None
        for frames in zip(*(clip.decode(video=0) for clip in clips), strict=False):
            picture = np.concatenate([frame.to_ndarray(format="rgb24") for frame in frames], axis=1)
            if stream is None:
                stream = container.add_stream("libx264", rate=30, options={"crf": "20", "preset": "veryfast"})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if stream is not None:
            container.mux(stream.encode(None))
    for clip in clips:
        clip.close()


def main() -> None:
    """Print the table, or write the clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="*", help="real ones, for --qc")
    parser.add_argument("--qc", type=Path, metavar="FOLDER", help="for the clips to look at")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each real clip")
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--frames", type=int, default=670, help="of the take, for each head")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="of clips: filmed once, then read")
    options = parser.parse_args()
    if options.qc:
        options.qc.mkdir(parents=True, exist_ok=True)
        for clip in options.clips:
            out = options.qc / f"{clip.stem}.mp4"
            write_side_by_side(clip, out, options.seconds)
            print(out)
        return
    report_truth(options.heads, options.frames, options.keep)


if __name__ == "__main__":
    main()
