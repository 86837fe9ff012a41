"""A rig's photo, prepared to move; and pictures of it, packed for a line."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.errors import BadInput
from core.guidance.guide import Guide
from core.guidance.portrait import frame_around, source_of
from core.guidance.states import HeadStates
from core.reenactment.portrait import portrait_of
from core.rig import Rig, load_rig
from server.preview.messages import Format, State, picture_head

_LEVEL: Final = 1  # of zlib: the rest costs more time than it saves bytes


class MovingPortrait:
    """One photo of a rig. One thread at a time.

    Its pixels are those of the small copy that the rig keeps.

    Raises:
        RigUnreadable: the file cannot be read.
        BadInput: the rig has no such photo, or keeps no copy of it.
    """

    def __init__(self, rig: Rig, index: int, size: int) -> None:
        kept = portrait_of(rig, index + 1)
        picture = kept.picture
        self.photo_size = kept.fit.width, kept.fit.height
        self._frame = frame_around(kept.landmarks[:, :2], self.photo_size, size)
        source = source_of(rig, kept.fit, picture, kept.person, self._frame)
        self._guide = Guide(source)
        self._rest = source.state
        self._still = source.picture
        # 1 inside; at borders within the photo 0, so that the square can be laid over it without a seam
        inside = self._frame.put(np.ones((size, size, 3), np.float32), np.zeros_like(picture))
        self._weight = self._frame.cut(inside[..., :1].astype(np.float32)).reshape(size, size, 1) / 255
        self.base = _bytes_of(self._still)

    def layout(self) -> dict[str, Any]:
        """What a client wants to know: the coefficients' names, and where the square lies in the photo.

        ``square``: left, top and side in pixels of the rig's copy of the photo, ``photo`` its size.
        """
        frame = self._frame
        return {
            "names": list(ARKIT_NAMES),
            "size": frame.side,
            "photo": list(self.photo_size),
            "square": [frame.left, frame.top, frame.side / frame.scale],
        }

    def picture(self, state: State) -> UInt8[ndarray, "side side 3"]:
        """The square as it looks in a state."""
        _, plain = self._guide(self._state_before_camera(state))
        return _bytes_of(self._still + self._weight * (plain[0] - self._still))

    def _state_before_camera(self, state: State) -> HeadStates:
        """The photo's pose ``(R, t)`` after the head's motion ``x → G x + g``: ``(R G, R g + t)``."""
        turn = _rotation(state.head.rotation)
        way = np.array(state.head.translation, np.float32)
        R, t = self._rest.rotation[0], self._rest.translation[0]
        eyes = None if state.eyes is None else np.stack([_rotation(eye) for eye in state.eyes])[None]
        return HeadStates(
            np.array([state.coefficients], np.float32), (R @ turn)[None], (R @ way + t)[None], eyes
        )


def open_portrait(path: Path, index: int, size: int) -> MovingPortrait:
    """Prepare a photo of the rig in a file.

    Raises:
        RigUnreadable: the file cannot be read.
        BadInput: the rig has no such photo, or keeps no copy of it.
    """
    return MovingPortrait(load_rig(path), index, size)


def pack(
    number: int,
    picture: UInt8[ndarray, "side side 3"],
    base: UInt8[ndarray, "side side 3"] | None,
    form: Format,
    quality: int,
) -> bytes:
    """A picture as a message; ``base`` is picture 0, none for that one itself."""
    if form == "raw":
        content = picture.tobytes()
    elif form == "deflate":
        content = zlib.compress((picture if base is None else picture - base).tobytes(), _LEVEL)
    else:
        _, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        content = packed.tobytes()
    height, width = picture.shape[:2]
    return picture_head(number, width, height, form) + content


def _rotation(rows: list[list[float]]) -> Float32[ndarray, "3 3"]:
    """
    Raises:
        BadInput: it is none.
    """
    rotation = np.array(rows, np.float64)
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 0.01 or np.linalg.det(rotation) < 0:
        raise BadInput("A rotation of the state is none: its rows are not orthonormal.")
    return rotation.astype(np.float32)


def _bytes_of(picture: Float[ndarray, "side side 3"]) -> UInt8[ndarray, "side side 3"]:
    scaled: ndarray = np.clip(picture, 0, 1) * 255 + 0.5
    return scaled.astype(np.uint8)
