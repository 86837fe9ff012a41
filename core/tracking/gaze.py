"""Eye units to directions of sight."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.face_model.model import FaceModel
from core.geometry.alignment import align_similarity

_SIDES = ("Left", "Right")


def eye_turns(model: FaceModel) -> Float[ndarray, "2 4"]:
    """Radians by which the units look in, out, up and down turn the left and the right eye at 1."""
    turns = np.zeros((2, 4))
    for side, name in enumerate(_SIDES):
        ball = model.region_mask(f"eye_{name.lower()}")
        rest = model.template[ball].astype(np.float64)
        for index, way in enumerate(("In", "Out", "Up", "Down")):
            moved = rest + model.expression_deltas[ARKIT_INDEX[f"eyeLook{way}{name}"], ball]
            _, rotation, _ = align_similarity(rest, moved, np.ones(len(rest)))
            turns[side, index] = np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))
    return turns


def gaze_of(
    coefficients: Float32[ndarray, "frames 52"], turns: Float[ndarray, "2 4"]
) -> Float32[ndarray, "frames 2 2"]:
    """Yaw (to the person's left) and pitch (down) of both eyes, radians, in head space."""
    gaze = np.zeros((len(coefficients), 2, 2), np.float32)
    for side, name in enumerate(_SIDES):
        inwards, outwards, up, down = (
            coefficients[:, ARKIT_INDEX[f"eyeLook{way}{name}"]] for way in ("In", "Out", "Up", "Down")
        )
        own = turns[side]
        to_left = 1 if name == "Left" else -1
        gaze[:, side, 0] = to_left * (outwards * own[1] - inwards * own[0])
        gaze[:, side, 1] = down * own[3] - up * own[2]
    return gaze
