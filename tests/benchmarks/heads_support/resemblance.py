"""A rig beside the photos it was made from, as the network of :mod:`likeness` sees both."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from core.capture.faces import FaceFinder
from core.capture.photos import Photo
from core.rig import Rig
from core.scene.camera import PORTRAIT_FIELD_OF_VIEW, portrait_camera, project
from core.sheet.views import Framing, Views
from tests.benchmarks.heads_support.likeness import descriptor, over_photo

_SIZE: Final = (512, 512)
_FACES: Final = 1.5  # heights of the landmarks that the front view shows


def resemblance(rig: Rig) -> dict[str, float]:
    """Cosines of descriptors.

    Returns:
        ``over``: the fitted head over its photo with the photo, mean over the photos; ``neutral``: the head
        at rest from the front with each photo, mean; ``photos``: photos among themselves, mean (NaN for one).
    """
    views = Views(rig)
    over, seen = [], []
    with FaceFinder() as finder:
        for index in range(len(views.photos)):
            picture = views.photo(index, _SIZE)
            landmarks = _landmarks(finder, picture)
            if landmarks is None:
                continue
            seen.append(descriptor(picture, landmarks))
            mixed = over_photo(picture, views.head_over_photo(index, _SIZE), landmarks)
            over.append(float(descriptor(mixed, landmarks) @ seen[-1]))
    if not seen:
        return {name: math.nan for name in ("over", "neutral", "photos")}
    known = np.stack(seen)
    among = (known @ known.T)[np.triu_indices(len(known), 1)]
    return {
        "over": float(np.mean(over)),
        "neutral": float((known @ _front(views)).mean()),
        "photos": float(among.mean()) if len(among) else math.nan,
    }


def _landmarks(finder: FaceFinder, pixels: ndarray) -> Float[ndarray, "478 3"] | None:
    faces = finder.find_faces(Photo(pixels, Path("picture"), "", None, _SIZE), thorough=False)
    return faces[0].landmarks if faces else None


def _front(views: Views) -> Float[ndarray, "128"]:
    """The head at rest, textured, from the front in the sheet's studio."""
    marks = views.rig.landmarks
    low, high = marks.min(axis=0), marks.max(axis=0)
    middle = (low + high) / 2
    frame = Framing((0.0, float(middle[1]), float(middle[2])), _FACES * float(high[1] - low[1]))
    distance = frame.height / 2 / math.tan(PORTRAIT_FIELD_OF_VIEW / 2)
    pose = portrait_camera(_SIZE, distance=distance, target=frame.target)
    pixels = project(torch.from_numpy(marks), *pose).numpy()
    return descriptor(views.textured(frame, _SIZE), pixels)
