"""A broad smile is told from an open jaw, on a real photo of one and on what is painted into it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy import ndarray

from core.capture.faces import FaceFinder
from core.capture.teeth import teeth_meet
from tests.core.capture.conftest import photo_of

UPPER = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308]
LOWER = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]
CAVITY = (30, 10, 10)


@pytest.fixture(scope="module")
def landmarks(astronaut: ndarray, finder: FaceFinder) -> ndarray:
    return finder.main_face(photo_of(astronaut)).landmarks


def opened(picture: ndarray, landmarks: ndarray, share: float) -> ndarray:
    """The picture with the lower share of what is between the lips painted dark."""
    top, bottom = landmarks[UPPER, :2], landmarks[LOWER, :2]
    edge = bottom + (top - bottom) * share
    painted = picture.copy()
    cv2.fillPoly(painted, [np.concatenate([edge, bottom[::-1]]).round().astype(np.int32)], CAVITY)
    return painted


def test_a_broad_smile_shows_teeth_that_meet(astronaut: ndarray, landmarks: ndarray) -> None:
    assert teeth_meet(astronaut, landmarks)


def test_a_gap_below_the_teeth_is_an_open_jaw(astronaut: ndarray, landmarks: ndarray) -> None:
    assert not teeth_meet(opened(astronaut, landmarks, 0.6), landmarks)
    assert not teeth_meet(opened(astronaut, landmarks, 1.0), landmarks)


def test_closed_lips_say_nothing(astronaut: ndarray, landmarks: ndarray) -> None:
    closed = landmarks.copy()
    closed[LOWER] = closed[UPPER]
    assert not teeth_meet(astronaut, closed)


def test_turns_sizes_and_mirror_images_do_not_matter(astronaut: ndarray, landmarks: ndarray) -> None:
    height, width = astronaut.shape[:2]
    turned = np.stack([height - landmarks[:, 1], landmarks[:, 0], landmarks[:, 2]], axis=1)
    assert teeth_meet(np.ascontiguousarray(np.rot90(astronaut, -1)), turned)
    large = cv2.resize(astronaut, (3 * width, 3 * height), interpolation=cv2.INTER_CUBIC)
    assert teeth_meet(large, 3 * landmarks)
    assert not teeth_meet(opened(large, 3 * landmarks, 0.6), 3 * landmarks)
    small = cv2.resize(astronaut, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    assert teeth_meet(small, landmarks / 2)


def test_grey_and_dark_photos_are_read_too(astronaut: ndarray, landmarks: ndarray) -> None:
    dark = (astronaut * 0.4).astype(np.uint8)
    assert teeth_meet(dark, landmarks)
    grey = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    assert not teeth_meet(opened(grey, landmarks, 0.6), landmarks)


def test_a_face_at_the_border_or_in_profile_is_no_error(astronaut: ndarray, landmarks: ndarray) -> None:
    assert not teeth_meet(astronaut, landmarks - np.array([5000, 0, 0], np.float32))
    profile = landmarks * np.array([0.02, 1, 1], np.float32)
    assert not teeth_meet(astronaut, profile)
