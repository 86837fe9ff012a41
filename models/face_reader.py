"""Photos and frames to what the face networks say of the face in them.

A network sees a face as it saw those that it was trained on: the square that ``Face.crop`` cuts round the
landmarks, upright and resampled without aliasing. It looks at the square and at its mirror image, since a
network's errors on the two differ, and the mean of both is nearer to the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from core.capture.crop import SquareCrop
from core.capture.faces import Face
from core.errors import BadInput
from models.crops import crop_view
from models.face_code import FOCAL
from models.face_reading import (
    ExpressionReading,
    FaceReading,
    fuse_identity,
    join_expressions,
    join_faces,
)
from models.network import Network
from models.registry import available, load_network, load_network_file

Camera = tuple[float, float, float, float]
"""fx, fy, cx, cy in pixels of a picture; fx = fy."""

CORRELATION: Final = 0.3
"""Of the identity errors of two photos of a person. Of six rendered ICT heads in five views (seeds 0-5
of ``tests.benchmarks.support.ict_truth``), joined identities were 1.28, 1.21 and 1.23 mm off with 0, 0.3
and 1."""

_AT_ONCE: Final = 8  # faces: 16 crops


class _Reader:
    """A network of a kind, and the squares that it looks at."""

    _kind: str

    def __init__(self, network: str | Path, threads: int) -> None:
        self._network: Network = (
            load_network(network, threads)
            if isinstance(network, str)
            else load_network_file(network, threads)
        )
        self.card = self._network.card
        if self.card.kind != self._kind:
            raise BadInput(f"The network {self.card.name} is of the kind {self.card.kind}, not {self._kind}.")

    def crop(self, landmarks: Float[ndarray, "478 3"]) -> SquareCrop:
        """The square of a picture that the network looks at.

        Raises:
            BadInput: landmarks are not finite.
        """
        if not np.isfinite(landmarks).all():
            raise BadInput("Landmarks must be finite.", "Leave out pictures in which no face was found.")
        return Face(np.asarray(landmarks, np.float32), 1.0, 1.0, 1.0).crop(self.card.margin)


class FaceReader(_Reader):
    """Identity, expression, albedo, pose and light of faces, by a network of the kind ``face``.

    Args:
        network: its name (``models.registry.NETWORKS``), or an exported file.
        threads: of the CPU; 0 for one on each core. A rig has the machine to itself, tracking has not.

    Raises:
        ModelMissing: there is no such network.
        ModelUnreadable: it is damaged or of another release.
        BadInput: it is of another kind, or there is none of that name.
    """

    _kind = "face"

    def __init__(self, network: str | Path = "rec_net", threads: int = 1) -> None:
        super().__init__(network, threads)

    @property
    def model_name(self) -> str:
        """The face model whose identity it speaks of."""
        return self.card.face_model

    def fuse(
        self, readings: Sequence[FaceReading]
    ) -> tuple[Float32[ndarray, " modes"], Float32[ndarray, " modes"]]:
        """Mean and standard deviation of the identity of one person's photos."""
        return fuse_identity(readings, CORRELATION)

    def read(
        self,
        pixels: UInt8[ndarray, "height width 3"],
        landmarks: Float[ndarray, "478 3"],
        camera: Camera | None = None,
    ) -> FaceReading:
        """The face in a picture.

        Args:
            landmarks: MediaPipe's, in pixels of the picture.
            camera: of the picture; see ``FaceReading.camera`` where none is known.

        Raises:
            BadInput: landmarks are not finite.
        """
        return self.read_many([pixels], [landmarks], [camera])[0]

    def read_many(
        self,
        pictures: Iterable[UInt8[ndarray, "height width 3"]],
        landmarks: Iterable[Float[ndarray, "478 3"]],
        cameras: Iterable[Camera | None] | None = None,
    ) -> list[FaceReading]:
        """:meth:`read` of picture after picture, in batches; of a clip, no more is held than the squares.

        Raises:
            BadInput: landmarks are not finite.
        """
        faces = zip(pictures, landmarks, strict=True)
        lenses = cameras if cameras is not None else repeat(None)
        cut = (self._look(*face, lens) for face, lens in zip(faces, lenses, strict=False))
        readings = []
        while some := list(islice(cut, _AT_ONCE)):
            images, lenses = (np.concatenate([look[part] for look in some]) for part in (0, 1))
            outputs = self._network(images, lenses)
            for index, (_, _, crop, camera) in enumerate(some):
                looks = {name: values[2 * index : 2 * index + 2] for name, values in outputs.items()}
                assert self.card.mirror is not None  # every network of this kind has one
                readings.append(join_faces(looks, self.card.mirror, crop, camera))
        return readings

    def _look(
        self, pixels: ndarray, landmarks: ndarray, camera: Camera | None
    ) -> tuple[ndarray, ndarray, SquareCrop, ndarray]:
        """A square and its mirror image, their cameras, where the square lies, and the picture's camera."""
        side, crop = self.card.side, self.crop(landmarks)
        focal = FOCAL * crop.side
        whole = np.array(camera if camera is not None else (focal, focal, *crop.centre))
        if not np.isfinite(whole).all() or whole[:2].min() <= 0:
            raise BadInput("A camera must have finite numbers and a focal length above 0.")
        lens, _, _ = crop_view(crop, whole, np.eye(3), np.zeros(3), side)
        return (
            _both_ways(crop, pixels, side),
            np.stack([lens, lens * (1, 1, -1, 1) + (0, 0, side, 0)]).astype(np.float32),
            crop,
            whole,
        )


