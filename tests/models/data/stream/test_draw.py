"""Pictures of a batch are those that are drawn one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.face_model.model import FaceModel
from core.scene.camera import transform
from core.scene.shading import vertex_normals
from models.crops import SIDE
from models.data import draw, hair
from models.data.hair import HairStyle
from models.data.lights import Light
from models.data.stream.bank import Bank, linear_pictures
from models.data.stream.draw import Drawing, HeadPainter
from models.data.stream.hair import Barber, Sheets, Styles
from models.data.stream.scene import Lights, View, draw_lights, draw_views
from models.data.surface import vertex_surface
from tests.models.data.stream.conftest import CPU, HashedNoise, Scripted

GLOSS = 0.5
PEOPLE = torch.arange(2)


class _Shown:
    """Two heads with hair and nothing else, and all that they are drawn from."""

    def __init__(self, bank: Bank) -> None:
        part = bank.models["anny"]
        self.model: FaceModel = part.model
        self.skins = part.skins
        make = torch.Generator().manual_seed(0)
        codes = 0.8 * torch.randn(2, len(self.model.identity_basis), generator=make)
        moved = torch.einsum("pk,kvd->pvd", codes, torch.from_numpy(self.model.identity_basis))
        self.neutral = torch.from_numpy(self.model.template) + moved
        marks = torch.from_numpy(np.stack([self.model.landmarks(head.numpy()) for head in self.neutral]))
        turn = {27: torch.tensor([-25.0, 40]), 11: torch.tensor([5.0, -10]), 8: torch.tensor([0.0, 6])}
        dice = Scripted(turn, seed=3)
        self.view: View = draw_views(dice, marks)
        self.lights: Lights = draw_lights(dice, 2)
        textures = linear_pictures(self.skins.textures)[:2]
        bare = torch.from_numpy(self.skins.bare[:2])[:, None].float()
        self.texture = torch.cat([textures, F.interpolate(bare, textures.shape[-2:], mode="bilinear")], dim=1)
        self.painter = HeadPainter(self.model, self.skins.lash_alpha, part.things)
        self.worn = self.painter.dress(dice, self.neutral, marks, self.view, PEOPLE)
        self.style = HairStyle(0.9, 0.004, 0.015, 0.0, 0.1, 1.9, 0.3, 0.005, np.array([3.0, 14, -15]))
        numbers = [self.style.scalp, *list(vars(self.style).values())[1:8], *self.style.phase]
        self.styles = Styles.of(torch.tensor(numbers).float().expand(2, -1))
        self.colour = np.array([0.12, 0.06, 0.03])

    def batch(self) -> Drawing:
        barber = Barber(self.model, self.skins.hair_depth)
        for module in (barber, self.painter):
            module.noise = HashedNoise()  # type: ignore[assignment]
        rotation, translation = self.view.rotation, self.view.translation
        sheets: Sheets = barber(self.styles, self.neutral)
        placed: dict[str, Any] = vars(sheets) | {
            "vertices": transform(sheets.vertices, rotation, translation)
        }
        drawn: Drawing = self.painter(
            transform(self.neutral, rotation, translation), self.worn, Sheets(**placed),
            torch.from_numpy(self.colour).float().expand(2, -1), self.texture, torch.full((2,), GLOSS),
            self.view, self.lights,
        )  # fmt: skip
        return drawn

    def single(self, index: int) -> draw.Drawing:
        head = self.neutral[index].numpy()
        faces = torch.from_numpy(self.model.triangles.astype(np.int64))
        normals = vertex_normals(self.neutral[index], faces).numpy()
        sheets = hair.Barber(self.model, vertex_surface(self.model)).sheets(
            self.style, self.colour, head, normals
        )
        towards, colour = self.lights.towards[index].numpy(), self.lights.colour[index].numpy()
        glints = ((towards[0], colour[0]), (towards[-1], colour[-1]))
        light = Light(self.lights.soft[index].numpy(), towards[-1], colour[-1], glints)
        view = self.view
        return draw.HeadPainter(self.model, self.skins.lash_alpha).draw(
            head, self.texture[index].permute(1, 2, 0).contiguous().numpy(), [], sheets,
            (view.camera[index].numpy(), view.rotation[index].numpy(), view.translation[index].numpy()),
            light, GLOSS, SIDE,
        )  # fmt: skip


@pytest.fixture(scope="module")
def shown(bank: Bank) -> _Shown:
    return _Shown(bank)


def _small(values: torch.Tensor) -> np.ndarray:
    """Of a crop's pixels, those of two a side."""
    planes = values.unsqueeze(1) if values.ndim == 3 else values.permute(0, 3, 1, 2)
    pooled = F.avg_pool2d(planes, values.shape[1] // SIDE)
    return (pooled[:, 0] if values.ndim == 3 else pooled.permute(0, 2, 3, 1)).numpy()


def test_heads_look_the_same(shown: _Shown) -> None:
    drawn = shown.batch()
    colour, cover, skin = (_small(part) for part in (drawn.colour, drawn.cover, drawn.skin))
    for index in range(2):
        expected = shown.single(index)
        assert 0.2 < expected.cover.mean() < 0.9
        assert np.abs(cover[index] - expected.cover).mean() < 0.005
        assert np.abs(skin[index] - expected.skin).mean() < 0.01
        off = np.abs(colour[index] - expected.colour)
        assert off.mean() < 0.03 * expected.colour.mean()
        assert np.quantile(off, 0.99) < 0.25 * expected.colour.max()


def test_what_nobody_wears_is_not_drawn(shown: _Shown) -> None:
    assert bool((shown.worn.triangles == shown.worn.triangles[..., :1]).all())


def test_clothes_and_glasses_are_a_persons_hands_come_and_go(bank: Bank, shown: _Shown) -> None:
    from models.data.stream.dice import Dice

    people = torch.arange(12).repeat_interleave(4)
    neutral = shown.neutral[:1].expand(48, -1, -1)
    marks = torch.from_numpy(shown.model.landmarks(shown.model.template)).expand(48, -1, -1)
    view = draw_views(Dice(CPU, 1), marks)
    worn = shown.painter.dress(Dice(CPU, 2), neutral, marks, view, people)
    things = bank.models["anny"].things
    start, there = 0, {}
    for kind in ("clothes", "glasses", "hand", "microphone"):
        count = things[kind].triangles.shape[1]
        part = worn.triangles[:, start : start + count]
        there[kind] = (part != part[..., :1]).any(dim=2).any(dim=1).reshape(12, 4)
        start += count
    assert bool(there["clothes"].all())
    glasses = there["glasses"]
    assert bool((glasses == glasses[:, :1]).all()) and 0 < int(glasses[:, 0].sum()) < 12
    hands = there["hand"]
    assert 0 < int(hands.sum()) < 24 and not bool((hands == hands[:, :1]).all())
