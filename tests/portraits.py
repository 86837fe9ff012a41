"""A made-up rig with the picture of its photo, for tests that need one but no face model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from core.rig import Rig, RigCamera, RigPhoto
from tests.rigs import make_rig

WIDTH, HEIGHT = 200, 160
_SCALE = 0.5  # of the picture that the rig keeps


def portrait_rig(**photo: Any) -> Rig:
    """A rig whose one photo is kept at half its size; ``photo`` changes how it was taken."""
    shown = RigPhoto(
        file="anna.png",
        width=WIDTH,
        height=HEIGHT,
        camera=RigCamera(260.0, 260.0, WIDTH / 2, HEIGHT / 2),
        rotation=np.diag([1, -1, -1]).astype(np.float32),
        translation=np.array([0, 0, 0.6], np.float32),
        expression={},
        sh=np.vstack([np.full((1, 3), 2.0), np.zeros((8, 3))]).astype(np.float32),
    )
    origin = {
        "file": "anna.png",
        "preview": "photo-01.png",
        "left": 0.0,
        "top": 0.0,
        "scale": _SCALE,
        "landmarks": np.zeros((478, 2)).tolist(),
    }
    small = cv2.resize(portrait_pixels(), None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    return make_rig(
        "Anna",
        photos=(replace(shown, **photo),),
        previews={"photo-01.png": small},
        provenance={"photos": [origin]},
    )


def portrait_pixels() -> np.ndarray:
    """An egg with a pattern before a gradient."""
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.dstack([60 + column // 2, 90 + row // 2, np.full_like(row, 140)]).astype(np.uint8)
    egg = ((column - WIDTH / 2) / 32) ** 2 + ((row - HEIGHT / 2 - 8) / 52) ** 2 < 1
    picture[egg] = np.dstack([180 + 60 * np.sin(column / 5), 140 + 60 * np.sin(row / 5), 0 * row + 120])[egg]
    return picture
