from __future__ import annotations

import numpy as np
import pytest
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_INDEX, EXCLUSIVE_PAIRS
from core.face_model.model import FaceModel
from core.scene.camera import head_rotation
from core.tracking.bounded import solve_bounded
from core.tracking.clip_identity import estimate_identity, head_points, spread_frames, with_habit
from core.tracking.gaze import eye_turns, gaze_of
from core.tracking.performance import HeadPoints, Performance, PerformanceSolver, PerformanceWeights
from tests.core.people import expression, person

FOCAL, SIZE = 1400.0, (1280, 720)
CENTRE = (640.0, 360.0)
SHARP = PerformanceWeights(noise=0.01, sparsity=0.1, ridge=0.01)


def film(
    head: HeadPoints, coefficients: ndarray, yaw: ndarray, noise: float = 0.0, seed: int = 0
) -> tuple[ndarray, ndarray]:
    """Landmarks (frames, 478, 3) in pixels as an ideal camera sees them, and the true rotations."""
    rotation = np.stack([head_rotation(float(angle), 0.1, -0.05).numpy() for angle in yaw]).astype(float)
    points = head.rest + np.tensordot(coefficients, head.units, axes=1)
    in_camera = points @ rotation.transpose(0, 2, 1) + np.array([0.02, -0.01, 0.9])
    pixels = in_camera[..., :2] / in_camera[..., 2:] * FOCAL + np.array(CENTRE)
    depth = (in_camera[..., 2:] - in_camera[..., 2:].mean(axis=1, keepdims=True)) * FOCAL / 0.9
    landmarks = np.concatenate([pixels, depth], axis=-1)
    eyes = np.linalg.norm(landmarks[:, 33] - landmarks[:, 263], axis=1)[:, None, None]
    landmarks += noise * eyes * np.random.default_rng(seed).standard_normal(landmarks.shape)
    return landmarks.astype(np.float32), rotation


@pytest.fixture(scope="module")
def head(anny: FaceModel) -> HeadPoints:
    return head_points(anny, anny.neutral(person(anny, 11, 0.5).astype(np.float32)))


def talk(frames: int) -> ndarray:
    """A jaw that opens and shuts, a smile that comes and two blinks."""
    t = np.linspace(0, 1, frames)[:, None]
    mouth = np.concatenate([0.4 + 0.4 * np.sin(9 * t), 0.6 * t], axis=1)
    blink = np.exp(-(((t - 0.3) / 0.03) ** 2)) + np.exp(-(((t - 0.7) / 0.03) ** 2))
    rows = []
    for (jaw, smile), lids in zip(mouth, blink[:, 0], strict=True):
        rows.append(
            expression(
                jawOpen=jaw,
                mouthSmileLeft=smile,
                mouthSmileRight=smile,
                eyeBlinkLeft=lids,
                eyeBlinkRight=lids,
            )
        )
    return np.stack(rows)


def test_an_ideal_performance_is_read_back(head: HeadPoints) -> None:
    truth = talk(40)
    landmarks, rotation = film(head, truth, np.linspace(-0.4, 0.4, 40))
    found = PerformanceSolver(head, SHARP).solve(landmarks, FOCAL, CENTRE)
    assert np.abs(found.coefficients - truth).mean() < 0.02
    turned = Rotation.from_matrix(found.rotation @ rotation.transpose(0, 2, 1)).magnitude()
    assert np.degrees(turned).max() < 0.5
    np.testing.assert_allclose(found.translation, np.tile([0.02, -0.01, 0.9], (40, 1)), atol=0.01)
    assert found.error.max() < 0.005


def test_frames_do_not_depend_on_each_other(head: HeadPoints) -> None:
    landmarks, _ = film(head, talk(70), np.linspace(-0.3, 0.3, 70), noise=0.01)
    solver = PerformanceSolver(head)
    together = solver.solve(landmarks, FOCAL, CENTRE)
    alone = solver.solve(landmarks[66:67], FOCAL, CENTRE)
    np.testing.assert_allclose(alone.coefficients[0], together.coefficients[66], atol=2e-3)


def test_coefficients_stay_in_range_under_heavy_noise(head: HeadPoints) -> None:
    landmarks, _ = film(head, talk(20), np.linspace(-0.8, 0.8, 20), noise=0.08)
    found = PerformanceSolver(head).solve(landmarks, FOCAL, CENTRE).coefficients
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
    assert (found[:, ARKIT_INDEX["tongueOut"]] == 0).all()


def test_exclusive_units_are_kept_apart(head: HeadPoints) -> None:
    landmarks, _ = film(head, talk(30), np.zeros(30), noise=0.03)
    together = []
    for weight in (0.0, 100.0):
        found = PerformanceSolver(head, PerformanceWeights(exclusive=weight)).solve(landmarks, FOCAL, CENTRE)
        pairs = [[ARKIT_INDEX[a], ARKIT_INDEX[b]] for a, b in EXCLUSIVE_PAIRS]
        together.append(found.coefficients[:, pairs].min(axis=-1).sum())
    assert together[1] < 0.5 * together[0]


