"""What the landmark fit and the dense fit mean by the same terms."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

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
from core.numbers import Number

CLOSURE_PAIRS: Final = np.array([*EYELID_PAIRS_LEFT, *EYELID_PAIRS_RIGHT, *LIP_PAIRS])
"""Landmarks across the lids and lips (DECA eq. 6), one pair a row."""

EXCLUSIVE_UNITS: Final = np.array([[ARKIT_INDEX[a], ARKIT_INDEX[b]] for a, b in EXCLUSIVE_PAIRS])
"""Coefficients that exclude each other (CPEM eq. 4), one pair a row."""

TONGUE: Final = ARKIT_INDEX["tongueOut"]
"""No landmark and no skin shows the tongue."""


_Values = TypeVar("_Values", ndarray, Tensor)
_FACING = (0.1, 0.3)  # cosine from which a point turned towards the camera counts; rise over which it does


def facing_weight(cosine: _Values) -> _Values:
    """How much a point on a turned surface counts: 0 below a cosine of 0.1, 1 above 0.4.

    ``min(max((cos - 0.1) / 0.3, 0), 1)``: close to the rim a landmark slides along the outline.

    Args:
        cosine: of the angle between the normal and the direction towards the camera.
    """
    low, rise = _FACING
    return ((cosine - low) / rise).clip(0, 1)


def geman_mcclure(squared: _Values, outlier: Number) -> _Values:
    """Robust energy of squared residuals ``r²``: ``r² / (1 + r² / c²)``.

    It is quadratic for small residuals and at most ``c²``; the weight of its least squares,
    ``1 / (1 + r² / c²)²``, falls to a quarter at ``r = c``.

    Args:
        squared: residuals in standard deviations, squared.
        outlier: ``c``, in standard deviations.
    """
    return squared / (1 + squared / outlier**2)


def landmark_weights(contour: float) -> Float[ndarray, "478"]:
    """Weight of each landmark: ``contour`` on the face oval, which slides along the surface, else 1.

    The ten points of the irises carry all of the gaze and count four times.
    """
    weights = np.ones(LANDMARK_COUNT)
    weights[list(FACE_OVAL)] = contour
    weights[[*IRIS_LEFT, *IRIS_RIGHT]] = 4.0
    return weights
