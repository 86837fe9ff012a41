"""Photos of one camera share a lens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray

from core.face_model.model import FaceModel
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.lens import photos_of_one_camera, shared_lenses
from core.fitting.types import Observation
from tests.core.people import expression, person, photograph


@pytest.fixture(scope="module")
def truth(anny: FaceModel) -> ndarray:
    return person(anny, 40)


@pytest.fixture(scope="module")
def seen(anny: FaceModel, truth: ndarray) -> list[Observation]:
    yaws = (0.0, 0.6, -0.6)
    photos = [photograph(anny, truth, expression(), yaw=yaw, noise=0.01) for yaw in yaws]
    return [replace(photo, focal=None) for photo in photos]


def test_size_and_what_files_tell_say_which_photos_share_a_camera(seen: list[Observation]) -> None:
    first, second, third = seen
    assert photos_of_one_camera(seen) == [(0, 1, 2)]
    upright = replace(second, width=first.height, height=first.width)
    assert photos_of_one_camera([first, upright]) == [(0, 1)]
    assert photos_of_one_camera([first, replace(second, width=first.width + 1)]) == []
    told = [replace(first, focal=1000.0), replace(second, focal=1010.0), replace(third, focal=2000.0)]
    assert photos_of_one_camera(told) == [(0, 1)]
    assert photos_of_one_camera([first, replace(second, focal=1000.0)]) == []


def test_a_shared_lens_starts_from_the_photos_median(seen: list[Observation]) -> None:
    assert shared_lenses(seen[:1], [(7.0, 0.25)]) == []
    (lens,) = shared_lenses(seen, [(7.0, 0.25), (7.2, 0.1), (8.0, 0.25)])
    assert lens.prior == (7.2, 0.1) and lens.log_focal == 7.2


def test_photos_of_one_camera_come_out_with_one_lens(anny: FaceModel, seen: list[Observation]) -> None:
    """A face that fills more of its photo is taken for one seen through a longer lens, if for itself."""
    near = seen[1].landmarks.copy()
    centre = np.array([seen[1].width / 2, seen[1].height / 2], np.float32)
    near[:, :2] = centre + 2.0 * (near[:, :2] - centre)
    near[:, 2] *= 2.0
    together = [seen[0], replace(seen[1], landmarks=near)]
    apart = [seen[0], replace(together[1], width=seen[1].width + 2, height=seen[1].height + 2)]
    assert photos_of_one_camera(apart) == []
    difference = [
        np.ptp(np.log([float(photo.camera.fx) for photo in fit_landmarks(anny, some).photos]))
        for some in (together, apart)
    ]
    assert difference[0] < 0.05 and difference[1] > 0.3
