"""What evaluation shows a method, and what it asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8
from numpy import ndarray

from core.capture.crop import SquareCrop
from core.capture.faces import FaceFinder
from core.capture.mediapipe_graphs import CROP_SIDE, LandmarkNetwork
from core.capture.photos import Photo
from core.face_model.model import FaceModel
from models.evaluation.marks import marks_of

_MARGIN: Final = 1.5  # of the landmark network's crop over a face's box


@dataclass(frozen=True)
class Picture:
    """One picture of a person.

    Attributes:
        pixels: RGB.
        landmarks: MediaPipe's of the face, pixels; z in the same scale.
        camera: fx, fy, cx, cy in pixels where they are known.
    """

    pixels: UInt8[ndarray, "height width 3"]
    landmarks: Float32[ndarray, "478 3"]
    camera: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Prediction:
    """What a method says of a picture.

    Attributes:
        neutral, posed: the head at rest and with the picture's expression, head space, metres.
        triangles: of the skin; eyes, teeth and the mouth's inside are not measured.
        neutral_marks, posed_marks: the 68 landmarks on them.
        landmarks: the 68 in the picture, pixels.
        expression: coefficients in ARKit's order.
        rotation: head to camera (x right, y down, z forward).
    """

    neutral: Float[ndarray, "vertices 3"]
    posed: Float[ndarray, "vertices 3"]
    triangles: Int[ndarray, "triangles 3"]
    neutral_marks: Float[ndarray, "68 3"]
    posed_marks: Float[ndarray, "68 3"]
    landmarks: Float[ndarray, "68 2"]
    expression: Float[ndarray, "52"]
    rotation: Float[ndarray, "3 3"]


@runtime_checkable
class Predictor(Protocol):
    """Any method that reads a face from a picture.

    Attributes:
        name: in tables.
        upright: the 68 landmarks on the head that it calls upright; models differ in that.
    """

    name: str
    upright: Float[ndarray, "68 3"]

    def predict(self, picture: Picture) -> Prediction:
        """Read the face."""


def skin_triangles(model: FaceModel) -> Int[ndarray, "triangles 3"]:
    """A model's triangles that lie on skin alone."""
    return model.triangles[model.region_mask("skin")[model.triangles].all(axis=1)]


def head_prediction(
    model: FaceModel,
    neutral: Float32[ndarray, "vertices 3"],
    expression: Float[ndarray, "52"],
    pose: tuple[Float[ndarray, "3 3"], Float[ndarray, "3"]],
    camera: tuple[float, float, float, float],
) -> Prediction:
    """The prediction of a method whose answer is a face model's head.

    Args:
        pose: rotation and translation, head to camera.
        camera: fx, fy, cx, cy in pixels.
    """
    rotation, translation = pose
    posed = neutral + np.tensordot(expression.astype(np.float32), model.expression_deltas, axes=1)
    marks = marks_of(model.landmarks(posed)).astype(np.float64)
    placed = marks @ np.asarray(rotation, np.float64).T + translation
    pixels = placed[:, :2] / placed[:, 2:] * camera[:2] + np.asarray(camera[2:])
    return Prediction(
        neutral=neutral,
        posed=posed,
        triangles=skin_triangles(model),
        neutral_marks=marks_of(model.landmarks(neutral)).astype(np.float64),
        posed_marks=marks,
        landmarks=pixels,
        expression=expression,
        rotation=rotation,
    )


class Eyes:
    """Finds the face of each picture, once for all methods; close it or use it in a ``with``."""

    def __init__(self) -> None:
        self._finder = FaceFinder()
        self._network: LandmarkNetwork | None = None

    def __enter__(self) -> Eyes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the networks."""
        self._finder.close()
        if self._network is not None:
            self._network.close()
            self._network = None

    def see(
        self,
        photo: Photo,
        box: tuple[float, float, float, float] | None = None,
        camera: tuple[float, float, float, float] | None = None,
    ) -> Picture | None:
        """The picture with its main face; none where no face is found.

        Args:
            box: left, top, right and bottom of the face where a dataset says it, as the papers' methods get
                it: the face is then looked for there alone, and always found.
            camera: fx, fy, cx, cy in pixels, where known.
        """
        if box is not None:
            return Picture(photo.pixels, self._in_box(photo, box), camera)
        faces = self._finder.find_faces(photo, accurate=True)
        return Picture(photo.pixels, faces[0].landmarks, camera) if faces else None

    def _in_box(self, photo: Photo, box: tuple[float, float, float, float]) -> Float32[ndarray, "478 3"]:
        """Two looks: the first finds how the face is turned, the second sees it upright."""
        self._network = self._network or LandmarkNetwork()
        left, top, right, bottom = box
        side = max(right - left, bottom - top, 1.0) * _MARGIN
        crop = SquareCrop(((left + right) / 2, (top + bottom) / 2), side)
        for _ in range(2):
            points, _ = self._network(crop.cut(photo.pixels, CROP_SIDE))
            landmarks = np.column_stack([crop.to_photo(points[:, :2]), points[:, 2] * crop.side])
            across = landmarks[263, :2] - landmarks[33, :2]
            crop = SquareCrop(crop.centre, crop.side, float(np.arctan2(across[1], across[0])))
        return landmarks.astype(np.float32)
