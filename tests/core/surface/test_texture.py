"""The whole texture, on a head whose true albedo is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import BadInput
from core.face_model.model import FaceModel
from core.fitting.types import FittedHead
from core.images import sample_image
from core.progress import Progress
from core.scene.shading import srgb_to_linear
from core.surface.atlas import Atlas
from core.surface.materials import MATERIAL_NAMES
from core.surface.mirror import mirror_map
from core.surface.texture import build_texture
from core.surface.types import HeadTexture
from tests.core.surface.conftest import Shoot, Shot, light, with_photos

SIZE = 512
LEFT_LAMP, RIGHT_LAMP = light((-0.8, -0.3, -0.6)), light((0.8, -0.3, -0.6))
EVEN = light((0.0, -0.2, -1.0), ambient=0.8, key=0.2)


def _build(head: FittedHead, *shots: Shot) -> HeadTexture:
    return build_texture(with_photos(head, list(shots)), [shot.photo for shot in shots], SIZE)


def _linear(texture: HeadTexture) -> np.ndarray:
    return srgb_to_linear(torch.from_numpy(texture.albedo / np.float32(255))).numpy()


def _relative_error(texture: HeadTexture, truth: np.ndarray, where: np.ndarray) -> float:
    """Median error of the albedo on ``where``, after the overall level and tint are taken out."""
    ratio = np.log(np.maximum(_linear(texture)[where], 1e-3) / np.maximum(truth[where], 1e-3))
    return float(np.median(np.abs(ratio - np.median(ratio, axis=0))))


@pytest.fixture(scope="module")
def atlas(model: FaceModel) -> Atlas:
    return Atlas.of(model, SIZE)


@pytest.fixture(scope="module")
def truth(atlas: Atlas, paint: np.ndarray) -> np.ndarray:
    return atlas.paint_vertices(paint)


@pytest.fixture(scope="module")
def sided(head: FittedHead, shoot: Shoot) -> HeadTexture:
    """From one photo turned by 40° and lit from one side."""
    return _build(head, shoot(0.7, RIGHT_LAMP))


@pytest.fixture(scope="module")
def three(head: FittedHead, shoot: Shoot) -> HeadTexture:
    return _build(
        head, shoot(0.0, LEFT_LAMP), shoot(0.6, EVEN, 0.8), shoot(-0.6, RIGHT_LAMP, np.array([1, 0.9, 0.8]))
    )


def test_known_albedo_comes_back_from_three_photos(three: HeadTexture, truth: np.ndarray) -> None:
    seen = three.coverage > 0.95
    assert seen.mean() > 0.1
    # the painted waves themselves have a median contrast of 6 %
    assert _relative_error(three, truth, seen) < 0.025


def test_lamp_on_the_other_side_gives_the_same_albedo(head: FittedHead, shoot: Shoot) -> None:
    left, right = (_build(head, shoot(0.0, lamp)) for lamp in (LEFT_LAMP, RIGHT_LAMP))
    both = (left.coverage > 0.95) & (right.coverage > 0.95)
    ratio = np.log(_linear(left)[both] / _linear(right)[both])
    assert np.median(np.abs(ratio)) < 0.03
    # the photos themselves differ by far more
    photos = [
        shoot(0.0, lamp).photo.image[150:250, 150:230].astype(float) for lamp in (LEFT_LAMP, RIGHT_LAMP)
    ]
    assert np.median(np.abs(np.log(photos[0] / photos[1]))) > 0.08


def test_light_that_the_fit_found_is_used(head: FittedHead, shoot: Shoot, truth: np.ndarray) -> None:
    shot = shoot(0.0, LEFT_LAMP)
    known = _build(head, Shot(replace(shot.fit, sh=LEFT_LAMP), shot.photo))
    wrong = _build(head, Shot(replace(shot.fit, sh=RIGHT_LAMP), shot.photo))
    seen = (known.coverage > 0.95) & (wrong.coverage > 0.95)
    assert _relative_error(known, truth, seen) < 0.025
    assert _relative_error(wrong, truth, seen) > 2 * _relative_error(known, truth, seen)


def test_photos_of_other_white_balance_keep_one_tone(head: FittedHead, shoot: Shoot) -> None:
    plain = _build(head, shoot(0.0, EVEN))
    tinted = _build(head, shoot(0.0, EVEN), shoot(0.5, EVEN, np.array([1.0, 0.85, 0.7])))
    assert np.abs(np.log(tinted.skin_tone / plain.skin_tone)).max() < 0.25
    # left and right half, of which each photo shows one better, agree as they do in the truth
    image, half = _linear(tinted), SIZE // 2
    cheeks = [image[210:300, columns].mean(axis=(0, 1)) for columns in (slice(120, 190), slice(322, 392))]
    assert half == 256 and np.abs(np.log(cheeks[0] / cheeks[1])).max() < 0.06


def test_far_side_takes_the_near_side_s_mirror_image(
    sided: HeadTexture, atlas: Atlas, truth: np.ndarray
) -> None:
    twins = mirror_map(atlas)
    rows, columns = np.nonzero((sided.coverage < 0.02) & atlas.covers("skin"))
    at = twins[rows, columns]
    shown = sample_image(sided.coverage, at) > 0.95
    assert shown.sum() > 300
    image = _linear(sided)
    own, twin = image[rows[shown], columns[shown]], sample_image(image, at[shown])
    assert np.median(np.abs(np.log(own / twin))) < 0.03


def test_everything_is_filled_with_plausible_colours(sided: HeadTexture, atlas: Atlas) -> None:
    assert sided.albedo.shape == (SIZE, SIZE, 3) and sided.albedo.dtype == np.uint8
    assert np.isfinite(sided.coverage).all()
    skin = _linear(sided)[atlas.covers("skin") & (sided.coverage < 0.01)]
    away = np.abs(np.log(np.maximum(skin, 1e-3) / sided.skin_tone))
    assert np.median(away) < 0.15 and np.percentile(away, 99) < 0.9


def test_unseen_skin_is_not_flat(sided: HeadTexture, model: FaceModel, atlas: Atlas) -> None:
    back = atlas.covers("skin") & (atlas.paint_vertices(model.template)[..., 2] < -0.1)
    grey = sided.albedo[back].mean(axis=1)
    assert 0.3 < grey.std() < 12


def test_charts_agree_where_they_meet(sided: HeadTexture, model: FaceModel, atlas: Atlas) -> None:
    shown = sample_image(sided.albedo.astype(np.float32), atlas.texels(model.uv))
    order = np.argsort(model.polygon_vertices, kind="stable")
    vertex = model.polygon_vertices[order]
    starts = np.flatnonzero(np.diff(vertex, prepend=-1))
    apart = np.maximum.reduceat(shown[order], starts) - np.minimum.reduceat(shown[order], starts)
    skin = model.region_mask("skin")[vertex[starts]]
    assert np.percentile(apart[skin], 99) < 6
    assert apart[skin].max() < 25


def test_open_eyes_are_not_painted_on_lids(three: HeadTexture, atlas: Atlas) -> None:
    skin = _linear(three)[atlas.covers("skin", "eye_socket")]
    green = skin[:, 1] > 1.1 * skin[:, 0]
    assert green.mean() < 1e-4


def test_irises_take_the_photos_colour_and_look_ahead(
    three: HeadTexture, model: FaceModel, atlas: Atlas
) -> None:
    for iris in (three.iris_left, three.iris_right):
        assert iris[1] > 3 * iris[0] and iris[1] > 3 * iris[2]
    image = _linear(three)
    for joint, name in ((3, "eye_left"), (4, "eye_right")):
        points = atlas.paint_vertices(model.template - model.joints(model.template)[joint])
        inside = atlas.covers(name)
        pupil = inside & (image.max(axis=2) < 0.015)
        assert pupil.sum() > 10
        assert np.linalg.norm(points[pupil][:, :2].mean(axis=0)) < 4e-4
        assert points[pupil][:, 2].min() > 0


def test_the_sharper_photo_wins(head: FittedHead, shoot: Shoot, atlas: Atlas, truth: np.ndarray) -> None:
    sharp, blurred = shoot(0.0, EVEN), shoot(0.0, EVEN, blur=6.0)
    seen_by = {
        "sharp": _build(head, sharp),
        "blurred": _build(head, blurred),
        "both": _build(head, blurred, sharp),
    }
    seen = seen_by["sharp"].coverage > 0.95
    errors = {name: _relative_error(texture, truth, seen) for name, texture in seen_by.items()}
    assert errors["both"] < 0.5 * (errors["sharp"] + errors["blurred"])
    assert errors["both"] < errors["sharp"] + 0.25 * (errors["blurred"] - errors["sharp"])


def test_hair_over_the_forehead_is_left_out(head: FittedHead, shoot: Shoot, atlas: Atlas) -> None:
    shot = shoot(0.0, EVEN)
    image = shot.photo.image.copy()
    brow = shot.photo.landmarks[9, 1]
    image[: int(brow - 12)] = (40, 25, 15)  # a fringe that the skin mask has missed
    fringe = build_texture(
        with_photos(head, [shot]),
        [type(shot.photo)(image, shot.photo.skin, shot.photo.person, shot.photo.landmarks)],
        SIZE,
    )
    dark = _linear(fringe)[atlas.covers("skin")].mean(axis=1) < 0.25 * fringe.skin_tone.mean()
    assert dark.mean() < 2e-3


def test_materials_cover_every_polygon(sided: HeadTexture, model: FaceModel) -> None:
    names = np.array([material.name for material in sided.materials])
    assert tuple(names) == MATERIAL_NAMES
    of_polygon = names[sided.material_of_polygon]
    assert len(of_polygon) == len(model.polygon_starts)
    first = model.region[model.polygon_vertices[model.polygon_starts]]
    assert set(of_polygon[np.isin(first, [1, 2])]) == {"eyes"}
    assert [material.name for material in sided.materials if material.alpha] == ["lashes"]
    skin = sided.materials[0].base_color
    assert np.abs(np.log(np.array(skin) / sided.skin_tone)).max() < 0.3


def test_only_lashes_are_transparent(sided: HeadTexture, atlas: Atlas) -> None:
    lashes = atlas.covers("lashes")
    assert (sided.alpha[(atlas.triangle >= 0) & ~lashes] == 255).all()
    assert 20 < sided.alpha[lashes].mean() < 200


def test_progress_reaches_the_end(head: FittedHead, shoot: Shoot) -> None:
    reports: list[float] = []
    progress = Progress({"texture": 1.0}, listener=lambda report: reports.append(report.fraction))
    shot = shoot(0.0, EVEN)
    with progress.stage("texture"):
        build_texture(with_photos(head, [shot]), [shot.photo], 256, progress)
    assert reports == sorted(reports) and reports[-1] == 1.0 and len(reports) > 4


def test_wrong_requests_are_refused(head: FittedHead, shoot: Shoot) -> None:
    shot = shoot(0.0, EVEN)
    with pytest.raises(BadInput, match="2 photos"):
        build_texture(with_photos(head, [shot, shot]), [shot.photo], SIZE)
    with pytest.raises(BadInput, match="No photo"):
        build_texture(head, [], SIZE)
    with pytest.raises(BadInput, match="128"):
        build_texture(with_photos(head, [shot]), [shot.photo], 500)
