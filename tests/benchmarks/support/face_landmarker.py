"""MediaPipe's Face Landmarker, the peer whose coefficients ours are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.capture.video import open_video
from tests.benchmarks.support.reading import data_folder


def blendshapes_of(pictures: Iterable[UInt8[ndarray, "height width 3"]]) -> Float[ndarray, "frames 52"]:
    """Its coefficients of pictures, each looked at on its own; NaN where it sees no face."""
    with _landmarker("IMAGE") as network:
        return _coefficients(network.detect(_image(pixels)) for pixels in pictures)


def blendshapes_of_video(path: Path) -> Float[ndarray, "frames 52"]:
    """Its coefficients of a video, in which it follows the face and smooths; NaN where it sees no face."""
    with _landmarker("VIDEO") as network, open_video(path) as video:
        return _coefficients(
            network.detect_for_video(_image(frame.pixels), round(1000 * frame.time)) for frame in video
        )


@contextmanager
def landmarker_of_video() -> Iterator[Callable[[UInt8[ndarray, "height width 3"], float], Any]]:
    """Its call for frame after frame of a video: pixels, and seconds since the beginning."""
    with _landmarker("VIDEO") as network:
        yield lambda pixels, seconds: network.detect_for_video(_image(pixels), round(1000 * seconds))


def face_landmarker() -> Any:
    """The network for single pictures; the caller closes it."""
    return _landmarker("IMAGE")


def seen_face(
    network: Any, pixels: UInt8[ndarray, "height width 3"]
) -> tuple[Float[ndarray, "52"], Float[ndarray, "3 3"]] | None:
    """Coefficients and head rotation in a picture; none where no face is seen."""
    result = network.detect(_image(pixels))
    if not result.face_blendshapes:
        return None
    moved = np.asarray(result.facial_transformation_matrixes[0])[:3, :3]
    left, _, right = np.linalg.svd(moved)
    return _coefficients([result])[0], left @ right


def _landmarker(mode: str) -> Any:
    from mediapipe.tasks.python import BaseOptions, vision

    task = data_folder() / "models" / "face_landmarker.task"
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(task)),
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
        running_mode=vision.RunningMode[mode],
    )
    return vision.FaceLandmarker.create_from_options(options)


def _image(pixels: UInt8[ndarray, "height width 3"]) -> Any:
    from mediapipe import Image, ImageFormat

    return Image(image_format=ImageFormat.SRGB, data=np.ascontiguousarray(pixels))


def _coefficients(results: Iterable[Any]) -> Float[ndarray, "frames 52"]:
    rows = []
    for result in results:
        row = np.full(52, 0.0 if result.face_blendshapes else np.nan)
        for category in result.face_blendshapes[0] if result.face_blendshapes else []:
            if category.category_name in ARKIT_INDEX:
                row[ARKIT_INDEX[category.category_name]] = category.score
        rows.append(row)
    return np.array(rows).reshape(-1, 52)
