"""A fringe over the brows and shadow under a hard side light stay out of the texture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.face_model.model import FaceModel
from core.fitting.types import FittedHead
from core.landmark_topology import BROW_LEFT, BROW_RIGHT
from core.scene.shading import srgb_to_linear
from core.surface.atlas import Atlas, landmark_uv
from core.surface.brows import brows_are_hidden
from core.surface.delight import Light
from core.surface.mirror import mirror_map
from core.surface.texture import build_texture
from core.surface.weights import prefer_lit_side
from core.surface.zones import face_zones
from tests.core.surface.conftest import Shoot, Shot, light, with_photos

SIZE = 512
HAIR = np.array([128, 92, 48], np.uint8)
EVEN = light((0.0, -0.2, -1.0), ambient=0.8, key=0.2)


def linear(albedo: np.ndarray) -> np.ndarray:
    return srgb_to_linear(torch.from_numpy(albedo / np.float32(255))).numpy()


def with_fringe(shot: Shot, down_to: tuple[int, ...]) -> Shot:
    """The photo with streaky hair over everything above some landmarks."""
    photo = shot.photo
    image, skin = photo.image.copy(), photo.skin.copy()
    low = int(photo.landmarks[list(down_to), 1].max()) + 2
    streaks = 0.75 + 0.5 * (np.arange(image.shape[1]) // 3 % 2)
    image[:low] = np.clip(HAIR * streaks[None, :, None], 0, 255)
    skin[:low] = 0
    return replace(shot, photo=replace(photo, image=image, skin=skin))


@pytest.fixture(scope="module")
def fringed(head: FittedHead, shoot: Shoot) -> np.ndarray:
    shot = with_fringe(shoot(0.0, EVEN), (*BROW_LEFT, *BROW_RIGHT))
    return linear(build_texture(with_photos(head, [shot]), [shot.photo], SIZE).albedo)


def test_a_fringe_does_not_become_skin_above_the_brows(model: FaceModel, fringed: np.ndarray) -> None:
    zones = face_zones(Atlas.of(model, SIZE))
    skin = fringed[landmark_texels(model, (50, 280))].mean(axis=0)
    for band in zones.above_brows:
        above = fringed[(band > 0.5) & (zones.brows < 0.01)]
        assert np.abs(np.log(np.median(above, axis=0) / skin)).max() < 0.25


def test_brows_under_a_fringe_are_drawn_darker_than_skin(model: FaceModel, fringed: np.ndarray) -> None:
    zones = face_zones(Atlas.of(model, SIZE))
    skin = fringed[landmark_texels(model, (50, 280))].mean()
    assert np.median(fringed[zones.brows > 0.85]) < 0.7 * skin


@pytest.mark.parametrize(
    ("shares", "hidden"), [((0.0, 0.0), True), ((0.0, 0.03), False), ((0.6, 0.3), False)]
)
def test_brows_below_a_fringe_are_left_to_the_photo(shares: tuple[float, float], hidden: bool) -> None:
    """Shares of plain skin above the brows as measured: hair over both, the astronaut's fringe, none."""
    bands = np.zeros((2, 100, 100), np.float32)
    bands[0, :, :50], bands[1, :, 50:] = 1.0, 1.0
    like = np.zeros((100, 100), np.float32)
    for band, share in zip((slice(0, 50), slice(50, 100)), shares, strict=True):
        like[: round(100 * share), band] = 1.0
    assert brows_are_hidden(like, (bands[0], bands[1])) is hidden


def test_the_lit_half_of_a_face_counts_for_both(model: FaceModel) -> None:
    atlas = Atlas.of(model, 128)
    zones = face_zones(atlas)
    left = atlas.paint_vertices((model.template[:, :1] > 0.01).astype(np.float32))[..., 0] > 0.5
    right = atlas.paint_vertices((model.template[:, :1] < -0.01).astype(np.float32))[..., 0] > 0.5
    level = np.where(model.template[:, 0] > 0, 0.35, 1.0).astype(np.float32)
    one, grey = np.ones((model.vertex_count, 3), np.float32), np.ones(3)
    lit = Light(one, level, grey, 1.0, grey, np.zeros((9, 3)))
    trust = zones.face
    inside = zones.face > 0.9

    chosen = prefer_lit_side(atlas, trust, lit, mirror_map(atlas))
    assert np.median(chosen[left & inside]) < 0.1
    np.testing.assert_allclose(chosen[right & inside], trust[right & inside])
    # a shadow whose mirror image the photo does not show is better than nothing
    alone = np.where(right, 0, trust).astype(np.float32)
    kept = prefer_lit_side(atlas, alone, lit, mirror_map(atlas))
    assert np.median(kept[left & inside]) > 0.9


def landmark_texels(model: FaceModel, landmarks: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the 5 x 5 texels round some landmarks."""
    uv = landmark_uv(model)[list(landmarks)]
    columns, rows = (np.stack([uv[:, 0], 1 - uv[:, 1]]) * SIZE).astype(int)
    dy, dx = (offset.ravel() for offset in np.mgrid[-2:3, -2:3])
    return (rows[:, None] + dy).ravel(), (columns[:, None] + dx).ravel()
