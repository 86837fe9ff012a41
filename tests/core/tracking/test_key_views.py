"""Heads with spotted skin, filmed from several sides by landmarks that show too little of a turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.capture.face_crops import FaceCrops
from core.errors import Cancelled
from core.face_model.model import FaceModel
from core.fitting.dense import DenseFit
from core.fitting.types import Observation, PhotoFit
from core.scene.camera import Camera, portrait_camera
from core.tracking.clip_identity import head_points
from core.tracking.head_turn import turns_with_sights
from core.tracking.image_motion import ImageMotion
from core.tracking.key_views import KeyFrames, KeyViews, pose_frames, solve_key_frames
from tests.core.people import SIDE, expression, person, photograph

YAWS = np.array([-0.35, -0.2, -0.05, 0.1, 0.25, 0.4])
CENTRE = (SIDE / 2, SIDE / 2)


def true_poses() -> tuple[ndarray, ndarray, float]:
    """Rotations and translations at ``YAWS``, and the focal length."""
    found = [portrait_camera(SIDE, 0.24, float(yaw), target=(0.0, -0.03, 0.03)) for yaw in YAWS]
    rotation = np.stack([rotation.double().numpy() for _, rotation, _ in found])
    return rotation, np.stack([away.double().numpy() for _, _, away in found]), float(found[0][0].fx)


def off(found: ndarray, true: ndarray) -> ndarray:
    """Rotation vectors, degrees."""
    return Rotation.from_matrix(np.swapaxes(true, -1, -2) @ found).as_rotvec(degrees=True)


def marbled(model: FaceModel) -> ndarray:
    """Skin with light and dark of all sizes from 8 to 60 mm, so that no place looks like its neighbours."""
    rng = np.random.default_rng(0)
    waves = rng.standard_normal((60, 3))
    waves *= 2 * np.pi / np.geomspace(0.008, 0.06, 60)[:, None] / np.linalg.norm(waves, axis=1, keepdims=True)
    tone = np.sin(model.template @ waves.T + rng.uniform(0, 2 * np.pi, 60)).sum(axis=1) / 60**0.5
    return np.array([0.5, 0.33, 0.25]) * (1 + 0.35 * np.clip(tone, -2, 2))[:, None]


@pytest.fixture(scope="module")
def film(anny: FaceModel) -> tuple[list[Observation], FaceCrops]:
    """A person at ``YAWS`` and the crops of their face."""
    skin = marbled(anny)
    seen = [photograph(anny, person(anny, 3), expression(), float(yaw), albedo=skin) for yaw in YAWS]
    crops = FaceCrops(every=1)
    for number, view in enumerate(seen):
        crops.add(number, (255 * view.image).astype(np.uint8), view.landmarks)
    return seen, crops


def shy(anny: FaceModel, gain: float, seen: list[Observation]) -> tuple[list[PhotoFit], list[ndarray]]:
    """Poses of a head that seems to turn less than it does, and its landmarks there."""
    _, translation, focal = true_poses()
    head = head_points(anny, anny.neutral(person(anny, 3).astype(np.float32))).rest
    photos, landmarks = [], []
    for yaw, at, view in zip(YAWS, translation, seen, strict=True):
        _, turned, _ = portrait_camera(SIDE, 0.24, float(gain * yaw), target=(0.0, -0.03, 0.03))
        own = turned.double().numpy()
        photos.append(PhotoFit(Camera.centred(focal, SIDE, SIDE), own, at, expression()))
        points = head @ own.T + at
        flat = points[:, :2] / points[:, 2:] * focal + SIDE / 2
        landmarks.append(np.column_stack([flat, view.landmarks[:, 2]]).astype(np.float32))
    return photos, landmarks


def keys_of(
    anny: FaceModel,
    film: tuple[list[Observation], FaceCrops],
    gain: float,
    known: bool = False,
    progress: Callable[[float], None] = lambda fraction: None,
) -> KeyFrames:
    """Key frames from landmarks of :func:`shy`; of a known head, all that is beyond the template is given."""
    seen, crops = film
    photos, landmarks = shy(anny, gain, seen)
    identity = person(anny, 3)
    start = DenseFit(identity, np.zeros_like(anny.template), photos)
    if known:
        neutral = anny.neutral(identity.astype(np.float32))
        start = DenseFit(np.zeros_like(identity), neutral - anny.template, photos)
    chosen = np.arange(len(YAWS))
    return solve_key_frames(
        anny, crops, chosen, landmarks, (SIDE, SIDE), start, known=known, progress=progress
    )


def test_key_frames_report_what_is_done_and_stop_where_the_report_says_so(
    anny: FaceModel, film: tuple[list[Observation], FaceCrops]
) -> None:
    done: list[float] = []

    def report(fraction: float) -> None:
        done.append(fraction)
        if fraction > 0.6:
            raise Cancelled()

    with pytest.raises(Cancelled):
        keys_of(anny, film, 1.0, progress=report)
    assert len(done) > 6 and done == sorted(done) and done[0] == 0


def test_flow_sees_the_whole_turn_where_landmarks_show_a_part(
    anny: FaceModel, film: tuple[list[Observation], FaceCrops]
) -> None:
    keys = keys_of(anny, film, 0.8)
    assert keys.by_flow and len(keys.crops) == len(YAWS)
    found = Rotation.from_matrix(np.stack([photo.rotation for photo in keys.views.photos]))
    true = Rotation.from_matrix(true_poses()[0])
    span = [np.degrees((each[0].inv() * each[-1]).magnitude()) for each in (found, true)]
    assert span[0] > 0.92 * span[1]  # by the landmarks, four fifths


def test_a_known_head_stays_as_it_is(anny: FaceModel, film: tuple[list[Observation], FaceCrops]) -> None:
    neutral = anny.neutral(person(anny, 3).astype(np.float32))
    keys = keys_of(anny, film, 0.8, known=True)
    np.testing.assert_allclose(keys.views.neutral, neutral, atol=1e-6)
    moved = off(np.stack([photo.rotation for photo in keys.views.photos]), true_poses()[0])
    assert np.abs(moved - moved.mean(axis=0)).max() < 1.2


def test_a_head_that_hardly_turns_is_left_to_one_frame(
    anny: FaceModel, film: tuple[list[Observation], FaceCrops]
) -> None:
    keys = keys_of(anny, film, 0.1)
    assert not keys.by_flow and len(keys.crops) == len(keys.views.photos) == 1
    assert keys.crops[0] in (2, 3)  # the middle of the turn


def test_poses_of_single_frames_are_found_from_landmarks(
    anny: FaceModel, film: tuple[list[Observation], FaceCrops]
) -> None:
    seen, _ = film
    head = head_points(anny, anny.neutral(person(anny, 3).astype(np.float32)))
    rotation, translation, focal = true_poses()
    own = np.stack([view.landmarks for view in seen])
    photos = pose_frames(head, own, [focal] * len(own), (SIDE, SIDE))
    assert np.abs(off(np.stack([photo.rotation for photo in photos]), rotation)).max() < 0.5
    np.testing.assert_allclose([photo.translation for photo in photos], translation, atol=0.01)


@pytest.fixture(scope="module")
def motion(anny: FaceModel, film: tuple[list[Observation], FaceCrops]) -> ImageMotion:
    """Every other frame is a key frame, its pose the true one."""
    rotation, translation, focal = true_poses()
    neutral = anny.neutral(person(anny, 3).astype(np.float32))
    index = np.array([0, 2, 4])
    camera = Camera.centred(focal, SIDE, SIDE)
    photos = [PhotoFit(camera, rotation[i], translation[i], expression()) for i in index]
    return ImageMotion(anny, KeyFrames(index, KeyViews(neutral, photos), by_flow=True), film[1])


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_frame_between_key_frames_is_turned_until_it_looks_right(
    motion: ImageMotion, film: tuple[list[Observation], FaceCrops], number: int
) -> None:
    rotation, translation, focal = true_poses()
    wrong = Rotation.from_euler("xyz", [1.2, -1.2, 0.6], degrees=True).as_matrix()
    about = np.stack([rotation[number] @ wrong] * 3)
    sight = motion.see(
        film[1].crop(number), about, translation[number] + [0.001, -0.001, 0.01], focal, CENTRE
    )
    assert sight.trust > 0.5
    assert np.linalg.norm(off(sight.rotation, rotation[number])) < 0.8  # from 1.8 degrees


def test_what_is_no_face_is_not_trusted(
    motion: ImageMotion, film: tuple[list[Observation], FaceCrops]
) -> None:
    rotation, translation, focal = true_poses()
    noise = np.random.default_rng(0).integers(0, 255, (160, 160), np.uint8)
    crop = replace(film[1].crop(1), grey=noise)
    sight = motion.see(crop, np.stack([rotation[1]] * 3), translation[1], focal, CENTRE)
    assert sight.trust == 0
    np.testing.assert_array_equal(sight.rotation, rotation[1])


def test_light_and_exposure_do_not_turn_the_head(
    motion: ImageMotion, film: tuple[list[Observation], FaceCrops]
) -> None:
    rotation, translation, focal = true_poses()
    crop = film[1].crop(1)
    ramp = np.linspace(0.6, 1.1, 160)[None] * crop.grey
    darker = replace(crop, grey=ramp.clip(0, 255).astype(np.uint8))
    about = np.stack([rotation[1]] * 3)
    turns = [motion.see(one, about, translation[1], focal, CENTRE).rotation for one in (crop, darker)]
    assert np.linalg.norm(off(turns[0], turns[1])) < 0.3


def nodding(frames: int = 120) -> tuple[ndarray, ndarray]:
    """True turns of a head that nods and shakes, and those by landmarks that show four fifths."""
    t = np.arange(frames)
    turn = np.column_stack([0.15 * np.sin(t / 9), 0.4 * np.sin(t / 17), 0.05 * np.sin(t / 13)])
    facing = Rotation.from_matrix(np.diag([1.0, -1.0, -1.0]))
    true, shown = (facing * Rotation.from_rotvec(gain * turn) for gain in (1.0, 0.8))
    return true.as_matrix(), shown.as_matrix()


def test_frames_that_no_picture_tells_of_learn_from_the_others() -> None:
    true, shown = nodding()
    at = np.arange(0, 60, 3)
    found = turns_with_sights(shown, np.zeros(120, int), at, true[at], np.ones(len(at)))
    before, after = (np.linalg.norm(off(each, true), axis=1) for each in (shown, found))
    assert before[80:].mean() > 2.5 and after[80:].mean() < 0.5 * before[80:].mean()
    assert after[:60].max() < 0.6


def test_a_sight_speaks_for_its_neighbours_of_the_same_shot_alone() -> None:
    true, _ = nodding()
    shot = (np.arange(120) >= 60).astype(int)
    at = np.arange(0, 120, 3)
    seen = true[at].copy()
    seen[19] = seen[19] @ Rotation.from_euler("x", 4, degrees=True).as_matrix()  # frame 57
    found = np.linalg.norm(off(turns_with_sights(true, shot, at, seen, np.ones(len(at))), true), axis=1)
    assert found[57] > 3 and found[59] > 2
    assert found[60:].max() < 0.3 and found[:50].max() < 0.3


def test_without_a_trusted_sight_nothing_changes() -> None:
    true, shown = nodding()
    at = np.array([3, 9])
    np.testing.assert_array_equal(
        turns_with_sights(shown, np.zeros(120, int), at, true[at], np.zeros(2)), shown
    )
