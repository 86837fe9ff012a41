"""Tracking against the truth: a real ARKit take, played on ICT heads, filmed, and tracked.

    python -m tests.benchmarks.tracking_truth [--heads 3] [--frames 670] [--first 2015] [--no-prior]

Each head plays its own part of the take in one clip of H.264 video, with the head turning, in its own light
and lens, with skin from a photo (see ``ict_truth``). The clips are tracked as any video is, with the default
head, and MediaPipe's Face Landmarker reads its own blendshape coefficients from the same frames. The learned
prior has seen frames of the first half of the take, so that the default part is the second half; it has seen
neither these identities nor these skins.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from core.capture.video import open_video
from core.face_model.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.face_model.identity_basis import align_similarity
from core.face_model.registry import load_model
from core.retarget.smoothing import smooth_track
from core.scene.camera import head_rotation, portrait_camera
from core.scene.lighting import random_lighting
from core.scene.render import render
from core.scene.shading import linear_to_srgb
from core.track import read_livelink
from core.video_to_track import track_video
from tests.benchmarks import ict_truth
from tests.benchmarks.reading import data_folder

SIDE, RATE = 512, 30
FIRST_SEED = 3000
ACTIVE = 0.3
_MOVES = 0.02  # standard deviation of a channel that says something about correlation
_SHOWN = [name for name in ARKIT_NAMES if name != "tongueOut"]  # ICT has no tongue to put out


@dataclass(frozen=True)
class Take:
    """What a clip shows, frame by frame.

    Attributes:
        rotation, translation: head → camera, metres.
        focal: of the camera, pixels; the axis passes through the middle of the picture.
        neutral: the head without expression.
    """

    coefficients: Float[ndarray, "frames 52"]
    rotation: Float[ndarray, "frames 3 3"]
    translation: Float[ndarray, "frames 3"]
    focal: float
    neutral: Float32[ndarray, "vertices 3"]


def film(seed: int, coefficients: Float[ndarray, "frames 52"], path: Path) -> Take:
    """A head of its own plays the coefficients; the clip goes to ``path``."""
    ict, rng = ict_truth.ict_model(), np.random.default_rng(seed)
    neutral = ict.neutral(rng.standard_normal(len(ict.identity_basis)).astype(np.float32))
    albedo = ict_truth.skin_of("ict", seed, rng)
    light = torch.from_numpy(random_lighting(rng).astype(np.float32))
    backdrop = torch.from_numpy(rng.uniform(0.1, 0.6, 3).astype(np.float32))
    lens = rng.uniform(np.radians(18), np.radians(35))
    camera, _, _ = portrait_camera(SIDE, float(lens))
    distance = 0.15 / np.tan(lens / 2)
    turns = _head_motion(len(coefficients), rng)
    shown = opaque_triangles(ict)
    rotations, translations, exposure = [], [], None
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for row, turn in zip(coefficients, turns, strict=True):
            posed = neutral + np.tensordot(row.astype(np.float32), ict.expression_deltas, axes=1)
            rotation = head_rotation(*turn)
            away = torch.tensor([0.0, 0.0, float(distance)]) - rotation @ torch.tensor([0.0, -0.03, 0.03])
            picture = render(
                torch.from_numpy(posed), shown, torch.from_numpy(albedo), camera, rotation, away, light,
                backdrop, supersample=2,
            )  # fmt: skip
            if exposure is None:
                face = picture.image[picture.alpha > 0.5].amax(dim=1)
                exposure = 0.6 / torch.quantile(face[::7], 0.95)
            stored = 255 * linear_to_srgb((picture.image * exposure).clamp(0, 1)).numpy()
            seen = stored + rng.normal(0, 2, stored.shape)
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(seen.clip(0, 255).astype(np.uint8), format="rgb24"))
            )
            rotations.append(rotation.numpy())
            translations.append(away.numpy())
        container.mux(stream.encode(None))
    return Take(coefficients, np.array(rotations), np.array(translations), float(camera.fx), neutral)


def _head_motion(frames: int, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Yaw, pitch and roll in radians: slow sways and quicker nods."""
    t = np.arange(frames) / RATE
    phase = rng.uniform(0, 2 * np.pi, 5)
    yaw = 20 * np.sin(2 * np.pi * 0.17 * t + phase[0]) + 6 * np.sin(2 * np.pi * 0.5 * t + phase[1])
    pitch = 7 * np.sin(2 * np.pi * 0.23 * t + phase[2]) + 2 * np.sin(2 * np.pi * 0.9 * t + phase[4])
    roll = 6 * np.sin(2 * np.pi * 0.13 * t + phase[3])
    return [(float(a), float(b), float(c)) for a, b, c in np.radians(np.column_stack([yaw, pitch, roll]))]


