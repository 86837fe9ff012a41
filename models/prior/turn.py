"""How a head is turned as the network is taught it: what the alignment of its landmarks misses."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.face_model.providers import DEFAULT_MODEL
from core.face_model.registry import load_model
from core.geometry.alignment import align_similarity
from core.tracking.head_turn import FACE_MIDDLE, ray_rotation

_UPRIGHT: Final = np.diag([1.0, -1.0, -1.0])  # a face that looks into the camera
MIRRORED: Final = np.array([1.0, -1.0, -1.0])
"""Signs of a turn's pitch, yaw and roll in the mirrored picture."""


def turns_missed(
    alignment: Float[ndarray, "frames 3 3"],
    rotation: Float[ndarray, "frames 3 3"],
    translation: Float[ndarray, "frames 3"],
    at_rest: Float[ndarray, "frames 478 3"],
) -> Float32[ndarray, "frames 3"]:
    """Rotation vectors (pitch, yaw, roll) from the head as its landmarks are aligned to the head as it is.

    Models call different poses upright, and so do two people of one model: here a head is upright where its
    own neutral landmarks fit those of the default model's template best.

    Args:
        alignment: from :meth:`models.prior.features.Canonical.align`.
        rotation, translation: head → camera, metres.
        at_rest: landmarks of the person's neutral head, head space.
    """
    model = load_model(DEFAULT_MODEL)
    template = model.landmarks(model.template).astype(np.float64)
    upright = np.stack(
        [align_similarity(template, own.astype(np.float64), np.ones(len(own)))[1] for own in at_rest]
    )
    to_camera = rotation.astype(np.float64)
    middle = translation + to_camera @ FACE_MIDDLE
    seen = np.swapaxes(ray_rotation(middle), 1, 2) @ to_camera @ upright
    aligned = np.swapaxes(alignment.astype(np.float64), 1, 2) @ _UPRIGHT
    return Rotation.from_matrix(np.swapaxes(aligned, 1, 2) @ seen).as_rotvec().astype(np.float32)


def turned(
    alignment: Float[ndarray, "frames 3 3"], missed: Float[ndarray, "frames 3"]
) -> Float[ndarray, "frames 3 3"]:
    """Head → ray: the rotation that a head on the optical axis would have to look like this."""
    aligned = np.swapaxes(alignment.astype(np.float64), 1, 2) @ _UPRIGHT
    return aligned @ Rotation.from_rotvec(missed).as_matrix()
