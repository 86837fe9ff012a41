"""Relief from a photo's light and dark, on a head whose relief, light and pose are known."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from core.face_model.model import FaceModel
from core.fitting.types import FittedHead, PhotoFit
from core.scene.camera import portrait_camera, project
from core.scene.portrait import Look, paint_head
from core.scene.relief import Relief
from core.surface.atlas import Atlas
from core.surface.delight import Light
from core.surface.relief import PhotoRelief, photo_relief
from core.surface.types import PhotoPixels
from core.surface.view import make_view
from tests.core.surface.conftest import TONE, light

SIZE = 1024
SIDE_LAMP = light((-0.8, -0.4, -0.6), ambient=0.4, key=0.7)
FRONT_LAMP = light((0.0, -0.2, -1.0), ambient=0.5, key=0.5)

MELANIN = np.array([0.55, 1.0, 1.25])  # how strongly it takes red, green and blue

Show = Callable[..., PhotoRelief | None]


@pytest.fixture(scope="module")
def atlas(model: FaceModel) -> Atlas:
    return Atlas.of(model, SIZE)


@pytest.fixture(scope="module")
def face(atlas: Atlas) -> np.ndarray:
    """Weight of a photo: cheeks and forehead, where every camera in front sees them."""
    marks = atlas.model.landmarks(atlas.model.template)
    points = atlas.paint_vertices(atlas.model.template)
    middles = marks[[151, 50, 280]]
    away = np.min([np.linalg.norm(points - middle, axis=2) for middle in middles], axis=0)
    return np.clip((0.022 - away) / 0.004, 0, 1).astype(np.float32) * atlas.covers("skin")


@pytest.fixture(scope="module")
def bumps(atlas: Atlas) -> np.ndarray:
    """Bumps and dents some 3 mm wide, 0.15 mm high or deep, metres."""
    random = np.random.default_rng(2).normal(size=(SIZE, SIZE)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(random, (0, 0), 3.0) - cv2.GaussianBlur(random, (0, 0), 7.0))
    return smooth * np.float32(1.5e-4 / smooth.std())


@pytest.fixture(scope="module")
def show(atlas: Atlas, head: FittedHead, face: np.ndarray) -> Show:
    """What a photo of the head shows: ``show(heights, sh, side=900, paint=None)``."""
    model = atlas.model
    skin = ~model.region_mask("lashes")[model.triangles].any(axis=1)
    triangles, corners = (torch.from_numpy(t[skin]) for t in (model.triangles, model.triangle_corners))
    uv, vertices = torch.from_numpy(model.uv), torch.from_numpy(model.template)

    def take(
        heights: np.ndarray, sh: np.ndarray, side: int = 900, paint: np.ndarray | None = None
    ) -> PhotoRelief | None:
        camera, rotation, translation = portrait_camera(side, 0.26, 0.0, target=(0.0, -0.03, 0.0))
        albedo = TONE * np.exp(-MELANIN * (np.zeros((SIZE, SIZE)) if paint is None else paint)[..., None])
        look = Look(triangles, corners, torch.from_numpy(albedo.astype(np.float32)), 0.5)
        picture = paint_head(
            vertices, uv, [look], camera, rotation, translation, torch.full((3,), 0.1),
            sh=torch.from_numpy(sh.astype(np.float32)),
            relief=Relief(torch.from_numpy(heights.astype(np.float32)), uv, corners),
        )  # fmt: skip
        image = (picture.clamp(0, 1).numpy() * 255 + 0.5).astype(np.uint8)
        marks = torch.from_numpy(model.landmarks(model.template).astype(np.float32))
        seen = project(marks, camera, rotation, translation).numpy()
        person = np.ones((side, side), np.float32)
        photo = PhotoPixels(image, person, person, np.hstack([seen, np.zeros((478, 1), np.float32)]))
        view = make_view(head, PhotoFit(camera, rotation.numpy(), translation.numpy(), np.zeros(52)), photo)
        even = np.ones_like(view.vertices)
        return photo_relief(atlas, view, Light(even, even[:, 0], TONE, 1.0, np.ones(3), sh), face)

    return take


def _agreement(relief: PhotoRelief | None, heights: np.ndarray) -> float:
    assert relief is not None
    trusted = relief.trust > 0.7
    assert trusted.mean() > 0.01
    return float(np.corrcoef(relief.heights[trusted], heights[trusted])[0, 1])


@pytest.mark.parametrize(("sh", "least"), [(SIDE_LAMP, 0.6), (FRONT_LAMP, 0.2)], ids=["side", "front"])
def test_bumps_are_found_by_their_shading(
    show: Show, bumps: np.ndarray, sh: np.ndarray, least: float
) -> None:
    """Light from the side tells them well, light along the view hardly."""
    assert _agreement(show(bumps, sh), bumps) > least


def test_dents_are_not_taken_for_bumps(show: Show, bumps: np.ndarray) -> None:
    assert _agreement(show(-bumps, SIDE_LAMP), bumps) < -0.6


def test_the_explained_light_and_dark_is_what_the_relief_made(show: Show, bumps: np.ndarray) -> None:
    """So that it can be taken out of the skin's colour."""
    raised, smooth = show(bumps, SIDE_LAMP), show(0 * bumps, SIDE_LAMP)
    assert raised is not None and smooth is not None
    trusted = raised.trust > 0.7
    assert raised.shading[trusted].std() > 5 * smooth.shading[trusted].std()
    assert np.abs(smooth.heights[trusted]).mean() < 0.1 * np.abs(bumps[trusted]).mean()


def test_paint_is_relief_to_a_lesser_degree_than_shading(show: Show, bumps: np.ndarray) -> None:
    """Freckles of the strength that skin has give less relief than bumps of the usual height."""
    random = np.random.default_rng(3).normal(size=(SIZE, SIZE)).astype(np.float32)
    freckles = cv2.GaussianBlur(random, (0, 0), 3.0)
    painted = show(0 * bumps, SIDE_LAMP, paint=0.05 * freckles / freckles.std())
    raised = show(bumps, SIDE_LAMP)
    assert painted is not None and raised is not None
    trusted = raised.trust > 0.7
    assert painted.heights[trusted].std() < 0.6 * raised.heights[trusted].std()


def test_a_photo_of_few_pixels_shows_no_relief(show: Show, bumps: np.ndarray) -> None:
    assert show(bumps, SIDE_LAMP, side=250) is None
