"""Tracking against the truth: a real ARKit take, played on ICT heads, filmed, and tracked.

    python -m tests.benchmarks.tracking_truth [--heads 3] [--seed 3000] [--frames 670] [--no-prior]
        [--keep FOLDER] [--why]

Each head plays its own part of the take in one clip of H.264 video, with the head turning, in its own light
and lens, with skin from a photo (see ``ict_truth``). The clips are tracked as any video is, with the default
head, and MediaPipe's Face Landmarker reads its own blendshape coefficients from the same frames. The learned
prior has seen frames of the first half of the take, so that the default part is the second half; it has seen
neither these identities nor these skins. The heads of the default seeds were looked at while tracking was
built: for figures on others, give another ``--seed``. What RecNet and ETNet would do is in
``networks_on_clips``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.capture.faces import FaceFinder
from core.capture.follow import follow_face
from core.capture.video import open_video
from core.face_model.registry import load_model
from core.retarget.smoothing import smooth_track
from core.tracking.clip_identity import estimate_identity, head_points, spread_frames
from core.tracking.performance import PerformanceSolver
from core.video_to_track import track_video
from models.prior.metrics import VISIBLE, score, score_by_unit
from models.prior.prior import LandmarkPrior
from tests.benchmarks.support import ict_truth
from tests.benchmarks.support.face_landmarker import blendshapes_of_video
from tests.benchmarks.support.pose_error import between_models, by_axis, report_mean_pose, report_pose
from tests.benchmarks.support.truth_clips import FIRST_SEED, HELD_OUT_FRAME, SIDE, Take, take_clips


def report_causes(path: Path, played: Take) -> None:
    """What is left with the true head, lens and expression; and with true landmarks and our head and lens."""
    anny, ict = load_model("anny"), ict_truth.ict_model()
    with open_video(path) as video, FaceFinder() as finder:
        seen = [look.landmarks for look in follow_face(video, finder)]
    shown = np.array([index for index, points in enumerate(seen) if points is not None])
    landmarks = np.stack([points for points in seen if points is not None])
    upright, rotation = between_models(), played.rotation[shown]
    sure = played.coefficients[shown], np.full((len(shown), 52), 1e-3)
    middle = (SIDE / 2, SIDE / 2)
    head = head_points(ict, played.neutral)
    fit = PerformanceSolver(head).solve(landmarks, played.focal, middle, sure)
    print(f"    true head, found landmarks: {by_axis(fit.rotation @ upright, rotation @ upright)}")
    points = head.rest + np.tensordot(sure[0], head.units, axes=1)
    points = points @ rotation.transpose(0, 2, 1) + played.translation[shown][:, None]
    near = played.focal / points[..., 2:]
    depth = (points[..., 2:] - points[..., 2:].mean(axis=1, keepdims=True)) * near
    true = np.concatenate([points[..., :2] * near + SIDE / 2, depth], axis=2).astype(np.float32)
    guess = estimate_identity(anny, list(true[spread_frames(true)]), (SIDE, SIDE))
    own = head_points(anny, anny.neutral(guess.identity.astype(np.float32)))
    focal = float(np.median([float(photo.camera.fx) for photo in guess.photos]))
    fit = PerformanceSolver(own).solve(true, focal, middle)
    print(f"    true landmarks, our head: {by_axis(fit.rotation, rotation @ upright)}, "
          f"focal length x{focal / played.focal:.2f}")  # fmt: skip


def report(true: ndarray, found: dict[str, ndarray]) -> None:
    """Print every channel and the means of each method."""
    print(f"{'':22s}{'true':>7s}" + "".join(f"{name:>34s}" for name in found))
    print(f"{'':22s}{'mean':>7s}" + "".join(f"{'MAE':>14s}{'active':>10s}{'corr':>10s}" for _ in found))
    columns = [score_by_unit(values, true) for values in found.values()]
    for index in np.flatnonzero(VISIBLE):
        cells = "".join(f"{c[0][index]:14.3f}{c[1][index]:10.3f}{c[2][index]:10.2f}" for c in columns)
        print(f"{ARKIT_NAMES[index]:22s}{true[:, index].mean():7.3f}{cells}")
    cells = "".join("{:14.3f}{:10.3f}{:10.2f}".format(*score(values, true)) for values in found.values())
    print(f"{'all':22s}{true[:, VISIBLE].mean():7.3f}{cells}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first head")
    parser.add_argument("--frames", type=int, default=670, help="of the take, for each head")
    parser.add_argument("--first", type=int, default=HELD_OUT_FRAME, help="frame of the take")
    parser.add_argument("--no-prior", action="store_true", help="track without the learned prior")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="of clips: filmed once, then read")
    parser.add_argument("--why", action="store_true", help="where the error of the head's pose comes from")
    options = parser.parse_args()
    prior = None if options.no_prior else LandmarkPrior()
    true: list[ndarray] = []
    ours: list[ndarray] = []
    theirs: list[ndarray] = []
    errors: list[tuple[float, ...]] = []
    for path, played in take_clips(options.heads, options.frames, options.first, options.keep, options.seed):
        track = smooth_track(track_video(path, prior=prior).track)
        errors.append(report_pose(path.stem, track, played))
        if options.why:
            report_causes(path, played)
        true.append(played.coefficients)
        ours.append(track.coefficients)
        theirs.append(np.nan_to_num(blendshapes_of_video(path)))
    report_mean_pose("", errors)
    found = {"Semblance": np.concatenate(ours), "MediaPipe Face Landmarker": np.concatenate(theirs)}
    report(np.concatenate(true), found)


if __name__ == "__main__":
    main()
