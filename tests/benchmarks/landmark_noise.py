"""How far landmarks move when the photo is turned, zoomed or mirrored, beside MediaPipe's own graph.

    python -m tests.benchmarks.landmark_noise photos/*.jpg

Each photo is resampled by six random similarities (half of them mirrored), its landmarks found and mapped
back. The noise is their RMS spread over the six, in per cent of the interocular distance.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.capture.faces import FaceFinder
from core.capture.mediapipe_graphs import quiet_stderr
from core.capture.photos import Photo, load_photo
from core.landmark_topology import MIRROR

Estimator = Callable[[Photo], "np.ndarray | None"]


def mediapipe_face_mesh() -> Estimator:
    """The peer: MediaPipe's face mesh solution, as shipped."""
    with quiet_stderr():
        from mediapipe.python.solutions.face_mesh import FaceMesh

        mesh = FaceMesh(static_image_mode=True, refine_landmarks=True)
        mesh.process(np.zeros((64, 64, 3), np.uint8))

    def find(photo: Photo) -> np.ndarray | None:
        faces = mesh.process(photo.pixels).multi_face_landmarks
        return np.array([(p.x, p.y) for p in faces[0].landmark]) * photo.size if faces else None

    return find


def ours(finder: FaceFinder, accurate: bool) -> Estimator:
    def find(photo: Photo) -> np.ndarray | None:
        faces = finder.find_faces(photo, accurate)
        return faces[0].landmarks[:, :2] if faces else None

    return find


def main() -> None:
    """Print the noise of each way of finding landmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    paths: list[Path] = parser.parse_args().photos
    rng = np.random.default_rng(0)
    with FaceFinder() as finder:
        estimators = {
            "MediaPipe FaceMesh": mediapipe_face_mesh(),
            "fast": ours(finder, accurate=False),
            "accurate": ours(finder, accurate=True),
        }
        variances: dict[str, list[float]] = {name: [] for name in estimators}
        seconds = dict.fromkeys(estimators, 0.0)
        calls = 0
        for path in paths:
            photo = load_photo(path)
            faces = finder.find_faces(photo)
            if not faces:
                print(f"no face: {path}")
                continue
            found: dict[str, list[np.ndarray]] = {name: [] for name in estimators}
            for view in range(6):
                shift = (float(rng.uniform(-0.12, 0.12)), float(rng.uniform(-0.12, 0.12)))
                crop = faces[0].crop().moved(shift, rng.uniform(0.9, 1.9), rng.uniform(-0.35, 0.35))
                n = 512 if crop.side > 256 else 256
                pixels = crop.cut(photo.pixels, n)[:, :: -1 if view % 2 else 1]
                seen = Photo(np.ascontiguousarray(pixels), Path(path), "", None, (n, n))
                calls += 1
                for name, estimate in estimators.items():
                    start = time.perf_counter()
                    points = estimate(seen)
                    seconds[name] += time.perf_counter() - start
                    if points is None:
                        continue
                    if view % 2:
                        points = points[MIRROR] * (-1, 1) + (n, 0)
                    found[name].append(crop.to_photo(points / n))
            for name, views in found.items():
                if len(views) > 2:
                    spread = np.var(views, axis=0, ddof=1).sum(-1).mean()
                    variances[name].append(float(spread) / faces[0].interocular ** 2)
    for name in estimators:
        noise = 100 * np.sqrt(np.mean(variances[name]))
        print(f"{name:20s} noise {noise:.2f} % of interocular   {1e3 * seconds[name] / calls:.1f} ms a photo")


if __name__ == "__main__":
    main()
