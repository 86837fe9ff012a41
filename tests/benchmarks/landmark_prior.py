"""The landmark prior beside MediaPipe's Face Landmarker, on rendered people who play a recorded take.

    python -m tests.benchmarks.landmark_prior [PRIOR.onnx]

Needs SEMBLANCE_TEST_DATA and the model ``ict``. The second half of the take, which the prior was not trained
on, is played by ICT heads with skins from photographs, neither of which it was trained on, under head
motion; the person's reference comes from the same frames. The take's performer is the one of the first half.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.capture.faces import FaceFinder
from core.capture.photos import Photo
from models.data.heads import draw, random_light, random_sensor, random_shot
from models.data.take import held_out_half, read_take
from models.prior.metrics import VISIBLE, score, score_by_unit
from models.prior.prior import LandmarkPrior
from tests.benchmarks.support.face_landmarker import blendshapes_of
from tests.benchmarks.support.ict_truth import ict_model, skin_of
from tests.benchmarks.support.reading import data_folder

SEEDS = range(1000, 1004)
FRAMES = 100  # of each person
SIDE = 480  # pixels


def play(seed: int, take: Float32[ndarray, "frames 52"]) -> tuple[list[UInt8[ndarray, "s s 3"]], ndarray]:
    """Pictures of one person in one light who moves the head and plays the whole take, and what is played."""
    ict, rng = ict_model(), np.random.default_rng(seed)
    neutral = ict.neutral(rng.standard_normal(len(ict.identity_basis)).astype(np.float32))
    albedo, triangles = skin_of("ict", seed, np.random.default_rng(seed)), ict.opaque_triangles
    played = take[((np.arange(FRAMES) + rng.random()) * len(take) / FRAMES).astype(int)]
    lens, (light, background, exposure) = rng.uniform(15, 40), random_light(rng)
    phase, pace = rng.uniform(0, 2 * np.pi, 3), rng.uniform(1.5, 4.0, 3)
    place, grain = rng.integers(2**31), rng.integers(2**31)
    pictures = []
    for index, expression in enumerate(played):
        angles = np.array([25, 10, 7]) * np.sin(2 * np.pi * pace * index / FRAMES + phase)
        yaw, pitch, roll = (float(angle) for angle in angles)
        shot = random_shot(np.random.default_rng(place), yaw, pitch, roll, float(lens), SIDE)
        posed = neutral + np.tensordot(expression, ict.expression_deltas, axes=1).astype(np.float32)
        picture = draw(posed, triangles, albedo, shot, light, background, exposure)
        pictures.append(random_sensor(picture, np.random.default_rng(grain)))
    return pictures, played


def landmarks_of(
    pictures: list[UInt8[ndarray, "s s 3"]], finder: FaceFinder
) -> Float32[ndarray, "frames 478 3"]:
    """Landmarks as tracking gets them; NaN where no face is found."""
    found = np.full((len(pictures), 478, 3), np.nan, np.float32)
    for index, picture in enumerate(pictures):
        faces = finder.find_faces(Photo(picture, Path("frame"), "", None, (SIDE, SIDE)))
        if faces:
            found[index] = faces[0].landmarks
    return found


def main() -> None:
    """Print the figures of each person, and of both methods by unit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("prior", type=Path, nargs="?", help="default: the shipped one")
    options = parser.parse_args()
    take = held_out_half(read_take(data_folder() / "arkit" / "livelink_range_of_motion.csv"))
    prior = LandmarkPrior(options.prior)
    ours, theirs, truth, ratios, seconds, frames = [], [], [], [], 0.0, 0
    with FaceFinder() as finder:
        for seed in SEEDS:
            pictures, played = play(seed, take)
            peer, landmarks = blendshapes_of(pictures), landmarks_of(pictures, finder)
            seen = np.isfinite(landmarks).all(axis=(1, 2)) & np.isfinite(peer).all(axis=1)
            reference = prior.reference(landmarks[seen])
            began = time.perf_counter()
            coefficients, deviation = prior(landmarks[seen], reference)
            seconds, frames = seconds + time.perf_counter() - began, frames + int(seen.sum())
            ours.append(coefficients)
            theirs.append(peer[seen])
            truth.append(played[seen])
            ratios.append(((coefficients - played[seen]) / deviation)[:, VISIBLE])
            error, active, correlation = score(coefficients, played[seen])
            print(
                f"person {seed}: face found in {seen.sum()} of {len(seen)} frames; error {error:.3f}, "
                f"where active {active:.3f}, correlation {correlation:.2f}"
            )
    tables = [np.concatenate(part) for part in (ours, theirs, truth)]
    report(*tables)
    ratio = np.sqrt(np.square(np.concatenate(ratios)).mean())
    print(f"error over deviation {ratio:.2f}; {1e3 * seconds / frames:.3f} ms a frame after the landmarks")


def report(ours: ndarray, theirs: ndarray, truth: ndarray) -> None:
    print(f"\n{len(truth)} frames: error, error where active (> 0.3), correlation")
    print(f"{'':22s}{'prior':>20s}{'Face Landmarker':>22s}")
    columns = score_by_unit(ours, truth), score_by_unit(theirs, truth)
    for index, name in enumerate(ARKIT_NAMES):
        text = ["".join(f"{values[index]:7.3f}" for values in column) for column in columns]
        print(
            f"{name:22s}{text[0]} {text[1]}" + (" (landmarks do not show it)" if name == "tongueOut" else "")
        )
    for name, values in (("prior", ours), ("Face Landmarker", theirs), ("always 0", np.zeros_like(truth))):
        error, active, correlation = score(values, truth)
        print(f"mean without tongueOut, {name}: {error:.3f} {active:.3f} {correlation:.3f}")


if __name__ == "__main__":
    main()
