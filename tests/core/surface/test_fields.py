"""Band blending, fields on the mesh, noise and skin tones by themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.face_model.laplacian import mesh_laplacian
from core.face_model.model import FaceModel
from core.surface.atlas import Atlas
from core.surface.delight import LUMINANCE, plausible_tone
from core.surface.harmonic import close_seams, harmonic_fill, spread_landmark_offsets
from core.surface.mirror import lift_shadows, mirror_map
from core.surface.noise import value_noise
from core.surface.pyramid import BandBlender

_channel = st.floats(0.02, 1.0)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), colour=st.tuples(_channel, _channel, _channel))
def test_one_colour_stays_that_colour_however_it_is_weighted(
    seed: int, colour: tuple[float, float, float]
) -> None:
    rng = np.random.default_rng(seed)
    blender = BandBlender(64, levels=4)
    weight = rng.uniform(0, 1, (64, 64)).astype(np.float32)
    picture = np.tile(np.array(colour, np.float32), (64, 64, 1))
    known = (rng.uniform(0, 1, (64, 64)) > 0.3).astype(np.float32)
    for share in (weight, 1 - weight):
        blender.add(picture, known, [share] * 4)
    np.testing.assert_allclose(blender.result(), picture, atol=2e-3)


def test_what_a_picture_does_not_know_never_shows() -> None:
    picture = np.full((64, 64, 3), 0.5, np.float32)
    picture[:, 32:] = 100.0
    known = np.zeros((64, 64), np.float32)
    known[:, :32] = 1
    blender = BandBlender(64, levels=4)
    blender.add(picture, known, [np.ones((64, 64), np.float32)] * 4)
    np.testing.assert_allclose(blender.result(), 0.5, atol=1e-3)


def test_two_pictures_meet_without_a_step() -> None:
    blender = BandBlender(128, levels=6)
    left = np.zeros((128, 128), np.float32)
    left[:, :64] = 1
    ones = np.ones((128, 128), np.float32)
    blender.add(np.full((128, 128, 3), 0.3, np.float32), ones, [left] * 6)
    blender.add(np.full((128, 128, 3), 0.6, np.float32), ones, [1 - left] * 6)
    row = blender.result()[64, :, 0]
    assert abs(row[2] - 0.3) < 0.1 and abs(row[-3] - 0.6) < 0.1
    assert np.abs(np.diff(row)).max() < 0.05


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_filled_colours_stay_between_the_known_ones(seed: int, model: FaceModel) -> None:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.2, 0.6, (model.vertex_count, 3))
    trust = np.where(rng.uniform(size=model.vertex_count) < 0.1, 100.0, 0.0)
    filled = harmonic_fill(mesh_laplacian(model), values, trust, np.full(3, 0.4), 1e-3)
    assert filled.min() > 0.2 - 1e-6 and filled.max() < 0.6 + 1e-6


def test_offsets_follow_trusted_landmarks_and_die_away(model: FaceModel) -> None:
    offsets = np.tile([3.0, -2.0], (478, 1))
    trust = np.ones(478)
    trust[468:] = 0
    field = spread_landmark_offsets(model, offsets, trust)
    corners = model.triangles[model.landmark_triangles[:468]]
    at = np.einsum("lk,lkd->ld", model.landmark_barycentrics[:468], field[corners])
    np.testing.assert_allclose(np.median(at, axis=0), [3, -2], atol=0.2)
    back = model.template[:, 2] < -0.15
    assert np.abs(field[back]).max() < 1.5
    assert np.abs(spread_landmark_offsets(model, offsets, np.zeros(478))).max() < 1e-9


def test_seams_close_and_the_rest_stays(model: FaceModel) -> None:
    rng = np.random.default_rng(0)
    keys = np.column_stack([model.polygon_vertices, np.round(model.uv * 1e5).astype(int)])
    distinct, node = np.unique(keys, axis=0, return_inverse=True)
    error = rng.normal(size=(len(distinct), 3))[node.ravel()]
    correction = close_seams(model, error)
    seam = np.bincount(distinct[:, 0], minlength=model.vertex_count)[model.polygon_vertices] > 1
    np.testing.assert_allclose(correction[seam], -error[seam], atol=1e-2)
    nose = np.isin(model.polygon_vertices, model.triangles[model.landmark_triangles[[1, 4, 5]]])
    assert np.abs(correction[nose]).max() < 0.1


def test_mirroring_twice_comes_back(model: FaceModel) -> None:
    atlas = Atlas.of(model, 512)
    once = mirror_map(atlas)
    rows, columns = np.nonzero(atlas.covers("skin"))
    there = np.floor(once[rows, columns]).astype(int)
    inside = (there >= 0).all(axis=1) & (there < 512).all(axis=1)
    assert inside.mean() > 0.98
    back = once[there[inside, 1], there[inside, 0]]
    away = np.linalg.norm(back - 0.5 - np.stack([columns, rows], axis=1)[inside], axis=1)
    assert np.median(away) < 1 and np.percentile(away, 98) < 4


def test_a_shadow_on_one_side_is_lifted_to_the_other(model: FaceModel) -> None:
    atlas = Atlas.of(model, 256)
    points = atlas.paint_vertices(model.template)
    image = np.full((256, 256, 3), 0.4, np.float32)
    shadow = np.exp(-(((points[..., 0] - 0.04) ** 2 + (points[..., 1] + 0.05) ** 2) / 0.015**2))
    image *= (1 - 0.5 * shadow * (points[..., 2] > 0))[..., None]
    trust = (points[..., 2] > -0.02).astype(np.float32) * atlas.covers("skin")
    lifted = image * lift_shadows(image, trust, mirror_map(atlas))
    inside = trust > 0
    assert lifted[inside].min() > 0.27 > 0.22 > image[inside].min()
    assert lifted[inside].max() < 0.48


@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=20)
def test_noise_is_bounded_smooth_and_repeatable(seed: int) -> None:
    points = np.random.default_rng(seed).uniform(-50, 50, (500, 3)).astype(np.float32)
    noise = value_noise(points)
    np.testing.assert_array_equal(noise, value_noise(points.copy()))
    assert np.abs(noise).max() <= 1 and noise.std() > 0.1
    assert np.abs(value_noise(points + np.float32(0.01)) - noise).max() < 0.15


@given(st.tuples(_channel, _channel, _channel))
def test_skin_tones_are_plausible(colour: tuple[float, float, float]) -> None:
    tone = plausible_tone(np.array(colour))
    assert 0.04 < tone @ LUMINANCE < 0.47
    if np.ptp(colour) > 0.1:
        assert tone[0] > tone[1] > tone[2]


def test_grey_photos_stay_grey() -> None:
    np.testing.assert_allclose(plausible_tone(np.full(3, 0.3)), plausible_tone(np.full(3, 0.3))[0])
