"""What is said of a photo's lens, and by whom.

What users give, and what Semblance says of a lens, counts as Blender's camera does: millimetres on a sensor
whose width lies along the photo's longer side. On 36 mm, the width of 35 mm film, that is the 35 mm
equivalent. EXIF's equivalent compares diagonals (CIPA DCG-001): on photos of 3:2 both are the same, and the
26 mm of a phone, 4:3, are 27.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from core.errors import BadInput

FILM_WIDTH_MM: Final = 36.0
EQUIVALENTS_MM: Final = (8.0, 1500.0)
"""Shortest and longest 35 mm equivalent; beyond, no lens is made that shows a face."""

LensSource: TypeAlias = Literal["given", "exif", "assumed"]
"""Who says what lens a photo was taken with: the user, the photo's file, or nobody."""


@dataclass(frozen=True)
class GivenLens:
    """What the user says of the lens that took the photos.

    Attributes:
        focal: millimetres.
        sensor: width of the sensor along the photo's longer side, millimetres.
    """

    focal: float
    sensor: float = FILM_WIDTH_MM

    @classmethod
    def parse(cls, text: str) -> GivenLens:
        """The lens of ``MM`` or ``MM@SENSOR``, such as ``50@23.6``.

        Raises:
            BadInput: it is written otherwise, or no such lens takes portraits.
        """
        how = (
            "Write the lens in millimetres: 50 is the 35 mm equivalent, 50@23.6 is 50 mm on a sensor that is "
            "23.6 mm wide."
        )
        focal, at, sensor = text.partition("@")
        try:
            lens = cls(float(focal), float(sensor) if at else FILM_WIDTH_MM)
        except ValueError:
            raise BadInput(f"{text!r} is no focal length.", how) from None
        low, high = EQUIVALENTS_MM
        if not (0 < lens.sensor < math.inf and low <= lens.equivalent <= high):
            raise BadInput(f"{text!r} is not from {low:g} to {high:g} mm as a 35 mm equivalent.", how)
        return lens

    @property
    def equivalent(self) -> float:
        """The focal length that shows as much on a sensor that is 36 mm wide."""
        return self.focal / self.sensor * FILM_WIDTH_MM

    def pixels(self, width: int, height: int) -> float:
        """Its focal length in pixels of a photo of a size: focal / sensor × longer side."""
        return self.focal / self.sensor * max(width, height)
