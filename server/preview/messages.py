"""What goes over a preview's WebSocket.

The client's first message is :class:`Opening`; ``ready`` answers it, and the picture of number 0, the photo's
own square. Then the client sends a :class:`State` whenever one has changed, and gets pictures as bytes. Of
states that come while a picture is made, the newest alone gets one. ``error`` is the last message of a line.

A picture is a head of 12 bytes, ``!IHHB3x``: the state's number, width, height and the format (0 ``raw``, 1
``deflate``, 2 ``jpeg``); then its bytes. ``raw`` is RGB, rows from the top. ``deflate`` (zlib) is the same
less picture 0, each byte modulo 256, so that what stands still costs nothing; picture 0 is less nothing.
"""

from __future__ import annotations

import json
import struct
from typing import Annotated, Any, Final, Literal

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from core.errors import BadInput

Format = Literal["raw", "deflate", "jpeg"]
FORMATS: Final[tuple[Format, ...]] = ("raw", "deflate", "jpeg")
LEAST_SIZE, MOST_SIZE = 256, 1024
MOST_BYTES: Final = 1 << 16  # of a client's message
_HEAD: Final = struct.Struct("!IHHB3x")

Coefficient = Annotated[FiniteFloat, Field(ge=-2, le=2)]
Metres = Annotated[FiniteFloat, Field(ge=-10, le=10)]
Part = Annotated[FiniteFloat, Field(ge=-1.01, le=1.01)]
Row = Annotated[list[Part], Len(3, 3)]
Rotation = Annotated[list[Row], Len(3, 3)]
Place = Annotated[list[Metres], Len(3, 3)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Opening(_Message):
    """Which photo, and how its pictures come.

    Attributes:
        photo: index among the rig's photos.
        size: side of the square around the head, pixels.
        quality: of JPEG.
    """

    type: Literal["open"]
    photo: Annotated[int, Field(ge=0, lt=1000)] = 0
    size: Annotated[int, Field(ge=LEAST_SIZE, le=MOST_SIZE)] = 512
    format: Format = "jpeg"
    quality: Annotated[int, Field(ge=1, le=100)] = 85


class Head(_Message):
    """How a head is away from the photo's pose: ``x`` of head space goes to ``rotation x + translation``."""

    rotation: Rotation
    translation: Place


class State(_Message):
    """A head at one moment.

    Attributes:
        number: of the picture that answers.
        coefficients: of the 52, in the order of ``ready``'s names; 0 is the neutral, not the photo's face.
        eyes: rotation of the left and the right eyeball about its joint, in head space, besides what the
            coefficients turn.
    """

    type: Literal["state"]
    number: Annotated[int, Field(ge=1, lt=1 << 32)]
    coefficients: Annotated[list[Coefficient], Len(52, 52)]
    head: Head
    eyes: Annotated[list[Rotation], Len(2, 2)] | None = None


_OPENING: Final = TypeAdapter(Opening)
_STATE: Final = TypeAdapter(State)


def read_opening(text: str) -> Opening:
    """
    Raises:
        BadInput: it is none, and why.
    """
    return _read(_OPENING, text)


def read_state(text: str) -> State:
    """
    Raises:
        BadInput: it is none, and why.
    """
    return _read(_STATE, text)


def _read(kind: TypeAdapter[Any], text: str) -> Any:
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"{place}: {first['msg']}." if place else f"{first['msg']}.",
            "See server/preview/messages.py for what is taken.",
        ) from None


def error_text(code: str, message: str, hint: str) -> str:
    """The last message of a line that ends by an error."""
    return json.dumps({"type": "error", "error": {"code": code, "message": message, "hint": hint}})


def picture_head(number: int, width: int, height: int, form: Format) -> bytes:
    """What stands before a picture's bytes."""
    return _HEAD.pack(number, width, height, FORMATS.index(form))
