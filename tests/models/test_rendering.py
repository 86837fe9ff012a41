"""Pictures of face codes: the scene's own, a batch at a time, with gradients."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from core.face_model.model import FaceModel
from core.scene.camera import Camera
from core.scene.lighting import shade
from core.scene.render import render
from core.scene.shading import linear_to_srgb, vertex_normals
from models.data.heads import Shot, projected_landmarks
from models.face_code import FaceCode
from models.rendering import FaceRenderer, Rendered
from tests.models.conftest import SIDE, Pictures, albedo_of


@pytest.fixture(scope="module")
def drawn(pictures: Pictures) -> Rendered:
    return pictures.renderer(pictures.truth, pictures.camera)


def camera_of(pictures: Pictures, k: int) -> Camera:
    fx, fy, cx, cy = pictures.camera[k].tolist()
    return Camera(fx, fy, cx, cy, SIDE, SIDE)


def test_each_picture_is_what_the_scene_draws_with_its_own_camera(
    pictures: Pictures, drawn: Rendered
) -> None:
    code, renderer = pictures.truth, pictures.renderer
    for k in (0, 3, 7):
        camera = camera_of(pictures, k)
        normals = vertex_normals(drawn.vertices[k], renderer.triangles) @ code.rotation[k].T
        albedo = renderer.albedo_mean + torch.tensordot(code.albedo[k], renderer.albedo_basis, dims=1)
        colours = albedo.clamp_min(0) * shade(normals, code.sh[k]).clamp_min(0)
        rotation, translation = code.rotation[k], code.translation[k]
        one = render(drawn.vertices[k], renderer.triangles, colours, camera, rotation, translation)
        same = one.alpha == drawn.covered[k]
        assert same.float().mean() > 0.998  # rounding on outlines
        difference = (linear_to_srgb(one.image).permute(2, 0, 1) - drawn.image[k]).abs()[:, same]
        assert float(difference.mean()) < 1e-4 and float((difference > 0.01).float().mean()) < 2e-3


def test_landmarks_are_the_contracts(pictures: Pictures, drawn: Rendered, anny: FaceModel) -> None:
    code = pictures.truth
    k = 5
    camera = camera_of(pictures, k)
    shot = Shot(camera, code.rotation[k].numpy(), code.translation[k].numpy())
    expected = projected_landmarks(anny, drawn.vertices[k].numpy(), shot)
    torch.testing.assert_close(drawn.landmarks[k], torch.from_numpy(expected), atol=2e-3, rtol=0)
    neutral = anny.neutral(code.identity[k].numpy())
    posed = neutral + (code.expression[k].numpy()[:, None, None] * anny.expression_deltas).sum(axis=0)
    torch.testing.assert_close(drawn.vertices[k], torch.from_numpy(posed), atol=1e-6, rtol=0)


def test_skin_is_neither_eyes_nor_mouth_nor_background(pictures: Pictures, drawn: Rendered) -> None:
    assert bool((drawn.skin <= drawn.covered).all())
    assert float(drawn.covered.mean()) > 0.2
    right_iris = drawn.landmarks[1, 468, :2].long()
    cheek = drawn.landmarks[1, 50, :2].long()
    inside_lips = ((drawn.landmarks[0, 13] + drawn.landmarks[0, 14]) / 2)[:2].long()  # a wide-open jaw
    assert (
        drawn.covered[1, right_iris[1], right_iris[0]] == 1
        and drawn.skin[1, right_iris[1], right_iris[0]] == 0
    )
    assert drawn.skin[0, inside_lips[1], inside_lips[0]] == 0
    assert drawn.skin[1, cheek[1], cheek[0]] == 1
    assert drawn.covered[0, 0, 0] == 0 and bool((drawn.image[0, :, 0, 0] == 0).all())


def test_a_render_is_laid_over_the_photo(drawn: Rendered) -> None:
    photos = torch.full_like(drawn.image, 0.25)
    both = drawn.over(photos)
    outside = drawn.covered == 0
    assert bool((both.permute(0, 2, 3, 1)[outside] == 0.25).all())
    inside = drawn.image.permute(0, 2, 3, 1)[~outside].clamp(0, 1)
    torch.testing.assert_close(both.permute(0, 2, 3, 1)[~outside], inside)


def test_fewer_coefficients_than_modes_are_the_first_of_them(pictures: Pictures) -> None:
    renderer = pictures.renderer
    rest = torch.zeros(1, 52)
    few, all_of_them = torch.randn(1, 4), torch.zeros(1, len(renderer.identity_basis))
    all_of_them[:, :4] = few
    torch.testing.assert_close(renderer.vertices(few, rest), renderer.vertices(all_of_them, rest))
    with pytest.raises(ValueError, match="identity"):
        renderer.vertices(torch.zeros(1, 4 + len(renderer.identity_basis)), rest)


def _exact(pictures: Pictures, anny: FaceModel) -> tuple[FaceRenderer, FaceCode, Tensor]:
    renderer = FaceRenderer(anny, *albedo_of(anny), side=24).double()
    known = (value for value in vars(pictures.truth).values() if value is not None)  # the truth has no spread
    code = FaceCode(*(value[:2].double() for value in known))
    return renderer, code, pictures.camera[:2].double() * (24 / SIDE)


def test_gradients_of_landmarks_match_finite_differences(pictures: Pictures, anny: FaceModel) -> None:
    renderer, code, camera = _exact(pictures, anny)
    some = [1, 33, 152, 473]

    def landmarks(identity: Tensor, rotation: Tensor, translation: Tensor, lens: Tensor) -> Tensor:
        changed = replace(code, identity=identity, rotation=rotation, translation=translation)
        return renderer(changed, lens).landmarks[:, some]

    inputs = (code.identity[:, :3], code.rotation, code.translation, camera)
    assert gradcheck(landmarks, tuple(value.clone().requires_grad_() for value in inputs), atol=1e-4)


@pytest.mark.parametrize("name", ["albedo", "sh", "expression", "identity", "translation", "rotation"])
def test_gradients_of_pixels_match_finite_differences(pictures: Pictures, anny: FaceModel, name: str) -> None:
    renderer, code, camera = _exact(pictures, anny)
    make = torch.Generator().manual_seed(0)
    start = getattr(code, name)
    way = torch.randn(start.shape, dtype=torch.float64, generator=make)
    step = 1e-6

    def image(along: Tensor) -> Tensor:
        drawn = renderer(replace(code, **{name: start + along * way}), camera)
        return drawn.image * drawn.skin[:, None]

    along = torch.zeros((), dtype=torch.float64, requires_grad=True)
    here = image(along)
    with torch.no_grad():
        before, after = image(along - step), image(along + step)
        # a pixel on an edge sees another triangle after the step: its two differences disagree
        ahead, behind = (after - here) / step, (here - before) / step
        kept = (ahead - behind).abs() < 1e-3 * (1 + ahead.abs())
        weights = kept * torch.randn(here.shape, dtype=torch.float64, generator=make)
        measured = float((weights * (after - before)).sum()) / (2 * step)
    assert float(kept.double().mean()) > 0.97 and abs(measured) > 1e-2
    (derived,) = torch.autograd.grad((weights * here).sum(), along)
    assert float(derived) == pytest.approx(measured, rel=1e-3)
