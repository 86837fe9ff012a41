"""A rig and one of its photos → the pixels that are to move."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from core.capture.faces import Face, FaceFinder
from core.capture.masks import PersonMasker
from core.capture.photos import Photo
from core.capture.same_person import FaceRecogniser
from core.errors import BadInput, NoFaceFound
from core.landmark_topology import IRIS_LEFT, IRIS_RIGHT
from core.rig import Rig, RigCamera, RigPhoto, preview_origin

_PROFILE: Final = np.radians(60.0)
_ELSEWHERE: Final = (
    0.6  # interocular distances between where a face is and where the rig has it: no such photo
)
_MISFIT: Final = (
    0.15  # the same, from which on the photo is probably another; the fit itself leaves about 0.04
)
_SAME_SHAPE: Final = 0.01  # relative difference of two pictures' proportions
_SMALLEST: Final = 32  # pixels


@dataclass(frozen=True)
class Portrait:
    """A rig's photo whose pixels are at hand.

    Attributes:
        fit: how the photo was taken, in pixels of ``picture``.
        picture: sRGB.
        person: probability that a pixel shows the person.
        landmarks: of the rig's head in the photo, pixels; z is depth, in pixels at the head's distance.
        warnings: what the user should know of it, in sentences.
    """

    fit: RigPhoto
    picture: UInt8[ndarray, "height width 3"]
    person: Float32[ndarray, "height width"]
    landmarks: Float32[ndarray, "478 3"]
    warnings: tuple[str, ...]


def portrait_of(
    rig: Rig,
    number: int = 1,
    photo: Photo | None = None,
    size: int | None = None,
    recogniser: FaceRecogniser | None = None,
) -> Portrait:
    """The pixels of a rig's photo: its file's, or else the head shot that the rig keeps of it.

    Args:
        number: of the photo, from 1.
        photo: the file that the rig's photo was.
        size: the picture's longer side, pixels; else its own.
        recogniser: tells whether another file than that shows the rig's person.

    Raises:
        BadInput: the rig has no such photo or keeps no picture of it, or the file is another photo.
        NoFaceFound: the file shows no face.
    """
    fit, index = _numbered(rig, number), number - 1
    if photo is None:
        fit, picture, warnings = _kept(rig, index, fit)
    else:
        fit, picture = _moved(fit, 0.0, 0.0, photo.size[0] / fit.width, photo.size), photo.pixels
        warnings = _doubts(rig, index, fit, photo, recogniser)
    if size is not None:
        fit, picture = _resized(fit, picture, size)
    landmarks = seen_landmarks(rig, fit)
    with PersonMasker() as masker:
        shown = Photo(picture, Path(fit.file), "", None, (fit.width, fit.height))
        person = masker.person_mask(shown, Face(landmarks, 1.0, 1.0, 1.0))
    return Portrait(fit, picture, person, landmarks, (*_turned(fit), *warnings))


def seen_landmarks(rig: Rig, fit: RigPhoto) -> Float32[ndarray, "478 3"]:
    """Where the rig's landmarks are in a photo: ``f X / Z + c``, and ``f (Z - Z_0) / Z_0`` for depth."""
    points = rig.landmarks.astype(np.float64) @ fit.rotation.T.astype(np.float64) + fit.translation
    depth = np.maximum(points[:, 2:], 1e-3)
    flat = points[:, :2] / depth * (fit.camera.fx, fit.camera.fy) + (fit.camera.cx, fit.camera.cy)
    middle = float(depth.mean())
    return np.column_stack([flat, fit.camera.fx * (depth[:, 0] - middle) / middle]).astype(np.float32)


def _numbered(rig: Rig, number: int) -> RigPhoto:
    count = len(rig.photos)
    if not count:
        raise BadInput(f"The rig {rig.name} has no photo.", "Build it from photos, with `semblance rig`.")
    if not 1 <= number <= count:
        there = "photo 1" if count == 1 else f"photos 1 to {count}"
        raise BadInput(f"The rig {rig.name} has no photo {number}.", f"It has {there}.")
    return rig.photos[number - 1]


