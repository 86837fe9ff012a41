"""Beliefs of networks pull the fits as far as their precision, and no belief leaves them as they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_INDEX
from core.errors import BadInput
from core.face_model.model import FaceModel
from core.fitting.dense import DenseFit, fit_dense
from core.fitting.face_belief import FaceBelief, PhotoBelief, believed, forgetting, with_closed_bites
from core.fitting.face_surface import FaceSurface, face_weight, sample_face
from core.fitting.flow_fit import TrackWeights, fit_tracks
from core.fitting.landmark_solver import LandmarkFit, fit_landmarks
from core.fitting.types import Observation
from core.fitting.view_flow import Tracks
from core.geometry.alignment import align_similarity
from tests.core.people import expression, person, photograph

SMILE = [ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["mouthSmileRight"]]


@pytest.fixture(scope="module")
def truth(anny: FaceModel) -> ndarray:
    return person(anny, 20)


@pytest.fixture(scope="module")
def seen(anny: FaceModel, truth: ndarray) -> Observation:
    smiling = expression(mouthSmileLeft=0.6, mouthSmileRight=0.6)
    return photograph(anny, truth, smiling, yaw=0.2, noise=0.02)


@pytest.fixture(scope="module")
def alone(anny: FaceModel, seen: Observation) -> LandmarkFit:
    """The fit without any belief."""
    return fit_landmarks(anny, [seen])


@pytest.fixture(scope="module")
def surface(anny: FaceModel) -> FaceSurface:
    return FaceSurface(anny)


def about_expression(value: float, std: float) -> FaceBelief:
    """That both corners of the mouth are raised so far."""
    mean, stds = np.zeros((1, 52)), np.full((1, 52), np.inf)
    mean[:, SMILE], stds[:, SMILE] = value, std
    return FaceBelief(expression=mean, expression_std=stds)


def about_rotation(rotation: ndarray, std: float) -> FaceBelief:
    return FaceBelief(rotation=rotation[None], rotation_std=np.full((1, 3), std))


def degrees_apart(a: ndarray, b: ndarray) -> float:
    return float(np.degrees(Rotation.from_matrix(a @ b.T).magnitude()))


def face_error(model: FaceModel, identity: ndarray, truth: ndarray) -> float:
    """Mean distance of the face's vertices in metres, after alignment."""
    weight = face_weight(model).astype(np.float64)
    own, found = (model.neutral(code.astype(np.float32)).astype(np.float64) for code in (truth, identity))
    scale, turn, shift = align_similarity(found, own, weight)
    return float(np.linalg.norm(scale * found @ turn.T + shift - own, axis=1)[weight > 0.5].mean())


def test_what_is_not_believed_is_the_prior() -> None:
    mean, precision = FaceBelief(np.array([0.5, -1.0, 3.0]), np.array([0.5, 0.1, 2.0])).identity_prior(5, 1.0)
    np.testing.assert_allclose(mean, [0.5 * 3 / 4, -1 * 99 / 100, 0, 0, 0])  # (D b) / (1 + D), D = 1/σ² - 1
    np.testing.assert_allclose(
        precision, np.diag([4, 100, 1, 1, 1])
    )  # a deviation of 2 knows no less than the prior
    mean, precision = FaceBelief().identity_prior(3, 1.0)
    np.testing.assert_array_equal(mean, [0, 0, 0])
    np.testing.assert_array_equal(precision, np.eye(3))
    shorter, _ = FaceBelief(np.ones(4), np.ones(4)).identity_prior(2, 1.0)
    assert shorter.shape == (2,)


def test_a_belief_about_other_photos_is_refused(anny: FaceModel, seen: Observation) -> None:
    with pytest.raises(BadInput, match="1 photos was given for 2"):
        fit_landmarks(anny, [seen, seen], belief=about_expression(0.5, 0.1))


def test_the_surer_the_belief_the_less_sparsity() -> None:
    kept = [
        PhotoBelief(np.zeros(52), np.full(52, std), np.eye(3), np.full(3, np.inf)).sparsity[0]
        for std in (1e-3, 0.05, 0.2, 0.5, np.inf)
    ]
    assert (np.diff(kept) > 0).all()
    assert kept[0] < 0.01 and kept[2] == pytest.approx(0.5) and kept[4] == 1


def test_no_belief_and_a_belief_of_nothing_are_the_same_to_the_last_bit(
    anny: FaceModel, seen: Observation, surface: FaceSurface, alone: LandmarkFit
) -> None:
    nothing = FaceBelief(
        np.zeros(120), np.ones(120), np.zeros((1, 52)), np.full((1, 52), np.inf),
        np.eye(3)[None], np.full((1, 3), np.inf),
    )  # fmt: skip
    coarse = fit_landmarks(anny, [seen], belief=nothing)
    np.testing.assert_array_equal(coarse.identity, alone.identity)
    np.testing.assert_array_equal(coarse.photos[0].rotation, alone.photos[0].rotation)
    fits = [
        fit_dense(surface, [seen], alone.identity, alone.photos, belief=belief, iterations=6)
        for belief in (None, nothing)
    ]
    np.testing.assert_array_equal(fits[0].identity, fits[1].identity)
    np.testing.assert_array_equal(fits[0].photos[0].expression, fits[1].photos[0].expression)


