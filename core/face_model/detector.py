"""The landmark detector of photos as the detector that measures embeddings on renders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.capture.faces import FaceFinder
from core.capture.photos import Photo
from core.errors import NoFaceFound


@contextmanager
def render_detector() -> Iterator[Callable[[UInt8[ndarray, "height width 3"]], ndarray | None]]:
    """A function from an image to the (478, 3) landmarks of its face in pixels, or none if it sees none.

    Renders are read just as photos are, so that what the detector does to both is the same.
    """
    with FaceFinder() as finder:

        def detect(image: UInt8[ndarray, "height width 3"]) -> Float32[ndarray, "478 3"] | None:
            photo = Photo(
                np.ascontiguousarray(image), Path("render"), "", None, (image.shape[1], image.shape[0])
            )
            try:
                return finder.main_face(photo).landmarks
            except NoFaceFound:
                return None

        yield detect