def _kept(
    rig: Rig, index: int, fit: RigPhoto
) -> tuple[RigPhoto, UInt8[ndarray, "height width 3"], tuple[str, ...]]:
    origin = preview_origin(rig, index)
    if origin is None:
        raise BadInput(
            f"The rig {rig.name} keeps no picture of {fit.file}.",
            "Give the photo itself (--photo-file), or build the head again from its photos.",
        )
    picture = np.ascontiguousarray(rig.previews[origin["preview"]][..., :3])
    height, width = picture.shape[:2]
    warnings: tuple[str, ...] = ()
    if origin["scale"] < 1:
        warnings = (
            f"{fit.file} is shown as the rig keeps it, {width} x {height} pixels around the head; "
            "--photo-file gives the whole photo.",
        )
    return _moved(fit, origin["left"], origin["top"], origin["scale"], (width, height)), picture, warnings


def _moved(fit: RigPhoto, left: float, top: float, scale: float, size: tuple[int, int]) -> RigPhoto:
    """The fit in pixels ``(p - (left, top)) * scale``."""
    seen = fit.camera
    camera = RigCamera(seen.fx * scale, seen.fy * scale, (seen.cx - left) * scale, (seen.cy - top) * scale)
    return replace(fit, camera=camera, width=size[0], height=size[1])


def _resized(
    fit: RigPhoto, picture: UInt8[ndarray, "height width 3"], size: int
) -> tuple[RigPhoto, UInt8[ndarray, "new_height new_width 3"]]:
    if size < _SMALLEST:
        raise BadInput(f"A picture of {size} pixels shows nothing.", f"Choose {_SMALLEST} or more.")
    scale = size / max(fit.width, fit.height)
    new = max(1, round(fit.width * scale)), max(1, round(fit.height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return _moved(fit, 0.0, 0.0, scale, new), cv2.resize(picture, new, interpolation=how)


def _doubts(
    rig: Rig, index: int, fit: RigPhoto, photo: Photo, recogniser: FaceRecogniser | None
) -> tuple[str, ...]:
    """Whether a file is the photo that the rig was fitted to, and shows that person.

    Args:
        fit: in pixels of ``photo``.
    """
    origin = preview_origin(rig, index)
    if origin is not None and origin.get("sha256") == photo.sha256:
        return ()
    known = rig.photos[index]
    if abs(photo.size[0] * known.height / (photo.size[1] * known.width) - 1) > _SAME_SHAPE:
        raise _another(photo, known)
    with FaceFinder() as finder:
        faces = finder.find_faces(photo)
    if not faces:
        raise NoFaceFound(
            f"No face was found in {photo.path}.", "Choose the photo that the rig was made from."
        )
    expected = seen_landmarks(rig, fit)[:, :2]
    apart = float(np.linalg.norm(expected[IRIS_LEFT[0]] - expected[IRIS_RIGHT[0]]))
    apart = max(apart, 0.2 * float(np.ptp(expected[:, 1])))  # in a profile, the eyes are nearly one
    misfits = [float(np.linalg.norm(f.landmarks[:, :2] - expected, axis=1).mean()) / apart for f in faces]
    face, misfit = faces[int(np.argmin(misfits))], min(misfits)
    if misfit > _ELSEWHERE:
        raise _another(photo, known)
    if recogniser is not None and origin is not None:
        preview = np.ascontiguousarray(rig.previews[origin["preview"]][..., :3])
        kept = np.column_stack([np.array(origin["landmarks"], np.float32), np.zeros(478, np.float32)])
        likeness = float(recogniser(photo.pixels, face.landmarks) @ recogniser(preview, kept))
        if likeness < recogniser.same_above:
            return (f"{photo.path.name}: a different person? This face resembles the rig's too little.",)
    if misfit > _MISFIT:
        return (
            f"{photo.path.name} may be another photo than {known.file}: the rig's head lies off its face.",
        )
    return ()


def _another(photo: Photo, known: RigPhoto) -> BadInput:
    return BadInput(
        f"{photo.path} is not the photo {known.file} that the rig was made from.",
        "Name that file, or give the new photo as the source: a rig is then built from it.",
    )


def _turned(fit: RigPhoto) -> tuple[str, ...]:
    facing: Float[ndarray, "3"] = fit.rotation.astype(np.float64) @ (0.0, 0.0, 1.0)
    yaw = float(np.arctan2(facing[0], -facing[2]))
    if abs(yaw) <= _PROFILE:
        return ()
    return (
        f"{fit.file}: the head is turned by about {abs(np.degrees(yaw)):.0f}°; what the photo does not show "
        "of the face is rendered. Choose a photo from the front.",
    )