@pytest.mark.parametrize("std", [0.2, 0.5])
def test_a_fit_with_a_belief_beats_both_the_belief_and_the_fit_alone(anny: FaceModel, std: float) -> None:
    """On the mean of three people, whose belief is as far off as it says."""
    errors = []
    for seed in range(20, 23):
        truth = person(anny, seed, 1.0)
        seen = [photograph(anny, truth, expression(mouthSmileLeft=0.6), yaw=0.2, noise=0.02)]
        off = std * np.sqrt(1 - std**2) * np.random.default_rng(seed).standard_normal(len(truth))
        mean = truth * (1 - std**2) + off
        both = fit_landmarks(anny, seen, belief=FaceBelief(mean, np.full(len(truth), std)))
        codes = mean, fit_landmarks(anny, seen).identity, both.identity
        errors.append([face_error(anny, code, truth) for code in codes])
    of_belief, of_fit, of_both = np.mean(errors, axis=0)
    assert of_both < 0.97 * min(of_belief, of_fit)


def test_a_sure_identity_is_kept_and_a_vague_one_is_not(
    anny: FaceModel, seen: Observation, alone: LandmarkFit
) -> None:
    prior_mean = person(anny, 21)
    firm, vague = (
        fit_landmarks(anny, [seen], belief=FaceBelief(prior_mean, np.full(len(prior_mean), std))).identity
        for std in (0.01, 0.95)
    )
    assert np.abs(firm - prior_mean).max() < 0.05
    assert np.linalg.norm(vague - prior_mean) > 10 * np.linalg.norm(firm - prior_mean)


def test_a_believed_smile_is_not_flattened_by_sparsity(
    anny: FaceModel, seen: Observation, alone: LandmarkFit
) -> None:
    fit = fit_landmarks(anny, [seen], belief=about_expression(0.6, 0.05))
    assert np.abs(fit.photos[0].expression[SMILE] - 0.6).max() < 0.05
    assert alone.photos[0].expression[SMILE].mean() < 0.55
    doubtful = fit_landmarks(anny, [seen], belief=about_expression(0.0, 0.05)).photos[0].expression[SMILE]
    assert doubtful.mean() < alone.photos[0].expression[SMILE].mean()
    assert fit.photos[0].expression.min() >= 0 and fit.photos[0].expression.max() <= 1


def test_only_a_belief_shows_the_tongue(anny: FaceModel, seen: Observation, surface: FaceSurface) -> None:
    mean, stds = np.zeros((1, 52)), np.full((1, 52), np.inf)
    mean[0, ARKIT_INDEX["tongueOut"]], stds[0, ARKIT_INDEX["tongueOut"]] = 0.7, 0.1
    belief = FaceBelief(expression=mean, expression_std=stds)
    coarse = fit_landmarks(anny, [seen], belief=belief)
    fine = fit_dense(surface, [seen], coarse.identity, coarse.photos, belief=belief, iterations=3)
    for fit in (coarse, fine):
        assert fit.photos[0].expression[ARKIT_INDEX["tongueOut"]] == pytest.approx(0.7)


def test_a_believed_rotation_pulls_as_far_as_it_is_sure(
    anny: FaceModel, seen: Observation, alone: LandmarkFit
) -> None:
    start = alone.photos[0].rotation
    prior_mean = Rotation.from_rotvec([0.1, -0.05, 0.03]).as_matrix() @ start
    away = [
        degrees_apart(
            fit_landmarks(anny, [seen], belief=about_rotation(prior_mean, std)).photos[0].rotation, prior_mean
        )
        for std in (0.001, 0.03, 3.0)
    ]
    assert away[0] < 0.3
    assert away[0] < away[1] < away[2]
    assert away[2] == pytest.approx(degrees_apart(start, prior_mean), abs=0.2)


