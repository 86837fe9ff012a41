"""Photos of one camera share a lens."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from numpy import ndarray

from core.face_model.model import FaceModel
from core.fitting.dense import fit_dense
from core.fitting.face_surface import FaceSurface
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.lens import (
    assumed_lens,
    believable,
    origins,
    photos_of_one_camera,
    shared_lenses,
    told_lens,
)
from core.fitting.types import LensOrigin, Observation
from tests.core.people import SIDE, expression, person, photograph


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


def test_a_photo_that_tells_no_lens_belongs_to_those_of_its_size_if_they_agree(
    seen: list[Observation],
) -> None:
    first, second, third = seen
    some = [first, replace(second, focal=1000.0), replace(third, focal=1010.0)]
    assert photos_of_one_camera(some) == [(0, 1, 2)]
    assert origins(some) == [LensOrigin("exif", 1), LensOrigin("exif"), LensOrigin("exif")]
    apart = [first, replace(second, focal=1000.0), replace(third, focal=2000.0), first]
    assert photos_of_one_camera(apart) == [(0, 3)]
    assert origins(apart)[::3] == [LensOrigin("assumed"), LensOrigin("assumed", 0)]
    (lens,) = shared_lenses(some, [told_lens(photo) or (7.5, 0.3) for photo in some])
    assert lens.prior == (pytest.approx(np.log(1005), abs=1e-3), 0.03)
    assert lens.ties[0] > 2 * lens.ties[1]


def test_an_assumed_lens_lies_between_the_usual_lens_and_the_usual_distance() -> None:
    near, far = (assumed_lens(4000, 3000, scale) for scale in (2000.0, 8000.0))
    assert near[1] == far[1] == pytest.approx(0.37, abs=0.01)
    # a face four times as large: a longer lens and a camera nearer by
    longer = np.exp(far[0] - near[0])
    assert 1.5 < longer < 4
    assert assumed_lens(8000, 6000, 4000.0)[0] - near[0] == pytest.approx(np.log(2))
    portrait = np.exp(near[0]) / 2000.0
    assert 0.8 < portrait < 2.5  # metres


def test_a_focal_length_that_puts_the_camera_into_the_face_is_not_believed(seen: list[Observation]) -> None:
    true = 10.0 * seen[0].eye_distance  # 88 cm
    kept, warnings = believable([replace(seen[0], focal=focal) for focal in (true, true / 5)])
    assert [photo.focal for photo in kept] == [true, None]
    assert warnings[0] == [] and "18 cm" in warnings[1][0] and "--focal" in warnings[1][0]
    (kept_given,), (said,) = believable([replace(seen[0], focal=true / 5, focal_from="given")])
    assert kept_given.focal == true / 5 and "given" in said[0]


@pytest.mark.parametrize(("who", "most"), [("given", 0.02), ("exif", 0.06)])
@pytest.mark.parametrize("wrong", [0.6, 1.7])
def test_what_is_told_binds_however_much_the_face_asks_for_another(
    anny: FaceModel, seen: list[Observation], who: Literal["given", "exif"], most: float, wrong: float
) -> None:
    """The photos were taken with another lens than is told, and their perspective says so."""
    told = wrong * float(SIDE / 2 / np.tan(0.12))
    photos = [replace(photo, focal=told, focal_from=who) for photo in seen]
    coarse = fit_landmarks(anny, photos)
    fine = fit_dense(FaceSurface(anny), photos, coarse.identity, coarse.photos, iterations=60)
    for stage in (coarse.photos, fine.photos):
        assert np.abs(np.log([float(photo.camera.fx) / told for photo in stage])).max() < most


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
