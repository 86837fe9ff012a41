"""How far a head is turned from where it is in truth."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.geometry.alignment import align_similarity

_FACING = np.diag([1.0, -1.0, -1.0])


def turn_between(
    upright: Float[ndarray, "marks 3"], true_upright: Float[ndarray, "marks 3"]
) -> Float[ndarray, "3 3"]:
    """Rotation from the head space of one model to that of another, by landmarks of their mean heads.

    Two models call different poses upright, which is no error of reading a picture.
    """
    return align_similarity(upright, true_upright, np.ones(len(upright)))[1]


def degrees_apart(
    found: Float[ndarray, "3 3"], true: Float[ndarray, "3 3"], turn: Float[ndarray, "3 3"]
) -> float:
    """Angle between two head-to-camera rotations.

    Args:
        turn: from the found head's space to the true one's, see :func:`turn_between`.
    """
    return float(np.degrees(Rotation.from_matrix(true.T @ found @ turn.T).magnitude()))


def yaw_degrees(rotation: Float[ndarray, "3 3"]) -> float:
    """Turn of a head about its vertical, degrees; positive to the person's left."""
    return float(Rotation.from_matrix(_FACING @ rotation).as_euler("ZYX", degrees=True)[1])