def test_the_dense_fit_keeps_to_beliefs_too(
    anny: FaceModel, seen: Observation, surface: FaceSurface, alone: LandmarkFit
) -> None:
    prior_mean = Rotation.from_rotvec([0.04, 0.0, 0.0]).as_matrix() @ alone.photos[0].rotation
    identity = person(anny, 21)
    belief = FaceBelief(
        identity, np.full(len(identity), 0.05), *vars_of(about_expression(1.0, 0.02)),
        prior_mean[None], np.full((1, 3), 0.002),
    )  # fmt: skip
    free, held = (
        fit_dense(surface, [seen], alone.identity, alone.photos, belief=each, iterations=60)
        for each in (None, belief)
    )
    assert np.linalg.norm(held.identity - identity) < 0.7 * np.linalg.norm(free.identity - identity)
    assert held.photos[0].expression[SMILE].mean() > free.photos[0].expression[SMILE].mean() + 0.1
    assert degrees_apart(held.photos[0].rotation, prior_mean) < 0.5 * degrees_apart(
        free.photos[0].rotation, prior_mean
    )


def vars_of(belief: FaceBelief) -> tuple[ndarray | None, ndarray | None]:
    return belief.expression, belief.expression_std


def test_tracks_that_say_nothing_leave_the_belief(
    anny: FaceModel, seen: Observation, alone: LandmarkFit
) -> None:
    points = sample_face(anny, 50)
    silent = Tracks(np.zeros((50, 2)), np.zeros(50), np.zeros((50, 2)))
    start = DenseFit(alone.identity, np.zeros((anny.vertex_count, 3), np.float32), alone.photos)
    prior_mean = person(anny, 22)
    belief = FaceBelief(prior_mean, np.full(len(prior_mean), 0.02))
    found = fit_tracks(anny, [seen], points, [silent], start, TrackWeights(noise=1.0), belief=belief)
    assert np.abs(found.identity - prior_mean).max() < 0.05


@dataclass
class _Reading:
    identity: ndarray
    identity_std: ndarray | None
    expression: ndarray
    expression_std: ndarray | None
    rotation: ndarray
    rotation_std: ndarray | None


def test_readings_become_a_belief_and_gaps_say_nothing() -> None:
    turned = Rotation.from_euler("y", 0.3).as_matrix().astype(np.float32)
    firm, half = np.full(52, 0.1, np.float32), np.full(52, 0.5, np.float32)
    whole = _Reading(np.zeros(3), np.ones(3), half, firm, turned, np.full(3, 0.02))
    silent = _Reading(np.zeros(3), None, half, None, turned, None)
    belief = believed([whole, None, silent], (np.full(3, 0.4), np.full(3, 0.5)))
    first, *others = belief.photos(3)
    np.testing.assert_allclose(first.expression, 0.5)
    np.testing.assert_allclose(first.expression_precision, 100, rtol=1e-5)
    assert first.knows_rotation and np.allclose(first.turn(turned), 0, atol=1e-5)
    for other in others:
        assert not other.expression_precision.any() and not other.knows_rotation
        assert not other.rotation_precision.any()
    np.testing.assert_allclose(belief.identity_prior(3, 1.0)[1], 4 * np.eye(3))
    assert believed([None], None).identity is None


def test_photos_whose_teeth_meet_are_believed_to_have_a_closed_jaw() -> None:
    jaw = ARKIT_INDEX["jawOpen"]
    told = about_expression(0.5, 0.1)
    assert with_closed_bites(told, [False]) is told
    belief = with_closed_bites(FaceBelief(identity=np.ones(3)), [True, False])
    assert belief.identity is not None and belief.identity.sum() == 3
    first, second = belief.photos(2)
    assert first.expression[jaw] < 0.1 and first.expression_std[jaw] < 0.1
    assert np.isinf(np.delete(first.expression_std, jaw)).all()
    assert np.isinf(second.expression_std).all()
    both = with_closed_bites(told, [True])
    assert both.photos(1)[0].expression[SMILE] == pytest.approx(0.5)


def test_a_smile_over_closed_teeth_is_fitted_by_lips_and_not_by_the_jaw(
    anny: FaceModel, truth: ndarray
) -> None:
    lips = {f"{unit}{side}": 0.6 for unit in ("mouthUpperUp", "mouthLowerDown") for side in ("Left", "Right")}
    seen = photograph(anny, truth, expression(mouthSmileLeft=0.6, mouthSmileRight=0.6, **lips), noise=0.01)
    jaw, raised = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthUpperUpLeft"]
    untold, told = (
        fit_landmarks(anny, [seen], belief=with_closed_bites(FaceBelief(), [meet])).photos[0].expression
        for meet in (False, True)
    )
    assert told[jaw] < 0.08 and told[jaw] < untold[jaw]
    assert told[raised] > untold[raised]


def test_photos_can_be_forgotten_and_added() -> None:
    mean, std = np.full((3, 52), 0.4), np.full((3, 52), 0.1)
    told = forgetting(FaceBelief(expression=mean, expression_std=std), [1], count=3, added=2)
    known = [bool(np.isfinite(photo.expression_std).all()) for photo in told.photos(5)]
    assert known == [True, False, True, False, False]
    assert not any(photo.knows_rotation for photo in told.photos(5))
