"""A real photo that installs with scikit-image, and one set of networks for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from core.capture.faces import Face, FaceFinder
from core.capture.photos import Photo


def photo_of(pixels: np.ndarray, name: str = "made.png") -> Photo:
    """A photo as if loaded from a file."""
    return Photo(np.ascontiguousarray(pixels), Path(name), "", None, (pixels.shape[1], pixels.shape[0]))


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """RGB (512, 512, 3); the face is near (225, 120), 43 pixels between the eyes."""
    pixels: np.ndarray = skimage.data.astronaut()
    return pixels


@pytest.fixture(scope="session")
def finder() -> Iterator[FaceFinder]:
    with FaceFinder() as finder:
        yield finder


@pytest.fixture(scope="session")
def astronaut_face(astronaut: np.ndarray, finder: FaceFinder) -> Face:
    return finder.main_face(photo_of(astronaut))
