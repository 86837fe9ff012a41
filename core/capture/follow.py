"""One person's face through the frames of a video.

A face is looked for once, then each frame's crop comes from the frame before. Cuts and lost faces send it
back to the detector, which takes the face that is most like the one followed so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
from core.geometry.alignment import align_similarity

# A cut replaces the picture: its small grey copy changes several times as much as between other frames.
_CUT_LEAST: Final = 0.10  # mean absolute change of grey levels (0-1) that can be a cut
_CUT_RATIO: Final = 4.0  # against the median of the frames before
_CUT_MEMORY: Final = 12  # frames
_SMALL: Final = (48, 27)
_LINES: Final = 180  # of the frame that its small copy is made of, at least; all would say the same
# While the face is lost, looking in every frame would be slow and would gain nothing.
_LOOK_EVERY: Final = 0.1  # seconds
_LOOK_HARD_EVERY: Final = 1.0  # the same for turned and small faces, which takes most of a second
_SAME_TIME: Final = 1e-3  # seconds between what is one frame's time, written and read
_FARTHEST_JUMP: Final = 0.8  # eye distances the face's middle can move between frames of one shot
_STABLE: Final = (33, 133, 362, 263, 168, 6, 197, 4, 1, 2, 98, 327, 10, 151, 234, 454, 127, 356)


@dataclass(frozen=True)
class Seen:
    """What was found in one frame.

    Attributes:
        time: seconds.
        landmarks: as :class:`~core.capture.faces.Face`; none where the face was not found.
        presence: probability that the face is there, 0-1.
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
        point: a pixel that lies on the person's face (a click).
        at: seconds since the file's first frame, when it does; none for the first frame that is looked at.
        shape: landmarks of the person's neutral head in 3D, any scale (from a rig).
    """

    point: tuple[float, float] | None = None
    at: float | None = None
    shape: Float[np.ndarray, "478 3"] | None = None


def follow_face(
    frames: Iterable[Frame],
    finder: FaceFinder,
    person: Person | None = None,
    looking: Callable[[Frame], None] = lambda frame: None,
) -> Iterator[Seen]:
    """Landmarks of one person in every frame.

    Where the click is on a later frame than the first, all faces of the frames before it are kept until it
    comes, and the person is followed back from there.

    Args:
        looking: called with those frames, which are handed on late.

    Raises:
        BadInput: there is no face at the point that was clicked, no frame at its time, or no frame at all.
    """
    follower = FaceFollower(finder, person)
    for frame in frames:
        if not follower.waits:
            yield follower.look(frame)
        elif follower.is_click(frame):
            yield from follower.choose(frame)
        else:
            follower.keep(frame)
            looking(frame)
    if follower.waits and follower.earlier:
        raise BadInput(
            f"The face was chosen at {follower.person.at:.2f} s, which is not between the in and out points.",
            "Choose the face again, or change the in and out points.",
        )
    if not follower.started:
        raise BadInput("The video has no frame between its in and out points.", "Choose others.")


@dataclass(frozen=True)
class _Look:
    """All faces of a frame before the click."""

    time: float
    faces: list[Face]
    cut: bool
    size: tuple[int, int]


class FaceFollower:
    """One person's face, frame by frame, as they come."""

    def __init__(self, finder: FaceFinder, person: Person | None = None) -> None:
        self.finder, self.person = finder, person or Person()
        self.last: Face | None = None
        self.shape = self.person.shape  # what the person looks like, as far as landmarks tell
        self.small: np.ndarray | None = None
        self.changes: list[float] = []
        self.next_look = self.next_hard_look = -np.inf
        self.started = False
        self.waits = self.person.point is not None  # for the click
        self.earlier: list[_Look] = []

    def is_click(self, frame: Frame) -> bool:
        """Whether this is the frame on which the person was clicked."""
        return self.person.at is None or frame.time >= self.person.at - _SAME_TIME

    def keep(self, frame: Frame) -> None:
        """Find all faces of a frame before the click."""
        cut = self._is_cut(frame.pixels)
        photo = _photo(frame)
        self.earlier.append(_Look(frame.time, self.finder.find_faces(photo), cut, photo.size))
        self.started = True

    def choose(self, frame: Frame) -> Iterator[Seen]:
        """The person at the click, in the frames before it and in this one.

        Raises:
            BadInput: there is no face at the point that was clicked.
        """
        assert self.person.point is not None
        cut, photo = self._is_cut(frame.pixels), _photo(frame)
        face = _at_point(self.finder.find_faces(photo), self.person.point)
        self.shape = face.landmarks if self.shape is None else self.shape
        before = self._back_from(face, cut)
        for look, found in zip(self.earlier, before, strict=True):
            yield _seen(look.time, found, look.cut, look.size)
        self.earlier.clear()
        self.last, self.waits, self.started = face, False, True
        yield _seen(frame.time, face, cut, photo.size)

    def _back_from(self, face: Face, cut: bool) -> list[Face | None]:
        """The person in the frames before the click: the nearest face, and beyond a cut the most alike."""
        found: list[Face | None] = []
        last, across = face, cut
        for look in reversed(self.earlier):
            if across:
                alike = sorted(look.faces, key=lambda other: self._difference_to(other))
                here = alike[0] if alike else None
            else:
                near = [other for other in look.faces if _near(other, last)]
                here = min(near, key=lambda other: _way(other, last)) if near else None
            found.append(here)
            across = look.cut or (across and here is None)
            last = here or last
        return found[::-1]

    def _difference_to(self, face: Face) -> float:
        assert self.shape is not None
        return _difference(face.landmarks, self.shape)

    def look(self, frame: Frame) -> Seen:
        """What the next frame shows; frames come in order, and some may be missing.

        A click that was not looked for with :meth:`is_click` is one on this frame.

        Raises:
            BadInput: there is no face at the point that was clicked.
        """
        if self.waits:
            return list(self.choose(frame))[-1]
        first, self.started = not self.started, True
        cut = self._is_cut(frame.pixels)
        photo = _photo(frame)
        previous, face = self.last, None
        if previous is not None and not cut:
            face = self.finder.find_again(photo, previous)
            if face is not None and not _near(face, previous):
                face = None
        changed = cut or first or previous is not None
        if face is None and (changed or frame.time >= self.next_look):
            thorough = changed or frame.time >= self.next_hard_look
            face = self._search(photo, None if cut else previous, thorough)
            self.next_look = frame.time + _LOOK_EVERY
            if thorough:
                self.next_hard_look = frame.time + _LOOK_HARD_EVERY
        self.last = face
        if face is not None and self.shape is None:
            self.shape = face.landmarks
        return _seen(frame.time, face, cut, photo.size)

    def _search(self, photo: Photo, previous: Face | None, thorough: bool) -> Face | None:
        """The followed person among the faces of a frame."""
        faces = self.finder.find_faces(photo, thorough=thorough)
        if not faces:
            return None
        if self.shape is None or len(faces) == 1:
            return faces[0]
        # Shape tells people apart only roughly, so place and prominence count too.
        return min(faces, key=lambda face: self._strangeness(face, previous, photo))

    def _strangeness(self, face: Face, previous: Face | None, photo: Photo) -> float:
        strange = 20 * self._difference_to(face) - prominence(face, photo) / max(photo.size)
        if previous is not None:
            apart = np.linalg.norm(face.landmarks.mean(0) - previous.landmarks.mean(0)) / previous.interocular
            strange += 0.3 * float(apart)
        return strange

    def _is_cut(self, pixels: UInt8[np.ndarray, "height width 3"]) -> bool:
        every = max(1, min(pixels.shape[:2]) // _LINES)
        some = np.ascontiguousarray(pixels[::every, ::every])
        small = cv2.cvtColor(cv2.resize(some, _SMALL, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
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


def _photo(frame: Frame) -> Photo:
    return Photo(frame.pixels, Path("frame"), "", None, (frame.pixels.shape[1], frame.pixels.shape[0]))


def _seen(time: float, face: Face | None, cut: bool, size: tuple[int, int]) -> Seen:
    if face is None:
        return Seen(time, None, 0.0, cut, size)
    return Seen(time, face.landmarks, face.presence, cut, size)


def _way(face: Face, previous: Face) -> float:
    """How far a face has moved, pixels."""
    return float(np.linalg.norm((face.landmarks - previous.landmarks)[:, :2].mean(0)))


def _near(face: Face, previous: Face) -> bool:
    return _way(face, previous) < _FARTHEST_JUMP * previous.interocular


def _at_point(faces: list[Face], point: tuple[float, float]) -> Face:
    x, y = point
    for face in faces:
        left, top, right, bottom = face.box
        margin = 0.2 * (bottom - top)
        if left - margin <= x <= right + margin and top - margin <= y <= bottom + margin:
            return face
    raise BadInput(
        "There is no face at the point that was chosen.",
        "Choose a point on a face of that frame; see who is in it with `semblance track --list-people`.",
    )


def _difference(a: Float[np.ndarray, "478 3"], b: Float[np.ndarray, "478 3"]) -> float:
    """How far two people's stable landmarks are apart after alignment, in outer-eye distances."""
    index = list(_STABLE)
    p, q = a[index].astype(np.float64), b[index].astype(np.float64)
    scale, rotation, translation = align_similarity(p, q, np.ones(len(index)))
    aligned = scale * p @ rotation.T + translation
    return float(np.sqrt(np.square(aligned - q).sum(1).mean()) / np.linalg.norm(q[0] - q[3]))