def face_landmarker(path: Path) -> Float[ndarray, "frames 52"]:
    """Blendshape coefficients of MediaPipe's Face Landmarker; 0 where it sees no face."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    task = data_folder() / "models" / "face_landmarker.task"
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(task)),
        output_face_blendshapes=True,
        running_mode=vision.RunningMode.VIDEO,
    )
    rows = []
    with vision.FaceLandmarker.create_from_options(options) as network, open_video(path) as video:
        for frame in video:
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(frame.pixels))
            found = network.detect_for_video(image, round(1000 * frame.time)).face_blendshapes
            row = np.zeros(52)
            for category in found[0] if found else []:
                if category.category_name in ARKIT_INDEX:
                    row[ARKIT_INDEX[category.category_name]] = category.score
            rows.append(row)
    return np.array(rows)


def between_models() -> Float[ndarray, "3 3"]:
    """Rotation from Anny's head space to ICT's: the two call slightly different poses upright."""
    anny, ict = load_model("anny"), ict_truth.ict_model()
    own = anny.landmarks(anny.template).astype(np.float64)
    return align_similarity(own, ict.landmarks(ict.template).astype(np.float64), np.ones(478))[1]


def degrees(a: Float[ndarray, "frames 3 3"], b: Float[ndarray, "frames 3 3"]) -> Float[ndarray, "frames"]:
    """Angle between rotations."""
    cosine = (np.einsum("fij,fij->f", a, b) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def correlation(found: Float[ndarray, "frames"], true: Float[ndarray, "frames"]) -> float:
    """Pearson's; 0 where nothing was found to move, NaN where nothing moves in truth."""
    if true.std() < _MOVES:
        return float("nan")
    return float(np.corrcoef(found, true)[0, 1]) if found.std() > 1e-9 else 0.0


def report(true: ndarray, found: dict[str, ndarray]) -> None:
    """Print every channel and the means of each method."""
    names = list(found)
    print(f"{'':22s}{'true':>7s}" + "".join(f"{name:>34s}" for name in names))
    print(f"{'':22s}{'mean':>7s}" + "".join(f"{'MAE':>14s}{'active':>10s}{'corr':>10s}" for _ in names))
    for name in _SHOWN:
        k = ARKIT_INDEX[name]
        active = true[:, k] > ACTIVE
        cells = ""
        for values in found.values():
            error = np.abs(values[:, k] - true[:, k])
            part = error[active].mean() if active.any() else float("nan")
            cells += f"{error.mean():14.3f}{part:10.3f}{correlation(values[:, k], true[:, k]):10.2f}"
        print(f"{name:22s}{true[:, k].mean():7.3f}{cells}")
    shown = [ARKIT_INDEX[name] for name in _SHOWN]
    t, cells = true[:, shown], ""
    for values in (found[name][:, shown] for name in names):
        error = np.abs(values - t)
        each = [correlation(values[:, k], t[:, k]) for k in range(len(shown))]
        cells += f"{error.mean():14.3f}{error[t > ACTIVE].mean():10.3f}{np.nanmean(each):10.2f}"
    print(f"{'all':22s}{t.mean():7.3f}{cells}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--frames", type=int, default=670, help="of the take, for each head")
    parser.add_argument("--first", type=int, default=2015, help="frame of the take")
    parser.add_argument("--no-prior", action="store_true", help="track without the learned prior")
    options = parser.parse_args()
    take = read_livelink(data_folder() / "arkit" / "livelink_range_of_motion.csv").coefficients.clip(0, 1)
    prior = None
    if not options.no_prior:
        from models.prior.prior import LandmarkPrior

        prior = LandmarkPrior()
    true: list[ndarray] = []
    ours: list[ndarray] = []
    theirs: list[ndarray] = []
    frame = between_models()
    print(f"{'clip':>6s}{'frames':>8s}{'head pose: median error':>26s}{'without the mean':>19s}")
    with tempfile.TemporaryDirectory() as folder:
        for index in range(options.heads):
            first = options.first + index * options.frames
            path = Path(folder) / f"{index}.mp4"
            played = film(FIRST_SEED + index, take[first : first + options.frames].astype(np.float64), path)
            track = smooth_track(track_video(path, prior=prior).track)
            turned = track.head_rotation.astype(np.float64) @ frame.T
            error = degrees(turned, played.rotation)
            offset = mean_rotation(played.rotation.transpose(0, 2, 1) @ turned)
            motion = degrees(turned @ offset.T, played.rotation)
            print(f"{index:6d}{len(track.times):8d}{np.median(error):22.2f} deg{np.median(motion):15.2f} deg")
            true.append(played.coefficients)
            ours.append(track.coefficients)
            theirs.append(face_landmarker(path))
    report(
        np.concatenate(true),
        {"Semblance": np.concatenate(ours), "MediaPipe Face Landmarker": np.concatenate(theirs)},
    )


def mean_rotation(rotations: Float[ndarray, "frames 3 3"]) -> Float[ndarray, "3 3"]:
    U, _, Vt = np.linalg.svd(rotations.mean(axis=0))
    return U @ Vt


if __name__ == "__main__":
    main()