def load_face_reader(threads: int = 1) -> FaceReader | None:
    """The user's RecNet, else the shipped one, if there is any.

    Raises:
        ModelUnreadable: it is damaged or of another release.
    """
    return FaceReader(threads=threads) if available("rec_net") else None


def rig_reader() -> FaceReader | None:
    """The network that rigs start from, on all cores: the user's RecNet, else the shipped one, if any.

    Photos say little of a head's depth where they show it from one side, and RecNet knows a little more
    (``tests.benchmarks.shape`` and ``consistency``).

    Raises:
        ModelUnreadable: it is damaged or of another release.
    """
    return load_face_reader(threads=0)


class ExpressionReader(_Reader):
    """The 52 coefficients of faces, by a network of the kind ``expression``: cheap enough for every frame.

    Args:
        network, threads: as of :class:`FaceReader`.
        mirrored: look at the mirror image too, which takes twice as long.

    Raises:
        ModelMissing, ModelUnreadable, BadInput: as :class:`FaceReader`.
    """

    _kind = "expression"

    def __init__(self, network: str | Path = "et_net", threads: int = 1, mirrored: bool = True) -> None:
        super().__init__(network, threads)
        self._mirrored = mirrored

    def read(
        self, pixels: UInt8[ndarray, "height width 3"], landmarks: Float[ndarray, "478 3"]
    ) -> ExpressionReading:
        """The expression of the face in a picture; ``landmarks`` are MediaPipe's, in its pixels.

        Raises:
            BadInput: landmarks are not finite.
        """
        return next(self._readings([pixels], [landmarks]))

    def read_many(
        self,
        pictures: Iterable[UInt8[ndarray, "height width 3"]],
        landmarks: Iterable[Float[ndarray, "478 3"]],
    ) -> list[ExpressionReading]:
        """:meth:`read` of picture after picture, in batches.

        Raises:
            BadInput: landmarks are not finite.
        """
        return list(self._readings(pictures, landmarks))

    def _readings(
        self, pictures: Iterable[ndarray], landmarks: Iterable[ndarray]
    ) -> Iterator[ExpressionReading]:
        looks = 2 if self._mirrored else 1
        cut = (
            _both_ways(self.crop(points), pixels, self.card.side)[:looks]
            for pixels, points in zip(pictures, landmarks, strict=True)
        )
        while some := list(islice(cut, _AT_ONCE)):
            outputs = self._network(np.concatenate(some))
            said, spread = outputs["expression"], outputs.get("expression_spread")
            for start in range(0, len(said), looks):
                part = slice(start, start + looks)
                yield join_expressions(said[part], None if spread is None else spread[part])


def _both_ways(crop: SquareCrop, pixels: ndarray, side: int) -> UInt8[ndarray, "2 side side 3"]:
    image = crop.cut(pixels, side)
    return np.stack([image, image[:, ::-1]])
