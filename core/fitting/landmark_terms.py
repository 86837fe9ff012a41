"""What the landmark fit and the dense fit mean by the same terms."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.arkit import ARKIT_INDEX, EXCLUSIVE_PAIRS
from core.face_model.model import LANDMARK_COUNT
from core.landmark_topology import (
    EYELID_PAIRS_LEFT,
    EYELID_PAIRS_RIGHT,
    FACE_OVAL,
    IRIS_LEFT,
    IRIS_RIGHT,
    LIP_PAIRS,
)

CLOSURE_PAIRS: Final = np.array([*EYELID_PAIRS_LEFT, *EYELID_PAIRS_RIGHT, *LIP_PAIRS])
"""Landmarks across the lids and lips (DECA eq. 6), one pair a row."""

EXCLUSIVE_UNITS: Final = np.array([[ARKIT_INDEX[a], ARKIT_INDEX[b]] for a, b in EXCLUSIVE_PAIRS])
"""Coefficients that exclude each other (CPEM eq. 4), one pair a row."""

TONGUE: Final = ARKIT_INDEX["tongueOut"]
"""No landmark and no skin shows the tongue."""


def landmark_weights(contour: float) -> Float[ndarray, "478"]:
    """Weight of each landmark: ``contour`` on the face oval, which slides along the surface, else 1.

    The ten points of the irises carry all of the gaze and count four times.
    """
    weights = np.ones(LANDMARK_COUNT)
    weights[list(FACE_OVAL)] = contour
    weights[[*IRIS_LEFT, *IRIS_RIGHT]] = 4.0
    return weights
