"""What a fit starts from and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.capture.faces import Face
from core.capture.headshot import HeadShot
from core.capture.unmarked import UnmarkedFace
from core.face_model.model import FaceModel
from core.lens import GivenLens, LensSource
from core.scene.camera import Camera


@dataclass(frozen=True)
class LensOrigin:
    """Where a photo's lens is known from.

    Attributes:
        shared_with: number of the photo whose lens it is, where the photo itself tells none.
    """

    source: LensSource
    shared_with: int | None = None


@dataclass(frozen=True)
class Observation:
    """One photo of the person, as the fit sees it.

    Attributes:
        landmarks: MediaPipe's landmarks, pixels of the full photo; z in the same scale, smaller is nearer.
        width, height: of the photo, pixels.
        focal: focal length in pixels where it is told, else none.
        image: RGB crop around the face in [0, 1], sRGB as stored.
        skin: probability that each pixel of the crop is this person's bare skin, 0-1.
        crop_left, crop_top, crop_scale: crop pixel = (photo pixel - (left, top)) * scale.
        teeth_meet: the photo shows teeth with no gap below them, see ``core.capture.teeth``.
        focal_from: who tells ``focal``.
    """

    landmarks: Float32[ndarray, "478 3"]
    width: int
    height: int
    focal: float | None
    image: Float32[ndarray, "crop crop 3"]
    skin: Float32[ndarray, "crop crop"]
    crop_left: float
    crop_top: float
    crop_scale: float
    teeth_meet: bool = False
    focal_from: Literal["given", "exif"] = "exif"

    @property
    def eye_distance(self) -> float:
        """Distance between the eyes' outer corners, pixels; in 3D, so that a turn does not shrink it."""
        return float(np.linalg.norm(self.landmarks[33] - self.landmarks[263]))

    def crop_camera(self, camera: Camera) -> Camera:
        """The camera of ``image``, from that of the full photo."""
        return camera.square(self.crop_left, self.crop_top, self.crop_scale, len(self.image))


@dataclass
class PhotoFit:
    """What the fit found out about one photo.

    Attributes:
        rotation, translation: head → camera, metres.
        expression: the 52 coefficients in ARKit's order, in [0, 1].
        sh: light in camera axes, per colour channel.
        landmark_error: median distance between detected and fitted landmarks, fraction of the eye distance.
        lens: where the camera's focal length is known from.
        warnings: sentences for the user.
    """

    camera: Camera
    rotation: Float[ndarray, "3 3"]
    translation: Float[ndarray, "3"]
    expression: Float[ndarray, "52"]
    sh: Float[ndarray, "9 3"] | None = None
    landmark_error: float = 0.0
    lens: LensOrigin = LensOrigin("assumed")
    warnings: list[str] = field(default_factory=list)

    def named_expression(self) -> dict[str, float]:
        return dict(zip(ARKIT_NAMES, self.expression.tolist(), strict=True))


@dataclass(frozen=True)
class Profile:
    """A photo that shows a face from the side.

    Attributes:
        number: of the observation that its landmarks gave; none where they were not found.
        lens: that the user says took the photo.
        most_pixels: of its head shot.
    """

    face: UnmarkedFace
    number: int | None
    lens: GivenLens | None
    most_pixels: int


@dataclass(frozen=True)
class JoinedProfile:
    """A profile that was placed by its outline and by the skin that other photos show.

    Attributes:
        face, shot, observation: as of a photo whose landmarks are found; they are the head's.
        warnings: sentences for the user, without the photo's name.
    """

    profile: Profile
    fit: PhotoFit
    face: Face
    shot: HeadShot
    observation: Observation
    warnings: tuple[str, ...]


@dataclass
class FittedHead:
    """One person: a neutral head and their own 52 expressions, and what each photo showed.

    Attributes:
        identity: whitened coefficients in the model's basis.
        neutral: with the free-form correction beyond the basis.
        expression_deltas: offsets from ``neutral`` for the 52 coefficients.
        photos: in the order of the observations, and after them those of the profiles without landmarks.
        profiles: the photos that joined by their outline, or were placed anew by it.
    """

    model: FaceModel
    identity: Float[ndarray, "identity"]
    neutral: Float32[ndarray, "vertices 3"]
    expression_deltas: Float32[ndarray, "52 vertices 3"]
    photos: list[PhotoFit]
    profiles: list[JoinedProfile] = field(default_factory=list)

    def posed(self, photo: PhotoFit) -> Float32[ndarray, "vertices 3"]:
        """The head with a photo's expression, in head space."""
        return self.neutral + np.tensordot(
            photo.expression.astype(np.float32), self.expression_deltas, axes=1
        )
