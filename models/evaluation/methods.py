"""The methods that can be evaluated: a baseline, the landmark fit, and trained networks."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from core.errors import BadInput
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.types import Observation, PhotoFit
from models.evaluation.marks import marks_of
from models.evaluation.prediction import Picture, Prediction, Predictor, head_prediction

METHODS: Final = ("mean_head", "landmark_fit", "network")
_NETWORK: Final = "rec_net"


@runtime_checkable
class Reading(Protocol):
    """What is used of a network's answer: see ``models.face_reader.FaceReading``."""

    @property
    def identity(self) -> Float[ndarray, "identity"]: ...
    @property
    def expression(self) -> Float[ndarray, "52"]: ...
    @property
    def rotation(self) -> Float[ndarray, "3 3"]: ...
    @property
    def translation(self) -> Float[ndarray, "3"]: ...
    @property
    def camera(self) -> Float[ndarray, "4"]: ...


@runtime_checkable
class Reader(Protocol):
    """Runs a network: see ``models.face_reader.FaceReader``."""

    def read(
        self,
        pixels: UInt8[ndarray, "height width 3"],
        landmarks: Float[ndarray, "478 3"],
        camera: tuple[float, float, float, float] | None = None,
    ) -> Reading:
        """Read the face at the landmarks; where no camera is given, the reading says which was assumed."""


class MeanHead:
    """The baseline: the model's mean head without expression, only posed by the landmarks."""

    name = "mean head"

    def __init__(self, model: FaceModel) -> None:
        self.model, self.upright = model, _upright(model)

    def predict(self, picture: Picture) -> Prediction:
        none = np.zeros(0)
        fit = fit_landmarks(self.model, [_observed(picture)], identity=none, iterations=0).photos[0]
        return _fitted(self.model, none, fit, picture)


class LandmarkFit:
    """``core.fitting.landmark_solver`` on one picture: identity and expression from 478 landmarks."""

    name = "landmark fit"

    def __init__(self, model: FaceModel) -> None:
        self.model, self.upright = model, _upright(model)

    def predict(self, picture: Picture) -> Prediction:
        fit = fit_landmarks(self.model, [_observed(picture)])
        return _fitted(self.model, fit.identity, fit.photos[0], picture)


class Network:
    """A trained network that reads identity, expression and pose from pixels."""

    def __init__(self, model: FaceModel, reader: Reader, name: str) -> None:
        self.model, self.upright, self.name = model, _upright(model), name
        self._reader = reader

    def predict(self, picture: Picture) -> Prediction:
        reading = self._reader.read(picture.pixels, picture.landmarks, picture.camera)
        fx, fy, cx, cy = (float(number) for number in reading.camera)
        neutral = self.model.neutral(np.asarray(reading.identity, np.float32))
        pose = np.asarray(reading.rotation, np.float64), np.asarray(reading.translation, np.float64)
        return head_prediction(self.model, neutral, np.asarray(reading.expression), pose, (fx, fy, cx, cy))


def make_method(name: str, model: FaceModel) -> Predictor:
    """A method by name; ``network`` is Semblance's own, ``network:NAME`` another one, by name or file.

    Args:
        model: the face model that is fitted; a network has its own.

    Raises:
        BadInput: there is no such method.
        ModelMissing, ModelUnreadable: the network cannot be had.
    """
    kind, _, which = name.partition(":")
    if kind == "mean_head":
        return MeanHead(model)
    if kind == "landmark_fit":
        return LandmarkFit(model)
    if kind == "network":
        from models.face_reader import FaceReader

        which = which or _NETWORK
        reader = FaceReader(Path(which) if Path(which).is_file() else which)
        its_model = reader.card.face_model
        return Network(model if model.name == its_model else load_model(its_model), reader, Path(which).stem)
    raise BadInput(f"There is no method {name!r}.", f"Choose among {', '.join(METHODS)}.")


def _upright(model: FaceModel) -> Float[ndarray, "68 3"]:
    return marks_of(model.landmarks(model.template)).astype(np.float64)


def _observed(picture: Picture) -> Observation:
    """The picture as the fit takes it. Of a known camera the principal point is moved to the middle."""
    height, width = picture.pixels.shape[:2]
    landmarks = picture.landmarks.copy()
    landmarks[:, :2] += _off_centre(picture)
    focal = picture.camera[0] if picture.camera else None
    nothing = np.zeros((1, 1, 3), np.float32)
    return Observation(landmarks, width, height, focal, nothing, nothing[..., 0], 0.0, 0.0, 1.0)


def _off_centre(picture: Picture) -> Float[ndarray, "2"]:
    height, width = picture.pixels.shape[:2]
    if picture.camera is None:
        return np.zeros(2, np.float32)
    return np.array([width / 2 - picture.camera[2], height / 2 - picture.camera[3]], np.float32)


def _fitted(
    model: FaceModel, identity: Float[ndarray, "identity"], fit: PhotoFit, picture: Picture
) -> Prediction:
    fx, fy, cx, cy = fit.camera.intrinsics
    shift = _off_centre(picture)
    camera = (fx, fy, cx - float(shift[0]), cy - float(shift[1]))
    neutral = model.neutral(identity.astype(np.float32))
    return head_prediction(model, neutral, fit.expression, (fit.rotation, fit.translation), camera)
