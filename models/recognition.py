"""Face recognition by SFace, a network that the user adds: tells whether photos show one person.

SFace (Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition", 2021) is
published under Apache-2.0 in OpenCV's model zoo, and run by OpenCV's own reader of it. Nothing else needs it:
without it photos are not compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from core.cache import cache_folder, write_atomically
from core.errors import ModelMissing, ModelUnreadable, OutputFailed
from core.face_model.files import checksum
from core.numbers import Number
from core.progress import Progress
from core.registered import Registered

NAME: Final = "sface"
LICENCE: Final = "Apache-2.0"
SOURCE: Final = (
    "face_recognition_sface_2021dec.onnx of https://github.com/opencv/opencv_zoo "
    "(folder models/face_recognition_sface)"
)
RELEASE: Final = "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"
"""SHA-256 of the release of December 2021."""

_SAME_ABOVE: Final = 0.363  # the cosine that OpenCV's model zoo gives with the network
_MOST_BYTES: Final = 200_000_000
_RIGHT_EYE, _LEFT_EYE, _NOSE, _RIGHT_MOUTH, _LEFT_MOUTH = 468, 473, 1, 61, 291  # as the subject sees it


@dataclass(frozen=True)
class RecogniserInfo(Registered):
    """What is known of the user's network.

    Attributes:
        state: whether it has been added.
        known_release: whether it is the release that the threshold belongs to; none before it is added.
    """


class SFace:
    """The network, loaded.

    Raises:
        ModelMissing: it has not been added.
        ModelUnreadable: the file is damaged, or another network.
    """

    same_above = _SAME_ABOVE

    def __init__(self, file: Path | None = None) -> None:
        file = file or _cache_file()
        if not file.is_file():
            raise ModelMissing(
                "The face-recognition network is not installed.",
                f"Fetch {SOURCE}, then run: semblance models add {NAME} FILE",
            )
        try:
            self._network = cv2.FaceRecognizerSF.create(str(file), "")
            self._network.feature(np.zeros((112, 112, 3), np.uint8))
        except cv2.error as error:
            raise ModelUnreadable(
                f"{file} is no face-recognition network that OpenCV can run ({error.err}).",
                f"Add it again (semblance models add {NAME} FILE), or delete it to do without.",
            ) from error

    def __call__(
        self, pixels: UInt8[ndarray, "height width 3"], landmarks: Float[ndarray, "478 3"]
    ) -> Float32[ndarray, " features"]:
        """A vector of length 1 for a face; see :class:`core.capture.same_person.FaceRecogniser`."""
        five = landmarks[[_RIGHT_EYE, _LEFT_EYE, _NOSE, _RIGHT_MOUTH, _LEFT_MOUTH], :2]
        # OpenCV's detections: box, five points, score. Only the points are used to align the face.
        detection = np.array([0, 0, 1, 1, *five.ravel(), 1], np.float32)
        aligned = self._network.alignCrop(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), detection[None])
        vector = self._network.feature(aligned).ravel()
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def load_recogniser() -> SFace | None:
    """The user's network; none where none was added.

    Raises:
        ModelUnreadable: what was added cannot be used any more.
    """
    return SFace() if _cache_file().is_file() else None


def add_recogniser(path: Path) -> RecogniserInfo:
    """Check the user's file and keep a copy in the cache; replaces what was added before.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is no network of this kind.
        OutputFailed: the cache cannot be written.
    """
    path = path.expanduser()
    if not path.is_file():
        raise ModelMissing(f"{path} does not exist or is a folder.", f"Fetch {SOURCE}.")
    if path.stat().st_size > _MOST_BYTES:
        raise ModelUnreadable(f"{path} is too large for a face-recognition network.", f"Fetch {SOURCE}.")
    SFace(path)
    file = _cache_file()
    try:
        write_atomically(file, lambda stream: stream.write(path.read_bytes()))
    except OSError as error:
        raise OutputFailed(
            f"{file} cannot be written ({error.strerror or error}).",
            "Free space there, or set SEMBLANCE_CACHE to a folder that can be written.",
        ) from error
    return recogniser_info()


def recogniser_info() -> RecogniserInfo:
    """What is known of it, without loading it."""
    file = _cache_file()
    if not file.is_file():
        return RecogniserInfo(NAME, LICENCE, SOURCE, "missing", str(file))
    digest = checksum(file)
    return RecogniserInfo(NAME, LICENCE, SOURCE, "ready", str(file), digest, digest == RELEASE)


class Recognisers:
    """The one recogniser; see :class:`core.registered.Registry`."""

    names: Sequence[str] = (NAME,)

    def info(self, name: str = NAME) -> RecogniserInfo:
        """As :func:`recogniser_info`."""
        return recogniser_info()

    def stages(self, name: str) -> Mapping[str, Number]:
        """None: it takes a moment."""
        return {}

    def add(self, name: str, path: Path, progress: Progress) -> RecogniserInfo:
        """As :func:`add_recogniser`."""
        return add_recogniser(path)


def _cache_file() -> Path:
    return cache_folder() / "models" / f"{NAME}.onnx"
