from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from numpy import ndarray

from core.face_model.model import FaceModel
from core.fitting.dense import DenseFit
from core.fitting.face_surface import SurfacePoints, face_weight, sample_face, smooth_modes
from core.fitting.flow_fit import TrackWeights, fit_tracks, refine_by_flow, settle_expressions
from core.fitting.types import PhotoFit
from core.fitting.view_flow import Tracks, ViewFlow
from core.geometry.alignment import align_similarity
from core.landmark_topology import EYE_LEFT, EYE_RIGHT
from core.scene.camera import Camera, project
from core.scene.shading import vertex_normals
from tests.core.fitting.turned_views import YAWS, fit_with, spots, views_of
from tests.core.people import SIDE, expression, person, photograph


@pytest.fixture(scope="module")
def points(anny: FaceModel) -> SurfacePoints:
    return sample_face(anny, 600)


def face_error(model: FaceModel, found: ndarray, truth: ndarray) -> float:
    """Mean distance across the surface after alignment with scale, which photos do not tell."""
    face = face_weight(model) > 0.5
    heads = [model.neutral(identity.astype(np.float32)) for identity in (found, truth)]
    normals = vertex_normals(torch.from_numpy(heads[1]), torch.from_numpy(model.triangles)).numpy()[face]
    head, own = (each[face].astype(np.float64) for each in heads)
    scale, rotation, translation = align_similarity(head, own, np.ones(len(own)))
    off = scale * head @ rotation.T + translation - own
    return float(np.abs((off * normals).sum(axis=1)).mean())


def true_pixels(model: FaceModel, points: SurfacePoints, head: ndarray, photo: PhotoFit) -> ndarray:
    rotation, translation = (torch.from_numpy(a).float() for a in (photo.rotation, photo.translation))
    on_skin = torch.from_numpy((points.matrix(model) @ head).astype(np.float32))
    return project(on_skin, photo.camera, rotation, translation).numpy()


def test_flow_corrects_landmarks_that_mislead(anny: FaceModel) -> None:
    truth = person(anny, 20, 0.4)
    wrong = truth + 0.6 * (np.arange(len(truth)) < 12) * (-1) ** np.arange(len(truth))
    start = fit_with(wrong, anny)
    views = [
        dataclasses.replace(view, landmarks=photograph(anny, wrong, expression(), yaw).landmarks)
        for view, yaw in zip(views_of(anny, truth), YAWS, strict=True)
    ]
    found = refine_by_flow(anny, views, start, rounds=3)
    assert face_error(anny, found.identity, truth) < 0.7 * face_error(anny, wrong, truth)


def test_the_true_head_stays_where_it_is(anny: FaceModel, points: SurfacePoints) -> None:
    truth = person(anny, 21, 0.4)
    fit = fit_with(truth, anny)
    head = anny.neutral(truth.astype(np.float32))
    for photo, tracks in zip(
        fit.photos, ViewFlow(anny, views_of(anny, truth), points).tracks(head, fit.photos), strict=True
    ):
        trusted = tracks.trust > 0.3
        off = np.linalg.norm(tracks.pixels - true_pixels(anny, points, head, photo), axis=1)
        assert trusted.sum() > 100
        assert np.median(off[trusted]) < 0.3


def test_hidden_points_are_not_trusted(anny: FaceModel, points: SurfacePoints) -> None:
    truth = person(anny, 22, 0.4)
    tracks = ViewFlow(anny, views_of(anny, truth), points).tracks(
        anny.neutral(truth.astype(np.float32)), fit_with(truth, anny).photos
    )
    across = points.matrix(anny) @ anny.template[:, 0]
    persons_left, persons_right = across > 0.05, across < -0.05
    # negative yaw turns the face to the person's right, so that the right cheek is hidden
    tracked = [each.trust * ~each.across.any(axis=1) for each in tracks]  # outlines may be on the far side
    assert tracked[0][persons_right].mean() < 0.2 * tracked[0][persons_left].mean()
    assert tracked[2][persons_left].mean() < 0.2 * tracked[2][persons_right].mean()


def test_what_is_not_skin_is_not_trusted(anny: FaceModel, points: SurfacePoints) -> None:
    truth = person(anny, 23, 0.4)
    views = views_of(anny, truth)
    views[1] = dataclasses.replace(views[1], skin=np.zeros_like(views[1].skin))
    tracks = ViewFlow(anny, views, points).tracks(
        anny.neutral(truth.astype(np.float32)), fit_with(truth, anny).photos
    )
    assert tracks[1].trust.max() == 0


def test_one_photo_is_left_to_the_dense_fit(anny: FaceModel) -> None:
    truth = person(anny, 24, 0.4)
    fit = fit_with(truth, anny)
    alone = DenseFit(fit.identity, fit.correction, fit.photos[:1])
    assert refine_by_flow(anny, views_of(anny, truth)[:1], alone) is alone


def test_photos_from_one_side_are_left_to_the_dense_fit(anny: FaceModel) -> None:
    truth = person(anny, 24, 0.4)
    fit = fit_with(truth, anny)
    front = DenseFit(fit.identity, fit.correction, [fit.photos[1]] * 2)
    assert refine_by_flow(anny, [views_of(anny, truth)[1]] * 2, front) is front


