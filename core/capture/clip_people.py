"""Who is in a clip: the faces of its first good frame, numbered, for somebody to choose from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from core.capture.faces import Face, FaceFinder, prominence
from core.capture.look_through import check_span, frames_between
from core.capture.photos import Photo
from core.capture.preview import jpeg, shrunk
from core.capture.video import Frame, open_video
from core.errors import NoFaceFound

_LONG_SIDE: Final = 1920  # pixels, as tracking reads frames
_EVERY: Final = 0.25  # seconds between the frames that are looked at
_PATIENCE: Final = 2.0  # seconds from the first face on, for others to turn up
_PICTURE: Final = 640  # pixels, longest side
_CROP: Final = 128
_CROP_MARGIN: Final = 1.4
_LINE: Final = (64, 255, 128)
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class ClipPerson:
    """One face of a frame.

    Attributes:
        number: from 1, from the left of the picture to the right.
        box: left, top, right, bottom, pixels of the clip's upright frames.
        main: whether tracking follows this face where nobody chooses.
        crop: a small square JPEG.
    """

    number: int
    box: Box
    confidence: float
    main: bool
    crop: bytes

    @property
    def point(self) -> tuple[float, float]:
        """The middle of the box: what tells tracking whom to follow."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2


@dataclass(frozen=True)
class ClipPeople:
    """The people of one frame, and what else the clip's file says.

    Attributes:
        time: of the frame, seconds since the file's first.
        width, height: of the upright frames, pixels.
        duration: of the clip, seconds; 0 where it is not known.
        picture: the frame with numbered boxes, a JPEG.
    """

    time: float
    width: int
    height: int
    fps: float
    duration: float
    people: tuple[ClipPerson, ...]
    picture: bytes


def find_people(
    path: Path,
    start: float = 0.0,
    end: float | None = None,
    report: Callable[[float], None] = lambda fraction: None,
) -> ClipPeople:
    """The faces at the in point, or soon after it: the frame that shows most of them.

    Frames are looked at four times a second, from the in point until two seconds after the first face.

    Args:
        start, end: in and out point, seconds.
        report: called with the fraction of the clip that was looked through.

    Raises:
        UnreadableMedia: the video cannot be read.
        BadInput: the in point lies after the clip's end, or the out point before it.
        NoFaceFound: no frame shows a face.
    """
    best: tuple[Frame, list[Face], int] | None = None
    with open_video(path, start=start, end=end, long_side=_LONG_SIDE) as video, FaceFinder() as finder:
        check_span(video.info, start, end)
        count = frames_between(video.info, start, end)
        next_look, give_up = -np.inf, np.inf
        for index, frame in enumerate(video):
            if frame.time > give_up:
                break
            if frame.time < next_look:
                continue
            next_look = frame.time + _EVERY
            report(min(1.0, index / count))
            photo = Photo(frame.pixels, path, "", None, (frame.pixels.shape[1], frame.pixels.shape[0]))
            faces = finder.find_faces(photo)
            if faces and (best is None or len(faces) > len(best[1])):
                main = max(faces, key=lambda face: prominence(face, photo))
                ordered = sorted(faces, key=lambda face: face.box[0] + face.box[2])
                best = frame, ordered, [face is main for face in ordered].index(True)
                give_up = min(give_up, frame.time + _PATIENCE)
        info = video.info
    if best is None:
        raise NoFaceFound(
            f"No frame of {path} shows a face.", "Choose a clip, or in and out points, with a face in view."
        )
    frame, faces, chosen = best
    people = tuple(
        ClipPerson(
            number=index + 1,
            box=_scaled(face.box, 1 / info.scale),
            confidence=float(face.confidence),
            main=index == chosen,
            crop=jpeg(face.crop(_CROP_MARGIN).cut(frame.pixels, _CROP)),
        )
        for index, face in enumerate(faces)
    )
    width, height = (round(side / info.scale) for side in (info.width, info.height))
    picture = _picture(frame.pixels, [face.box for face in faces])
    return ClipPeople(frame.time, width, height, info.fps, info.duration, people, picture)


def to_document(found: ClipPeople) -> dict[str, Any]:
    """What was found as plain values, without the pictures."""
    return {
        "time": found.time,
        "width": found.width,
        "height": found.height,
        "fps": found.fps,
        "duration": found.duration,
        "people": [
            {
                "number": person.number,
                "box": [round(side, 1) for side in person.box],
                "point": [round(side, 1) for side in person.point],
                "confidence": round(person.confidence, 3),
                "main": person.main,
            }
            for person in found.people
        ],
    }


def _scaled(box: Box, scale: float) -> Box:
    left, top, right, bottom = box
    return left * scale, top * scale, right * scale, bottom * scale


def _picture(pixels: UInt8[ndarray, "height width 3"], boxes: list[Box]) -> bytes:
    small, scale = shrunk(pixels, _PICTURE)
    for index, box in enumerate(boxes):
        left, top, right, bottom = (round(side * scale) for side in box)
        cv2.rectangle(small, (left, top), (right, bottom), _LINE, 2, cv2.LINE_AA)
        text, corner = str(index + 1), (left, max(top, 22))
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 2)
        cv2.rectangle(
            small, (corner[0], corner[1] - height - 8), (corner[0] + width + 8, corner[1]), _LINE, -1
        )
        place = corner[0] + 4, corner[1] - 4
        cv2.putText(
            small, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), thickness=2, lineType=cv2.LINE_AA
        )
    return jpeg(small)
