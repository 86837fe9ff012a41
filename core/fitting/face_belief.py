"""What networks believe of a person's photos, as the fits take it: Gaussians beside the priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.errors import BadInput
from core.fitting.people import PeoplePrior

_SPARSE_STD: Final = 0.2  # standard deviation of a coefficient at which half of the sparsity prior is kept
_LEAST_STD: Final = 1e-3  # no standard deviation counts for less
_CLOSED_BITE: Final = (
    0.03,
    0.03,
)  # mean and deviation of jawOpen where teeth meet: edge to edge at most


@runtime_checkable
class FaceReading(Protocol):
    """What a network says of one photo; ``_std`` are standard deviations, none where it states none."""

    @property
    def identity(self) -> Float32[ndarray, " modes"]:
        """Whitened coefficients of the reader's face model."""

    @property
    def identity_std(self) -> Float32[ndarray, " modes"] | None: ...

    @property
    def expression(self) -> Float32[ndarray, "52"]: ...

    @property
    def expression_std(self) -> Float32[ndarray, "52"] | None: ...

    @property
    def rotation(self) -> Float32[ndarray, "3 3"]:
        """Head → camera of the photo."""

    @property
    def rotation_std(self) -> Float32[ndarray, "3"] | None:
        """About the camera's three axes, radians."""


@runtime_checkable
class FaceReader(Protocol):
    """A network that reads faces (see ``models``)."""

    @property
    def model_name(self) -> str:
        """The face model whose identity it speaks of."""

    def read(
        self,
        pixels: UInt8[ndarray, "height width 3"],
        landmarks: Float[ndarray, "478 3"],
        camera: tuple[float, float, float, float] | None = None,
    ) -> FaceReading:
        """The face of a photo.

        Args:
            landmarks: MediaPipe's, pixels.
            camera: fx, fy, cx, cy of the photo in pixels.
        """

    def fuse(self, readings: Sequence[Any]) -> tuple[Float32[ndarray, " modes"], Float32[ndarray, " modes"]]:
        """Mean and standard deviation of the identity that all readings, the reader's own, share."""


@dataclass(frozen=True)
class PhotoBelief:
    """Beliefs about one photo. An infinite standard deviation says nothing.

    Attributes:
        rotation: head → camera.
        rotation_std: about the camera's axes, radians.
    """

    expression: Float[ndarray, "52"]
    expression_std: Float[ndarray, "52"]
    rotation: Float[ndarray, "3 3"]
    rotation_std: Float[ndarray, "3"]

    @classmethod
    def nothing(cls) -> PhotoBelief:
        """No belief: coefficients start from rest, and nothing pulls at them."""
        units = len(ARKIT_NAMES)
        return cls(np.zeros(units), np.full(units, np.inf), np.eye(3), np.full(3, np.inf))

    @property
    def expression_precision(self) -> Float[ndarray, "52"]:
        """Of the Gaussian toward the believed coefficients."""
        return _precision(self.expression_std)

    @property
    def sparsity(self) -> Float[ndarray, "52"]:
        """The part of the sparsity prior that stays beside the belief, 0-1.

        Sparsity says: what is not seen is at rest. A network that is sure of a coefficient has seen it, and
        has weighed it with its own prior of faces; pulling it toward rest again would count the prior twice
        and flatten every expression. Where it is as unsure as the prior itself, it has added nothing.
        """
        kept: ndarray = 1 / (1 + _SPARSE_STD**2 * self.expression_precision)
        return kept

    @property
    def rotation_precision(self) -> Float[ndarray, "3"]:
        """About the camera's axes, per square radian."""
        return _precision(self.rotation_std)

    @property
    def knows_rotation(self) -> bool:
        return bool(np.isfinite(self.rotation_std).any())

    def turn(self, rotation: Float[ndarray, "3 3"]) -> Float[ndarray, "3"]:
        """Rotation vector, camera axes, from the believed rotation to ``rotation``."""
        turn: ndarray = Rotation.from_matrix(rotation @ self.rotation.T).as_rotvec()
        return turn


