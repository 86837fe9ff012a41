"""DECA's closure term holds for lids and lips that a photo shows, and not for those that are turned away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.face_model.model import FaceModel
from core.fitting.dense import fit_dense
from core.fitting.face_surface import FaceSurface
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.types import Observation
from core.landmark_topology import EYELID_PAIRS_LEFT, EYELID_PAIRS_RIGHT
from tests.core.people import expression, person, photograph

YAW = 1.5
EYES = {"Left": EYELID_PAIRS_LEFT, "Right": EYELID_PAIRS_RIGHT}


@pytest.fixture(scope="module")
def truth(anny: FaceModel) -> ndarray:
    return person(anny, 30, 0.3)


@pytest.fixture(scope="module")
def seen(anny: FaceModel, truth: ndarray) -> Observation:
    """One eye faces the camera, the other lies behind the nose; both are open."""
    return photograph(anny, truth, expression(), yaw=YAW)


@pytest.fixture(scope="module")
def surface(anny: FaceModel) -> FaceSurface:
    return FaceSurface(anny)


def by_distance(seen: Observation) -> tuple[str, str]:
    """The names of the nearer and the farther eye."""
    depth = {name: seen.landmarks[np.array(pairs), 2].mean() for name, pairs in EYES.items()}
    near = min(depth, key=lambda name: depth[name])
    return near, "Left" if near == "Right" else "Right"


def with_lids_shut(seen: Observation, eye: str) -> Observation:
    """The upper lid's landmarks on the lower lid's, as a network may guess of an eye that it hardly sees."""
    landmarks = seen.landmarks.copy()
    upper, lower = np.array(EYES[eye]).T
    landmarks[upper] = landmarks[lower]
    return replace(seen, landmarks=landmarks)


def blink(surface: FaceSurface, truth: ndarray, seen: Observation, eye: str) -> tuple[float, float]:
    """How far both fits close an eye of a known head: by landmarks, and from there by pixels too."""
    coarse = fit_landmarks(surface.model, [seen], identity=truth)
    start = [replace(photo, expression=np.zeros(52)) for photo in coarse.photos]
    fine = fit_dense(surface, [seen], truth, start, iterations=30)
    unit = ARKIT_INDEX[f"eyeBlink{eye}"]
    return float(coarse.photos[0].expression[unit]), float(fine.photos[0].expression[unit])


def test_a_shut_eye_that_faces_the_camera_is_closed(
    surface: FaceSurface, truth: ndarray, seen: Observation
) -> None:
    near, _ = by_distance(seen)
    coarse, fine = blink(surface, truth, with_lids_shut(seen, near), near)
    assert coarse > 0.6 and fine > 0.15


def test_an_eye_that_is_turned_away_is_not_closed_by_landmarks_that_nobody_sees(
    surface: FaceSurface, truth: ndarray, seen: Observation
) -> None:
    _, far = by_distance(seen)
    coarse, fine = blink(surface, truth, with_lids_shut(seen, far), far)
    assert coarse < 0.05 and fine < 0.05