def test_a_sure_belief_is_followed_and_a_vague_one_is_not(head: HeadPoints) -> None:
    landmarks, _ = film(head, np.zeros((5, 52)), np.zeros(5))
    wish = np.tile(expression(cheekPuff=0.7), (5, 1))
    solver = PerformanceSolver(head)
    firm = solver.solve(landmarks, FOCAL, CENTRE, (wish, np.full((5, 52), 1e-3)))
    vague = solver.solve(landmarks, FOCAL, CENTRE, (wish, np.full((5, 52), 1e3)))
    puff = ARKIT_INDEX["cheekPuff"]
    assert firm.coefficients[:, puff].min() > 0.65 and vague.coefficients[:, puff].max() < 0.2


def test_a_habit_of_the_landmark_network_does_not_become_an_expression(head: HeadPoints) -> None:
    """The network puts this person's lower lip and brows 1.5 mm off, in every frame."""
    odd = head.rest.copy()
    odd[[14, 17, 84, 314, 87, 317], 1] -= 0.0015
    odd[[105, 334, 66, 296, 63, 293], 1] += 0.0015
    truth = talk(60)
    landmarks, _ = film(HeadPoints(odd, head.units, head.normals), truth, np.linspace(-0.5, 0.5, 60))
    plain = PerformanceSolver(head).solve(landmarks, FOCAL, CENTRE)
    taught = PerformanceSolver(with_habit(head, plain, FOCAL)).solve(landmarks, FOCAL, CENTRE)
    before, after = (np.abs(found.coefficients - truth).mean() for found in (plain, taught))
    assert after < before


def test_frames_are_chosen_over_the_whole_turn_of_the_head(head: HeadPoints) -> None:
    yaw = np.concatenate([np.zeros(200), np.linspace(0, 0.7, 20)])
    landmarks, _ = film(head, np.zeros((220, 52)), yaw, noise=0.001)
    chosen = yaw[spread_frames(landmarks, 9)]
    assert len(chosen) == 9 and chosen.max() > 0.4
    assert len(spread_frames(landmarks[:3], 9)) == 3


def test_the_identity_of_a_clip_is_nearer_than_the_mean_head(anny: FaceModel) -> None:
    own = head_points(anny, anny.neutral(person(anny, 12).astype(np.float32)))
    landmarks, _ = film(own, talk(120), 0.6 * np.sin(np.arange(120) / 9))
    fit = estimate_identity(anny, list(landmarks[spread_frames(landmarks)]), SIZE)
    found = head_points(anny, anny.neutral(fit.identity.astype(np.float32)))
    mean = head_points(anny)

    def off(points: ndarray) -> float:
        centred = points - points.mean(axis=0)
        true = own.rest - own.rest.mean(axis=0)
        scale = (centred * true).sum() / (centred**2).sum()
        return float(np.linalg.norm(scale * centred - true, axis=1).mean())

    assert off(found.rest) < 0.7 * off(mean.rest)


def test_eyes_turn_the_way_the_units_say(anny: FaceModel) -> None:
    turns = eye_turns(anny)
    assert (turns > np.radians(3)).all() and (turns < np.radians(60)).all()
    looks = np.stack(
        [
            expression(eyeLookOutLeft=1.0, eyeLookInRight=1.0),
            expression(eyeLookDownLeft=0.5, eyeLookDownRight=0.5),
            expression(),
        ]
    ).astype(np.float32)
    left, down, rest = gaze_of(looks, turns)
    assert (left[:, 0] > 0).all() and np.abs(left[:, 1]).max() < 1e-6
    assert (down[:, 1] > 0).all() and not rest.any()


def test_bounded_problems_meet_their_conditions() -> None:
    rng = np.random.default_rng(0)
    A = rng.standard_normal((7, 20, 9))
    H, g = A.transpose(0, 2, 1) @ A + np.eye(9), 5 * rng.standard_normal((7, 9))
    low, high = np.full((7, 9), -0.1), np.full((7, 9), 0.2)
    x = solve_bounded(H, g, low, high)
    slope = np.einsum("pij,pj->pi", H, x) + g
    inside = (x > low) & (x < high)
    assert inside.any() and not inside.all()
    assert np.abs(slope[inside]).max() < 0.05  # no slope inside the bounds; at a bound it points outwards
    assert (slope[x <= low] > -0.05).all() and (slope[x >= high] < 0.05).all()


def test_an_empty_residual_is_the_default() -> None:
    nothing = Performance(np.eye(3)[None], np.zeros((1, 3)), np.zeros((1, 52)), np.zeros(1))
    assert nothing.residual.shape == (0, 478, 2)
