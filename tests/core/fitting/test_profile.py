"""A person seen from three sides, and a fourth picture from the side whose landmarks nobody finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.capture.faces import Face
from core.capture.headshot import HeadShot
from core.capture.photos import Photo
from core.capture.unmarked import UnmarkedFace
from core.face_model.model import FaceModel
from core.fitting.joining import with_profiles, with_warnings
from core.fitting.profile import Placed, PlacingLimits, outline_apart, place
from core.fitting.types import JoinedProfile, PhotoFit, Profile
from core.scene.camera import portrait_camera
from tests.core.fitting.turned_views import fit_with, spots, views_of
from tests.core.people import SIDE, expression, person, photograph

LIMITS = PlacingLimits()


def profile(model: FaceModel, identity: ndarray, yaw: float, skin: ndarray | None = None) -> UnmarkedFace:
    """What capture makes of a picture from the side; the detector's box is off by a little."""
    skin = spots(model) if skin is None else skin
    seen = photograph(model, identity, expression(), yaw, albedo=skin)
    pixels = (seen.image * 255).round().astype(np.uint8)
    photo = Photo(pixels, Path("side.png"), "0", None, (SIDE, SIDE))
    low, high = seen.landmarks[:, :2].min(axis=0), seen.landmarks[:, :2].max(axis=0)
    return UnmarkedFace(photo, (low + high) / 2.0 + 8, float((high - low).max()), seen.skin, 0.0, 0.0, 1.0)


def placed(model: FaceModel, head: ndarray, face: UnmarkedFace) -> Placed | None:
    """In the picture, with the head's own three views for the others."""
    fit = fit_with(head, model)
    return place(model, fit, views_of(model, head), face, float(fit.photos[0].camera.fx), LIMITS)


def turned_by(fit: PhotoFit, yaw: float) -> float:
    """Degrees from the truth."""
    _, rotation, _ = portrait_camera(SIDE, 0.24, yaw, target=(0.0, -0.03, 0.03))
    return float(np.degrees(Rotation.from_matrix(fit.rotation @ rotation.double().numpy().T).magnitude()))


@pytest.mark.parametrize("yaw", [-1.5, 1.35])
def test_a_profile_is_placed_where_it_was_taken(anny: FaceModel, yaw: float) -> None:
    found = placed(anny, person(anny, 3), profile(anny, person(anny, 3), yaw))
    assert found is not None and found.within(LIMITS)
    assert turned_by(found.posed.fit, yaw) < 3
    truth = photograph(anny, person(anny, 3), expression(), yaw).landmarks
    assert np.linalg.norm(found.landmarks[:, :2] - truth[:, :2], axis=1).max() < 0.03 * SIDE
    fit = fit_with(person(anny, 3), anny)
    assert outline_apart(anny, fit, found.posed.fit, profile(anny, person(anny, 3), yaw)) < 1e-3


def test_a_profile_of_someone_else_is_not(anny: FaceModel) -> None:
    other = profile(anny, person(anny, 9), 1.4, spots(anny)[::-1].copy())
    found = placed(anny, person(anny, 3), other)
    assert found is None or not found.within(LIMITS)


def test_a_wall_is_not_a_head(anny: FaceModel) -> None:
    face = profile(anny, person(anny, 3), 1.4)
    noise = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    wall = replace(face, photo=replace(face.photo, pixels=noise))
    for mask in (np.zeros((SIDE, SIDE), np.float32), cv2.GaussianBlur(noise[..., 0] / 255, (0, 0), 20)):
        nothing = replace(wall, person=mask.astype(np.float32))
        found = placed(anny, person(anny, 3), nothing)
        assert found is None or not found.within(LIMITS)


def test_other_photos_must_show_that_side(anny: FaceModel) -> None:
    head = person(anny, 3)
    fit, views = fit_with(head, anny), views_of(anny, head)
    fit, views = replace(fit, photos=fit.photos[:1]), views[:1]  # the one turned away from it
    face = profile(anny, head, 1.5)
    found = place(anny, fit, views, face, float(fit.photos[0].camera.fx), LIMITS)
    assert found is None or not found.within(LIMITS)


def test_profiles_come_last_or_at_their_own_place(anny: FaceModel) -> None:
    head = person(anny, 3)
    fit, views = fit_with(head, anny), views_of(anny, head)
    face = profile(anny, head, 1.5)

    def joined(number: int | None) -> JoinedProfile:
        own = replace(fit.photos[0], translation=np.full(3, 7.0))
        seen = replace(views[0], crop_left=7.0)
        blank = np.zeros((SIDE, SIDE), np.uint8)
        shot = HeadShot(face.photo.pixels, blank, blank, seen.landmarks, 0.0, 0.0, 1.0)
        shown = Face(seen.landmarks, 1.0, 1.0, 1.0)
        return JoinedProfile(Profile(face, number, None, 1000), own, shown, shot, seen, ("placed",))

    new, seen = with_profiles(fit, views, [joined(None), joined(1)])
    assert [photo.translation[0] == 7 for photo in new.photos] == [False, True, False, True]
    assert [each.crop_left == 7 for each in seen] == [False, True, False, True]
    assert with_warnings([["a"], ["b"], []], [joined(None), joined(1)]) == [["a"], ["placed"], [], ["placed"]]