def test_photos_with_nothing_in_common_are_left_to_the_dense_fit(anny: FaceModel) -> None:
    truth = person(anny, 24, 0.4)
    fit = fit_with(truth, anny)
    rng = np.random.default_rng(0)
    views = [
        dataclasses.replace(view, image=rng.random(view.image.shape, np.float32))
        for view in views_of(anny, truth)
    ]
    assert refine_by_flow(anny, views, fit) is fit


def test_exact_tracks_give_the_identity_and_tracks_without_trust_do_not(
    anny: FaceModel, points: SurfacePoints
) -> None:
    truth = person(anny, 25, 0.5)
    views, fit = views_of(anny, truth), fit_with(np.zeros_like(truth), anny)
    head = anny.neutral(truth.astype(np.float32))
    pixels = [true_pixels(anny, points, head, photo) for photo in fit.photos]
    errors = {}
    for trust in (0.0, 1.0):
        tracks = [Tracks(at, np.full(len(at), trust), np.zeros_like(at)) for at in pixels]
        found = fit_tracks(anny, views, points, tracks, fit, TrackWeights(noise=1.0))
        errors[trust] = face_error(anny, found.identity, truth)
    assert errors[1.0] < 0.5 * errors[0.0]


def test_units_that_nothing_asks_for_go_to_rest_and_the_head_stays(
    anny: FaceModel, points: SurfacePoints
) -> None:
    """The true head with units at work that no photo shows, beside those that it does."""
    truth, shown = person(anny, 3), expression(jawOpen=0.5)
    seen = [photograph(anny, truth, shown, yaw, albedo=spots(anny)) for yaw in YAWS]
    start = fit_with(truth, anny)
    head = anny.neutral(truth.astype(np.float32)) + np.tensordot(
        shown.astype(np.float32), anny.expression_deltas, axes=1
    )
    pixels = [true_pixels(anny, points, head, photo) for photo in start.photos]
    tracks = [Tracks(at, np.ones(len(at)), np.zeros_like(at)) for at in pixels]
    false = np.where(shown > 0, 0.0, 0.15)
    for photo in start.photos:
        photo.expression = shown + false
    settled = settle_expressions(anny, seen, points, tracks, start)
    np.testing.assert_array_equal(settled.identity, truth)
    np.testing.assert_array_equal(settled.correction, start.correction)
    for photo in settled.photos:
        assert photo.expression[false > 0].mean() < 0.03
        assert photo.expression.max() == photo.expression[shown > 0] > 0.35
        assert photo.sh is not None


def test_points_on_an_outline_may_slide_along_it(anny: FaceModel, points: SurfacePoints) -> None:
    truth = person(anny, 27, 0.4)
    views, fit = views_of(anny, truth), fit_with(truth, anny)
    head = anny.neutral(truth.astype(np.float32))
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, len(points.triangles))
    across = np.column_stack([np.cos(angle), np.sin(angle)])
    pixels = [true_pixels(anny, points, head, photo) for photo in fit.photos]
    found = []
    for slid in (0.0, 20.0):
        along = slid * across[:, ::-1] * (-1, 1)
        tracks = [Tracks(at + along, np.ones(len(at)), across) for at in pixels]
        found.append(fit_tracks(anny, views, points, tracks, fit).identity)
    assert np.allclose(found[0], found[1], atol=1e-6)


def test_smooth_modes_have_their_size_on_the_face_and_end_with_it(anny: FaceModel) -> None:
    modes = smooth_modes(anny, 0.001, 0.02, 80)
    size = np.linalg.norm(modes, axis=(0, 2))
    face = face_weight(anny)
    lids = anny.landmarks(anny.template)[[*EYE_LEFT, *EYE_RIGHT]]
    from_lids = np.linalg.norm(anny.template[:, None] - lids, axis=2).min(axis=1)
    assert size[(face == 1) & (from_lids > 0.01)].mean() == pytest.approx(0.001, rel=0.1)
    assert size[from_lids < 0.002].max() < 0.4e-3  # tracks of lids say little of the shape
    assert size[(face == 0) & ~anny.region_mask("mouth_interior")].max() == 0  # which follows the lips
    edges = anny.triangles[(face == 1)[anny.triangles].all(axis=1)][:, :2]
    step = np.linalg.norm(np.diff(modes[:, edges], axis=2)[:, :, 0], axis=(0, 2))
    assert np.median(step) < 0.5 * 0.001


def test_a_photo_seen_through_a_crop_is_tracked_in_the_whole_photo(
    anny: FaceModel, points: SurfacePoints
) -> None:
    truth = person(anny, 26, 0.4)
    head, fit, views = anny.neutral(truth.astype(np.float32)), fit_with(truth, anny), views_of(anny, truth)
    moved = [
        dataclasses.replace(view, crop_left=100.0, crop_top=40.0, width=SIDE + 200, height=SIDE + 80)
        for view in views
    ]
    photos = [
        dataclasses.replace(p, camera=Camera.centred(p.camera.fx, SIDE + 200, SIDE + 80)) for p in fit.photos
    ]
    whole = ViewFlow(anny, views, points).tracks(head, fit.photos)
    cropped = ViewFlow(anny, moved, points).tracks(head, photos)
    for a, b in zip(whole, cropped, strict=True):
        assert np.allclose(a.pixels + np.array([100, 40]), b.pixels, atol=1e-2)
        assert np.allclose(a.trust, b.trust, atol=1e-3)
