"""What can be measured on clips of real people, whose truth nobody knows.

    python -m tests.benchmarks.real_clips [--clips 6]

- *Identity*: each half of a clip gets a head of its own; mean distance of the two in millimetres, after a
  similarity, beside the distances between different people's heads.
- *Jitter*: energy of second differences where the face keeps still, ours as measured and smoothed beside
  MediaPipe's Face Landmarker, both over the spread that the coefficient has in the clip.
- *Blinks*: found in the eyeBlink curves beside those counted by eye on contact sheets of every frame.

Nothing was tuned on these clips. Of the clips, 3ddfa_obama has cuts.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray
from scipy.signal import find_peaks

from core.arkit import ARKIT_INDEX
from core.capture.faces import FaceFinder
from core.capture.follow import follow_face
from core.capture.video import open_video
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.face_surface import face_weight
from core.geometry.alignment import align_similarity
from core.retarget.smoothing import smooth_track
from core.tracking.clip_identity import estimate_identity, spread_frames
from core.video_to_track import TrackOptions, track_video
from models.prior.prior import LandmarkPrior
from tests.benchmarks.support.face_landmarker import blendshapes_of_video
from tests.benchmarks.support.reading import data_folder

CLIPS = ("videoretalking_1", "videoretalking_4", "liveportrait_d9", "liveportrait_d20", "smirk_dafoe",
         "3ddfa_obama")  # fmt: skip
COUNTED = {
    "liveportrait_d9": (0.43, 1.33, 4.73, 6.47),  # frames 11-16, 37-43, 141-143, 193-195
    "videoretalking_1": (3.70,),  # frames 81-83
    # 28-31, 36-38, 75-77, 86-90, 125-127, 137-139
    "videoretalking_4": (1.00, 1.23, 2.53, 2.92, 4.20, 4.60),
}
"""Blinks, in seconds: the middle of the frames whose lids are closed, looked at one by one."""
_BLINK = 0.25  # rise of the mean of both lids over their surroundings
_NEAR = 0.12  # seconds between a blink counted and the same one found
_STILL = 0.25  # the calmest part of a clip's frames


def landmarks_of(path: Path) -> tuple[Float32[ndarray, "frames 478 3"], tuple[int, int]]:
    """Landmarks of the frames that show the face, and the frames' size."""
    with open_video(path) as video, FaceFinder() as finder:
        seen = [look for look in follow_face(video, finder) if look.landmarks is not None]
    return np.stack([look.landmarks for look in seen if look.landmarks is not None]), seen[0].size


def head_of(
    model: FaceModel, landmarks: Float32[ndarray, "frames 478 3"], size: tuple[int, int]
) -> Float32[ndarray, "vertices 3"]:
    """The neutral head of some frames."""
    fit = estimate_identity(model, list(landmarks[spread_frames(landmarks)]), size)
    return model.neutral(fit.identity.astype(np.float32))


def apart(
    a: Float[ndarray, "vertices 3"], b: Float[ndarray, "vertices 3"], weight: Float[ndarray, "vertices"]
) -> float:
    """Mean distance of two heads' faces after a similarity, millimetres."""
    scale, rotation, translation = align_similarity(a.astype(np.float64), b.astype(np.float64), weight)
    distance = np.linalg.norm(scale * a @ rotation.T + translation - b, axis=1)
    return 1e3 * float(np.average(distance, weights=weight))


def report_identities(clips: list[Path]) -> None:
    """Drift within clips, distance between them."""
    model = load_model("anny")
    weight = face_weight(model).astype(np.float64)
    heads = []
    for clip in clips:
        landmarks, size = landmarks_of(clip)
        middle = len(landmarks) // 2
        halves = [head_of(model, part, size) for part in (landmarks[:middle], landmarks[middle:])]
        heads.append(halves)
        print(f"  {clip.stem:22s}{apart(halves[0], halves[1], weight):6.2f} mm between its halves")
    others = [apart(a, b, weight) for x, y in combinations(heads, 2) for a in x for b in y]
    drift = np.mean([apart(a, b, weight) for a, b in heads])
    print(f"  mean {drift:.2f} mm; between people {np.mean(others):.2f} mm (least {min(others):.2f})")


def jitter(values: Float[ndarray, "frames 52"], still: ndarray) -> float:
    """Median over the moving coefficients: RMS second difference on still frames over their spread."""
    spread = values.std(axis=0)
    second = np.diff(values, 2, axis=0)[still[1:-1]]
    moving = spread > 0.02
    return float(np.median(np.sqrt(np.square(second[:, moving]).mean(axis=0)) / spread[moving]))


def still_frames(coefficients: Float[ndarray, "frames 52"]) -> ndarray:
    """Frames round which the peer's coefficients change least (over a fifth of a second)."""
    pace = np.abs(coefficients[6:] - coefficients[:-6]).mean(axis=1)
    pace = np.pad(pace, (3, len(coefficients) - len(pace) - 3), mode="edge")
    return pace <= np.quantile(pace, _STILL)


def blinks(times: ndarray, coefficients: Float[ndarray, "frames 52"]) -> list[float]:
    """Times at which both lids close."""
    lids = coefficients[:, [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]].mean(axis=1)
    peaks, _ = find_peaks(lids, prominence=_BLINK, wlen=31)
    return [float(times[peak]) for peak in peaks]


def compare(found: list[float], counted: tuple[float, ...]) -> str:
    """How many of those counted were found, and how many others."""
    hit = [any(abs(a - b) <= _NEAR for b in found) for a in counted]
    false = [a for a in found if all(abs(a - b) > _NEAR for b in counted)]
    return f"{sum(hit)} of {len(counted)} found, {len(false)} more: {' '.join(f'{t:.2f}' for t in false)}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=len(CLIPS))
    parser.add_argument("--seconds", type=float, default=8.0, help="of each clip")
    options = parser.parse_args()
    clips = [data_folder() / "clips" / f"{name}.mp4" for name in CLIPS[: options.clips]]
    prior = LandmarkPrior()
    print("identity without a rig:")
    report_identities(clips)
    print("jitter on the stillest quarter of the frames over the spread: ours, ours smoothed, peer; blinks:")
    for clip in clips:
        track = track_video(clip, TrackOptions(end=options.seconds), prior=prior).track
        smooth = smooth_track(track)
        peer = np.nan_to_num(blendshapes_of_video(clip))[: len(track.times)]
        still = still_frames(peer)
        values = [jitter(v, still) for v in (track.coefficients, smooth.coefficients, peer)]
        print(f"  {clip.stem:22s}" + "".join(f"{value:8.3f}" for value in values))
        if clip.stem in COUNTED:
            counted = tuple(t for t in COUNTED[clip.stem] if t <= options.seconds)
            for name, shown in (("ours", smooth.coefficients), ("peer", peer)):
                print(f"      blinks, {name}: {compare(blinks(track.times, shown), counted)}")


if __name__ == "__main__":
    main()
