"""The 68 landmarks that the papers measure by, as places among MediaPipe's 478."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

# The outline's points lie where the 68's contour does on a frontal face; on a turned one both are points of
# the surface, as AFLW2000-3D has them, not of the silhouette.
_OUTLINE = (127, 234, 93, 132, 172, 136, 150, 176, 152, 400, 379, 365, 397, 361, 323, 454, 356)
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_NOSE = (168, 197, 5, 4, 75, 97, 2, 326, 305)
_EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)
MARKS: Final = (*_OUTLINE, *_BROWS, *_NOSE, *_EYES, *_LIPS)
"""MediaPipe's landmark at each of the 68, in iBUG's order, from the person's right ear on."""

INNER: Final = tuple(range(17, 68))
"""Of the 68, those that lie still on the face: all but the outline."""

SEVEN: Final = (36, 39, 42, 45, 33, 48, 54)
"""Of the 68, NoW's seven: right eye outer and inner corner, left inner and outer, base of the nose, right and
left corner of the mouth."""

NOSE_TIP: Final = 30
_EYE_DISTANCE: Final = 0.09  # metres between the outer eye corners of an adult


def marks_of(landmarks: Float[ndarray, "478 axes"]) -> Float[ndarray, "68 axes"]:
    """The 68 among MediaPipe's landmarks, in pixels or on a surface."""
    return landmarks[list(MARKS)]


def metres_per_unit(right_eye: Float[ndarray, "3"], left_eye: Float[ndarray, "3"]) -> float:
    """Which power of ten makes metres of a scan's unit, by the distance of its outer eye corners.

    Scans come in metres, decimetres, centimetres or millimetres, and do not say so.
    """
    apart = float(np.linalg.norm(right_eye - left_eye))
    return float(10.0 ** np.round(np.log10(_EYE_DISTANCE / max(apart, 1e-12))))