@dataclass(frozen=True)
class FaceBelief:
    """Beliefs about a person and their photos; what is None is not believed anything of.

    Attributes:
        identity, identity_std: whitened coefficients and their standard deviations; those of modes that
            they leave out are N(0, 1).
        expression, expression_std: of each photo, infinite standard deviation where nothing is known.
        rotation, rotation_std: of each photo, head → camera, and radians about the camera's axes.
        people: the coordinates in which the identity is sought, with their prior; the model's own
            coefficients, N(0, 1), where not given.
    """

    identity: Float[ndarray, " modes"] | None = None
    identity_std: Float[ndarray, " modes"] | None = None
    expression: Float[ndarray, "photos 52"] | None = None
    expression_std: Float[ndarray, "photos 52"] | None = None
    rotation: Float[ndarray, "photos 3 3"] | None = None
    rotation_std: Float[ndarray, "photos 3"] | None = None
    people: PeoplePrior | None = None

    def identity_prior(
        self, modes: int, weight: float
    ) -> tuple[Float[ndarray, "modes"], Float[ndarray, "modes modes"]]:
        """Mean and precision of so many coordinates of the identity.

        The product of N(w; m, 1) and of what is believed of the model's coefficients ``F w``, taken as a
        measurement b of precision D = 1/σ² - 1: precision P = 1 + Fᵀ D F, mean P⁻¹ (m + Fᵀ D b). (With b
        undone of the network's own prior too, b / (σ² D), heads by another renderer are 0.05 mm nearer and
        a scanned one is 0.05 mm farther.)

        Args:
            weight: of what is believed beyond N(0, 1).
        """
        people = self.people or PeoplePrior(np.zeros(modes), np.eye(modes))
        mean, to_model = people.mean[:modes], people.to_model[:, :modes]
        if self.identity is None or self.identity_std is None:
            return mean, np.eye(modes)
        known = min(len(to_model), len(self.identity))
        to_known = to_model[:known]
        beyond = weight * np.maximum(_precision(self.identity_std[:known]) - 1, 0)  # D = 1/σ² - 1
        precision = np.eye(modes) + to_known.T @ (beyond[:, None] * to_known)
        towards = mean + to_known.T @ (beyond * self.identity[:known])
        return np.linalg.solve(precision, towards), precision

    @property
    def firmness(self) -> float:
        """How much more is known of the identity than N(0, 1) says: the mean precision beyond 1.

        Where a network knows the face, free-form corrections of it are more likely to explain shadows and
        the flow's errors than the person; they are held back by as much.
        """
        if self.identity_std is None:
            return 0.0
        return float(np.maximum(_precision(self.identity_std) - 1, 0).mean())

    def photos(self, count: int) -> list[PhotoBelief]:
        """The belief about each of so many photos.

        Raises:
            BadInput: the belief is of another number of photos.
        """
        given = [array for array in (self.expression, self.rotation) if array is not None]
        if any(len(array) != count for array in given):
            raise BadInput(f"A belief about {len(given[0])} photos was given for {count}.")
        beliefs = []
        for photo in range(count):
            each = vars(PhotoBelief.nothing())
            for part in ("expression", "rotation"):
                mean, std = getattr(self, part), getattr(self, f"{part}_std")
                if mean is not None and std is not None:
                    each[part] = mean[photo].astype(np.float64)
                    each[f"{part}_std"] = std[photo].astype(np.float64)
            beliefs.append(PhotoBelief(**each))
        return beliefs


def forgetting(belief: FaceBelief, numbers: Sequence[int], count: int, added: int) -> FaceBelief:
    """A belief that says nothing of some photos, nor of others that are added.

    Args:
        numbers: of the photos to be forgotten.
        count: of the photos that the belief is of.
        added: number of photos that follow them.
    """
    photos = belief.photos(count)
    nothing = PhotoBelief.nothing()
    for number in numbers:
        photos[number] = nothing
    photos += [nothing] * added
    parts = ("expression", "expression_std", "rotation", "rotation_std")
    return replace(belief, **{part: np.stack([getattr(photo, part) for photo in photos]) for part in parts})


def believed(
    readings: Sequence[FaceReading | None],
    identity: tuple[Float[ndarray, " modes"], Float[ndarray, " modes"]] | None,
) -> FaceBelief:
    """The belief that readings of a person's photos amount to.

    Args:
        readings: none of a photo that was not read.
        identity: mean and standard deviation, of all readings together.
    """
    photos = [PhotoBelief.nothing() if reading is None else _of_photo(reading) for reading in readings]
    mean, std = (None, None) if identity is None else identity
    return FaceBelief(
        mean,
        std,
        np.stack([photo.expression for photo in photos]),
        np.stack([photo.expression_std for photo in photos]),
        np.stack([photo.rotation for photo in photos]),
        np.stack([photo.rotation_std for photo in photos]),
    )


def with_closed_bites(belief: FaceBelief, teeth_meet: Sequence[bool]) -> FaceBelief:
    """A belief to which photos whose teeth meet add that the jaw is closed, whatever was believed of it.

    Lips are parted by the jaw alone or by four units that raise and lower them, two on each side; sparse
    expressions prefer the jaw, and landmarks cannot tell it from a longer face.
    """
    if not any(teeth_meet):
        return belief
    photos, jaw = belief.photos(len(teeth_meet)), ARKIT_INDEX["jawOpen"]
    mean, std = (
        np.stack([getattr(photo, part) for photo in photos]) for part in ("expression", "expression_std")
    )
    mean[list(teeth_meet), jaw], std[list(teeth_meet), jaw] = _CLOSED_BITE
    return replace(belief, expression=mean, expression_std=std)


def _of_photo(reading: FaceReading) -> PhotoBelief:
    belief = PhotoBelief.nothing()
    if reading.expression_std is not None:
        belief = replace(belief, expression=reading.expression, expression_std=reading.expression_std)
    if reading.rotation_std is not None:
        belief = replace(belief, rotation=reading.rotation, rotation_std=reading.rotation_std)
    return belief


def _precision(std: Float[ndarray, "values"]) -> Float[ndarray, "values"]:
    precision: ndarray = 1 / np.maximum(std, _LEAST_STD) ** 2
    return precision
