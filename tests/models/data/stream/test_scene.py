"""Poses, crops and light of batches are those that pictures drawn one by one have."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from core.capture.faces import Face
from core.scene.camera import head_rotation
from core.scene.lighting import C0, directional_light
from models.crops import MARGIN, SIDE, crop_view, project_points
from models.data.stream import scene
from models.data.stream.dice import Dice
from models.data.stream.scene import LIGHTS, View, draw_lights, draw_views
from tests.models.data.stream.conftest import CPU, Scripted

COUNT = 8


def _pixels(view: View, index: int, marks: Tensor) -> np.ndarray:
    return project_points(
        marks.numpy(),
        view.camera[index].numpy(),
        view.rotation[index].numpy(),
        view.translation[index].numpy(),
    )


def test_heads_are_turned_as_asked_and_shoulders_less(marks: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    yaw, pitch, roll = (
        torch.tensor(angles) for angles in ([-20.0, 0, 70, 90], [10.0, -5, 0, 50], [3.0, 0, -12, 0])
    )
    monkeypatch.setattr(scene, "_cropped", lambda view, *crop: view)  # the photo that crops are cut from
    view = draw_views(Scripted({27: yaw, 11: pitch, 8: roll}), marks.expand(4, -1, -1))
    limits = zip(yaw.clamp(-75, 75).tolist(), pitch.clamp(-32, 32).tolist(), roll.tolist(), strict=True)
    for index, angles in enumerate(limits):
        y, p, r = (math.radians(angle) for angle in angles)
        torch.testing.assert_close(view.rotation[index], head_rotation(y, p, r).float(), atol=1e-6, rtol=0)
        body = head_rotation(0.35 * y, 0.2 * p, 0.15 * r).float()
        torch.testing.assert_close(view.body[index], body, atol=1e-6, rtol=0)


def test_crops_are_those_of_the_tracker(marks: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    photos: list[View] = []
    cropped = scene._cropped

    def recorded(view: View, *crop: Tensor) -> View:
        photos.append(view)
        return cropped(view, *crop)

    monkeypatch.setattr(scene, "_cropped", recorded)
    make = torch.Generator().manual_seed(0)
    angles = {spread: spread * torch.randn(COUNT, generator=make) for spread in (27, 11, 8)}
    view = draw_views(Scripted(angles), marks.expand(COUNT, -1, -1))
    (photo,) = photos
    for index in range(COUNT):
        crop = Face(_pixels(photo, index, marks), 1.0, 1.0, 1.0).crop(MARGIN)
        camera, rotation, translation = crop_view(
            crop, photo.camera[index].numpy(), photo.rotation[index].numpy(), photo.translation[index].numpy()
        )
        np.testing.assert_allclose(view.camera[index], camera, rtol=2e-4, atol=0.05)
        np.testing.assert_allclose(view.rotation[index], rotation, atol=1e-5)
        np.testing.assert_allclose(view.translation[index], translation, atol=1e-5)
        about = view.rotation[index] @ photo.rotation[index].T
        torch.testing.assert_close(view.body[index], about @ photo.body[index], atol=1e-5, rtol=0)
        again = Face(_pixels(view, index, marks), 1.0, 1.0, 1.0).crop(MARGIN)
        np.testing.assert_allclose([*again.centre, again.side], [SIDE / 2, SIDE / 2, SIDE], atol=0.1)
        assert again.angle == pytest.approx(0, abs=1e-3)


def test_crops_are_a_little_off(marks: Tensor) -> None:
    view = draw_views(Dice(CPU, 3), marks.expand(300, -1, -1))
    crops = [Face(_pixels(view, index, marks), 1.0, 1.0, 1.0).crop(MARGIN) for index in range(300)]
    off = np.array([crop.centre for crop in crops]) / SIDE - 0.5
    assert 0.014 < off.std() < 0.026 and np.abs(off).max() < 0.12
    assert np.log([crop.side / SIDE for crop in crops]).std() == pytest.approx(0.06, rel=0.2)
    assert np.std([crop.angle for crop in crops]) == pytest.approx(0.05, rel=0.2)
    torch.testing.assert_close(
        view.rotation @ view.rotation.mT, torch.eye(3).expand(300, 3, 3), atol=1e-5, rtol=0
    )
    assert float(view.translation[:, 2].min()) > 0.15
    focal = view.camera[:, 0] / (SIDE / 0.24)  # metres, of a head that fills the crop
    assert float(focal.max() / focal.min()) > 4  # from wide lenses to long ones


def test_sh_is_all_light_as_core_has_it() -> None:
    lights = draw_lights(Dice(CPU, 4), 200)
    assert lights.towards.shape == (200, LIGHTS + 1, 3)
    torch.testing.assert_close(lights.towards.norm(dim=2), torch.ones(200, LIGHTS + 1))
    hard = lights.colour[:, -1].amax(dim=1) > 0
    for index in range(200):
        single = [
            directional_light(towards.numpy(), colour.numpy())
            for towards, colour in zip(lights.towards[index], lights.colour[index], strict=True)
        ]
        ambient = lights.sh[index].numpy() - np.sum(single, axis=0)
        np.testing.assert_allclose(ambient[1:], 0, atol=1e-5)
        least, most = np.array([0.12 * 0.9, 0.6 * 1.1]) * (0.6 if hard[index] else 1.0) / C0
        assert least - 1e-4 < ambient[0].min() <= ambient[0].max() < most + 1e-4
        np.testing.assert_allclose(
            lights.soft[index].numpy(), ambient + np.sum(single[:-1], axis=0), atol=1e-5
        )
    assert float(hard.float().mean()) == pytest.approx(0.45, abs=0.1)
    count = (lights.colour[:, :-1].amax(dim=2) > 0).sum(dim=1)
    assert sorted(set(count.tolist())) == [1, 2, 3]
    assert bool((lights.colour[:, 0].amin(dim=1) > 0).all())  # the one that highlights mirror is always there
