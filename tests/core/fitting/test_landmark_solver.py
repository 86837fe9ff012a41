from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_INDEX, EXCLUSIVE_PAIRS
from core.face_model.model import FaceModel
from core.fitting.landmark_solver import LandmarkWeights, fit_landmarks
from core.scene.camera import head_rotation
from tests.core.people import expression, person, photograph

SHARP = LandmarkWeights(noise=0.01, sparsity=0.3, ridge=0.01)  # landmarks without noise may be believed


def test_a_wink_and_an_open_jaw_are_read_from_exact_landmarks(anny: FaceModel) -> None:
    truth = expression(jawOpen=0.5, eyeBlinkLeft=0.8)
    fit = fit_landmarks(anny, [photograph(anny, person(anny, 0, 0.3), truth)], SHARP)
    found = fit.photos[0].expression
    assert found[ARKIT_INDEX["jawOpen"]] == pytest.approx(0.5, abs=0.15)
    assert found[ARKIT_INDEX["eyeBlinkLeft"]] > found[ARKIT_INDEX["eyeBlinkRight"]] + 0.4


def test_pose_is_recovered(anny: FaceModel) -> None:
    fit = fit_landmarks(anny, [photograph(anny, person(anny, 1, 0.3), expression(), yaw=0.5)])
    off = Rotation.from_matrix(fit.photos[0].rotation @ head_rotation(0.5).numpy().T).magnitude()
    assert np.degrees(off) < 3.0
    assert fit.photos[0].translation[2] == pytest.approx(1.0, rel=0.15)


def test_three_photos_know_the_person_better_than_the_mean_head_does(anny: FaceModel) -> None:
    truth = person(anny, 2)
    views = [
        photograph(anny, truth, expression(mouthSmileLeft=0.1 * k), yaw)
        for k, yaw in enumerate((-0.5, 0.0, 0.5))
    ]
    fit = fit_landmarks(anny, views, SHARP)
    own = anny.landmarks(anny.neutral(truth.astype(np.float32)))
    found = anny.landmarks(anny.neutral(fit.identity.astype(np.float32)))
    mean = anny.landmarks(anny.template)
    assert np.linalg.norm(found - own, axis=1).mean() < 0.5 * np.linalg.norm(mean - own, axis=1).mean()


def test_coefficients_stay_in_range_and_the_tongue_stays_in(anny: FaceModel) -> None:
    fit = fit_landmarks(anny, [photograph(anny, person(anny, 3), expression(jawOpen=1.0), noise=0.03)])
    found = fit.photos[0].expression
    assert found.min() >= 0 and found.max() <= 1
    assert found[ARKIT_INDEX["tongueOut"]] == 0


def test_a_neutral_face_stays_neutral_under_noise(anny: FaceModel) -> None:
    fit = fit_landmarks(anny, [photograph(anny, person(anny, 4, 0.4), expression(), noise=0.01)])
    assert fit.photos[0].expression.max() < 0.2


def test_exclusive_units_do_not_appear_together(anny: FaceModel) -> None:
    seen = photograph(anny, person(anny, 5), expression(jawOpen=0.4, mouthSmileLeft=0.6), noise=0.02)
    loose, held = (
        fit_landmarks(anny, [seen], LandmarkWeights(exclusive=weight)).photos[0].expression
        for weight in (0.0, 300.0)
    )
    pairs = np.array([[ARKIT_INDEX[a], ARKIT_INDEX[b]] for a, b in EXCLUSIVE_PAIRS])
    assert held[pairs].min(axis=1).sum() <= loose[pairs].min(axis=1).sum()
    assert held[pairs].min(axis=1).max() < 0.1


def test_a_held_identity_is_kept(anny: FaceModel) -> None:
    truth = person(anny, 6)
    fit = fit_landmarks(anny, [photograph(anny, truth, expression(jawOpen=0.3))], identity=truth)
    assert np.array_equal(fit.identity, truth)
    assert fit.photos[0].landmark_error < 0.02


def test_an_unknown_lens_is_taken_for_a_crop_rather_than_a_close_camera(anny: FaceModel) -> None:
    seen = photograph(anny, person(anny, 7, 0.2), expression(), known_lens=False)
    assert fit_landmarks(anny, [seen]).photos[0].translation[2] > 0.7
