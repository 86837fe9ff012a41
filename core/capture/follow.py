"""One person's face through the frames of a video.

A face is looked for once, then each frame's crop comes from the frame before. Cuts and lost faces send it
back to the detector, which takes the face that is most like the one followed so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from core.capture.faces import Face, FaceFinder, prominence
from core.capture.photos import Photo
from core.capture.video import Frame
from core.errors import BadInput
from core.face_model.identity_basis import align_similarity

# A cut replaces the picture: its small grey copy changes several times as much as between other frames.
_CUT_LEAST: Final = 0.10  # mean absolute change of grey levels (0-1) that can be a cut
_CUT_RATIO: Final = 4.0  # against the median of the frames before
_CUT_MEMORY: Final = 12  # frames
_SMALL: Final = (48, 27)
# While the face is lost, looking in every frame would be slow and would gain nothing.
_LOOK_EVERY: Final = 0.1  # seconds
_FARTHEST_JUMP: Final = 0.8  # eye distances the face's middle can move between frames of one shot
_STABLE: Final = (33, 133, 362, 263, 168, 6, 197, 4, 1, 2, 98, 327, 10, 151, 234, 454, 127, 356)


@dataclass(frozen=True)
class Seen:
    """What was found in one frame.

    Attributes:
        time: seconds.
        landmarks: as :class:`~core.capture.faces.Face`; none where the face was not found.
        presence: how surely the face is there, 0-1.
        cut: whether a shot begins here.
        size: width and height of the frame, pixels.
    """

    time: float
    landmarks: Float32[np.ndarray, "478 3"] | None
    presence: float
    cut: bool
    size: tuple[int, int]


@dataclass(frozen=True)
class Person:
    """Whom to follow: the main face, unless something better is known.

    Attributes:
        point: pixel of the first frame that lies on the person's face (a click).
        shape: landmarks of the person's neutral head in 3D, any scale (from a rig).
    """

    point: tuple[float, float] | None = None
    shape: Float[np.ndarray, "478 3"] | None = None


def follow_face(frames: Iterable[Frame], finder: FaceFinder, person: Person | None = None) -> Iterator[Seen]:
    """Landmarks of one person in every frame.

    Raises:
        BadInput: there is no face at the point that was clicked, or no frame.
    """
    follower = FaceFollower(finder, person)
    for frame in frames:
        yield follower.look(frame)
    if follower.first:
        raise BadInput("The video has no frame between its in and out points.", "Choose others.")


class FaceFollower:
    """One person's face, frame by frame, as they come."""

    def __init__(self, finder: FaceFinder, person: Person | None = None) -> None:
        self.finder, self.person = finder, person or Person()
        self.first = True  # no frame was looked at yet
        self.last: Face | None = None
        self.shape = self.person.shape  # what the person looks like, as far as landmarks tell
        self.small: np.ndarray | None = None
        self.changes: list[float] = []
        self.next_look = -np.inf

    def look(self, frame: Frame) -> Seen:
        """What the next frame shows; frames come in order, and some may be missing.

        Raises:
            BadInput: there is no face at the point that was clicked.
        """
        first, self.first = self.first, False
        cut = self._is_cut(frame.pixels) and not first
        size = frame.pixels.shape[1], frame.pixels.shape[0]
        photo = Photo(frame.pixels, Path("frame"), "", None, size)
        previous, face = self.last, None
        if previous is not None and not cut:
            face = self.finder.find_again(photo, previous)
            if face is not None and not _near(face, previous):
                face = None
        if face is None and (cut or first or previous is not None or frame.time >= self.next_look):
            face = self._search(photo, None if cut else previous, first)
            self.next_look = frame.time + _LOOK_EVERY
        self.last = face
        if face is not None and self.shape is None:
            self.shape = face.landmarks
        if face is None:
            return Seen(frame.time, None, 0.0, cut, size)
        return Seen(frame.time, face.landmarks, face.presence, cut, size)

    def _search(self, photo: Photo, previous: Face | None, first: bool) -> Face | None:
        """The followed person among the faces of a frame."""
        faces = self.finder.find_faces(photo)
        if not faces:
            if first and self.person.point is not None:
                raise BadInput(
                    "There is no face at the point that was chosen.", "Click on a face in the first frame."
                )
            return None
        if first and self.person.point is not None:
            return _at_point(faces, self.person.point)
        if self.shape is None or len(faces) == 1:
            return faces[0]
        # Shape tells people apart only roughly, so place and prominence count too.
        return min(faces, key=lambda face: self._strangeness(face, previous, photo))

    def _strangeness(self, face: Face, previous: Face | None, photo: Photo) -> float:
        assert self.shape is not None
        strange = 20 * _difference(face.landmarks, self.shape) - prominence(face, photo) / max(photo.size)
        if previous is not None:
            apart = np.linalg.norm(face.landmarks.mean(0) - previous.landmarks.mean(0)) / previous.interocular
            strange += 0.3 * float(apart)
        return strange

    def _is_cut(self, pixels: UInt8[np.ndarray, "height width 3"]) -> bool:
        small = cv2.cvtColor(cv2.resize(pixels, _SMALL, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        before, self.small = self.small, small.astype(np.float32) / 255
        if before is None:
            return False
        change = float(np.abs(self.small - before).mean())
        usual = float(np.median(self.changes)) if self.changes else 0.0
        self.changes = [*self.changes[1 - _CUT_MEMORY :], change]
        if change > max(_CUT_LEAST, _CUT_RATIO * usual):
            self.changes.clear()
            return True
        return False


def _near(face: Face, previous: Face) -> bool:
    apart = np.linalg.norm((face.landmarks - previous.landmarks)[:, :2].mean(0))
    return bool(apart < _FARTHEST_JUMP * previous.interocular)


def _at_point(faces: list[Face], point: tuple[float, float]) -> Face:
    x, y = point
    for face in faces:
        left, top, right, bottom = face.box
        margin = 0.2 * (bottom - top)
        if left - margin <= x <= right + margin and top - margin <= y <= bottom + margin:
            return face
    raise BadInput("There is no face at the point that was chosen.", "Click on a face in the first frame.")


def _difference(a: Float[np.ndarray, "478 3"], b: Float[np.ndarray, "478 3"]) -> float:
    """How far two people's stable landmarks are apart after alignment, in outer-eye distances."""
    index = list(_STABLE)
    p, q = a[index].astype(np.float64), b[index].astype(np.float64)
    scale, rotation, translation = align_similarity(p, q, np.ones(len(index)))
    aligned = scale * p @ rotation.T + translation
    return float(np.sqrt(np.square(aligned - q).sum(1).mean()) / np.linalg.norm(q[0] - q[3]))
