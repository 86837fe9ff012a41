"""Endless batches of rendered people for training, on the device that trains."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from core.errors import BadInput
from core.scene.camera import transform
from models.crops import SIDE
from models.data.sample import Batch
from models.data.scene import MODELS
from models.data.shared_identity import SharedIdentity
from models.data.stream.bank import CODE, Bank, ModelBank, linear_pictures
from models.data.stream.dice import Dice
from models.data.stream.draw import Drawing, HeadPainter
from models.data.stream.hair import Barber, Sheets, Styles
from models.data.stream.scene import Lights, View, draw_lights, draw_views
from models.data.stream.sensor import photograph

_SPREADS: Final = (0.7, 1.05)  # standard deviations of the identity coefficients
_PATCHED: Final = 1 / 10


class StreamSource:
    """Batches of ``people`` × ``frames`` pictures; which ones depends on seed, rank and step alone.

    Each batch has people of all models, as many of each, so that no network learns from the company a
    picture is in. Labels are all in the code of one model: of another model's heads, the identity and pose of
    the nearest head of that one (:mod:`models.data.shared_identity`); their albedo is NaN.

    Attributes:
        facts: where everything comes from, for model cards.
    """

    def __init__(
        self, bank: Bank, people: int, frames: int, device: torch.device, seed: int = 0, rank: int = 0
    ) -> None:
        """
        Raises:
            BadInput: the people cannot be shared out among the bank's models.
        """
        if people < len(bank.models) or people % len(bank.models):
            raise BadInput(
                f"{people} people cannot be shared out among {len(bank.models)} face models.",
                "Choose a multiple.",
            )
        self.people, self.frames, self._seed, self._rank = people, frames, seed, rank
        self._device = device
        self._heads = {name: _Heads(part).to(device) for name, part in bank.models.items()}
        self._shared = _SharedCode(bank.shared).to(device) if bank.shared else None
        self._expressions = torch.from_numpy(bank.expressions).to(device)
        self._backgrounds = linear_pictures(bank.backgrounds).to(device)
        self.facts: dict[str, Any] = bank.facts

    @torch.no_grad()
    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        people = self.people // len(self._heads)
        return _joined([self._of_model(name, step, people, k * people) for k, name in enumerate(self._heads)])

    def _of_model(self, name: str, step: int, people: int, first: int) -> Batch:
        """People of one model, numbered from ``first`` in the batch."""
        heads = self._heads[name]
        dice = Dice(self._device, self._seed, self._rank, step, MODELS[name])
        whose = torch.arange(people, device=self._device).repeat_interleave(self.frames)
        spread = dice.uniform(*_SPREADS, people, 1)
        code = spread * dice.normal(1.0, people, len(heads.identity_basis))
        skin = dice.below(len(heads.textures), people)
        expression = self._expressions[dice.below(len(self._expressions), len(whose))]

        neutral = heads.neutral(code)
        sheets = heads.barber(Styles.of(heads.styles[skin]), neutral)
        posed = neutral[whose] + torch.einsum("be,evd->bvd", expression, heads.expression_deltas)
        marks = heads.landmarks(posed)
        view, lights = draw_views(dice, marks), draw_lights(dice, len(whose))
        worn = heads.painter.dress(dice, neutral[whose], marks, view, whose)
        gloss = dice.uniform(0.1, 1.0, self.people)[whose]
        drawing = heads.painter(
            transform(posed, view.rotation, view.translation), worn, _placed(sheets, whose, view),
            heads.hair[skin][whose], heads.textures[skin][whose], gloss, view, lights,
        )  # fmt: skip
        image, bare, white = self._photographed(dice, drawing)
        placed = transform(marks, view.rotation, view.translation)
        return self._labelled(
            name, code[whose], expression, view, lights, placed, image, bare, white, whose + first, step,
            heads.albedo[skin][whose],
        )  # fmt: skip

    def _photographed(self, dice: Dice, drawing: Drawing) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures in [0, 1], masks of bare skin, and the gain that white balance and exposure are."""
        layers = torch.cat([drawing.colour, drawing.cover[..., None], drawing.skin[..., None]], dim=-1)
        small = F.avg_pool2d(layers.permute(0, 3, 1, 2), layers.shape[1] // SIDE)
        colour, cover, skin = small[:, :3], small[:, 3:4], small[:, 4]
        batch = len(colour)
        weight = skin.clamp_min(1e-6)
        bright = (colour.amax(dim=1).square() * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2))
        level = 1.35 * bright.sqrt()  # about the brightest of the skin
        gain = dice.uniform(0.75, 1.2, batch) * (0.62 / level.clamp_min(1e-3)) ** dice.uniform(
            0.5, 0.95, batch
        )
        white = gain[:, None] * torch.exp(dice.normal(0.06, batch, 3))
        behind = self._behind(dice, batch) * dice.uniform(0.3, 1.2, batch)[:, None, None, None]
        linear = colour * white[:, :, None, None] + (1 - cover) * behind
        patch = _patches(dice, batch)
        linear = linear + patch[:, None] * (self._behind(dice, batch) - linear)
        return photograph(dice, linear), skin * (1 - patch), white

    def _behind(self, dice: Dice, batch: int) -> Float[Tensor, "batch 3 side side"]:
        chosen = self._backgrounds[dice.below(len(self._backgrounds), batch)]
        chosen = torch.where(dice.happens(0.5, batch)[:, None, None, None], chosen.flip(-1), chosen)
        return F.interpolate(chosen, size=(SIDE, SIDE), mode="bilinear")

    def _labelled(
        self, name: str, code: Tensor, expression: Tensor, view: View, lights: Lights, placed: Tensor,
        image: Tensor, bare: Tensor, white: Tensor, whose: Tensor, step: int, albedo: Tensor,
    ) -> Batch:  # fmt: skip
        pixels = placed[..., :2] / placed[..., 2:] * view.camera[:, None, :2] + view.camera[:, None, 2:]
        origin = view.translation[:, None, 2:]
        depth = (placed[..., 2:] - origin) * view.camera[:, None, :1] / origin
        rotation, translation = view.rotation, view.translation
        if name != CODE:
            assert self._shared is not None
            code, rotation, translation = self._shared(code, rotation, translation)
            albedo = torch.full_like(albedo, torch.nan)
        first = step * self.people + self._rank * 1_000_000_007
        return Batch(
            image=(255 * image).round().to(torch.uint8).permute(0, 2, 3, 1),
            person=first + whose,
            frame=torch.arange(len(whose), device=whose.device) % self.frames,
            model=CODE,
            skin=torch.where(bare > 0.5, 255, 0).to(torch.uint8),
            identity=code,
            identity_known=torch.ones_like(whose, dtype=torch.bool),
            expression=expression,
            rotation=rotation,
            translation=translation,
            camera=view.camera,
            sh=lights.sh * white[:, None],
            albedo=albedo,
            landmarks=torch.cat([pixels, depth], dim=-1),
        )


class _SharedCode(nn.Module):
    """:class:`~models.data.shared_identity.SharedIdentity` on the device."""

    def __init__(self, shared: SharedIdentity) -> None:
        super().__init__()
        for name, value in vars(shared).items():
            self.register_buffer(name, torch.from_numpy(np.array(value)), persistent=False)

    def forward(
        self, code: Float[Tensor, "batch own"], rotation: Tensor, translation: Tensor
    ) -> tuple[Float[Tensor, "batch modes"], Tensor, Tensor]:
        """Identity and pose of the nearest head of the first model, head to camera."""
        part = dict(self.named_buffers())
        turned = rotation @ part["rotation"]
        scale = code @ part["scale_slope"] + part["scale_offset"]
        place = code @ part["place_slope"] + part["place_offset"]
        moved = scale[:, None] * translation - (turned @ place[..., None])[..., 0]
        return code @ part["matrix"] + part["offset"], turned, moved


class _Heads(nn.Module):
    """One model's people on the device."""

    template: Tensor
    identity_basis: Tensor
    expression_deltas: Tensor
    corners: Tensor
    weights: Tensor
    textures: Tensor
    albedo: Tensor
    hair: Tensor
    styles: Tensor

    def __init__(self, part: ModelBank) -> None:
        super().__init__()
        model, skins = part.model, part.skins
        bare = torch.from_numpy(skins.bare)[:, None].float()
        colours = linear_pictures(skins.textures)
        bare = F.interpolate(bare, size=colours.shape[-2:], mode="bilinear")
        buffers = {
            "template": torch.from_numpy(model.template),
            "identity_basis": torch.from_numpy(model.identity_basis),
            "expression_deltas": torch.from_numpy(model.expression_deltas),
            "corners": torch.from_numpy(model.triangles[model.landmark_triangles].astype("int64")),
            "weights": torch.from_numpy(model.landmark_barycentrics),
            "textures": torch.cat([colours, bare], dim=1).half(),
            "albedo": torch.from_numpy(skins.albedo),
            "hair": torch.from_numpy(skins.hair),
            "styles": torch.from_numpy(skins.styles),
        }
        for name, value in buffers.items():
            self.register_buffer(name, value, persistent=False)
        self.barber = Barber(model, skins.hair_depth)
        self.painter = HeadPainter(model, skins.lash_alpha, part.things)

    def neutral(self, code: Float[Tensor, "people modes"]) -> Float[Tensor, "people vertices 3"]:
        return self.template + torch.einsum("pk,kvd->pvd", code, self.identity_basis)

    def landmarks(self, vertices: Float[Tensor, "batch vertices 3"]) -> Float[Tensor, "batch 478 3"]:
        return (vertices[:, self.corners] * self.weights[..., None]).sum(dim=2)


def _joined(parts: list[Batch]) -> Batch:
    values: dict[str, Any] = {field.name: getattr(parts[0], field.name) for field in fields(Batch)}
    for name, value in values.items():
        if isinstance(value, Tensor):
            values[name] = torch.cat([getattr(part, name) for part in parts])
    return Batch(**values)


def _placed(sheets: Sheets, whose: Int[Tensor, "batch"], view: View) -> Sheets:
    """The hair of each picture's person, before its camera."""
    each = {name: value[whose] for name, value in vars(sheets).items()}
    each["vertices"] = transform(each["vertices"], view.rotation, view.translation)
    return Sheets(**each)


def _patches(dice: Dice, batch: int) -> Float[Tensor, "batch side side"]:
    """Something flat before the camera in a few pictures: a turned box or ellipse; 1 where it is."""
    at = (torch.arange(SIDE, device=dice.device) + 0.5) / SIDE
    centre, size = dice.uniform(0.1, 0.9, batch, 2), dice.uniform(0.05, 0.22, batch, 2)
    turn, power = dice.uniform(0, 3.14, batch), torch.where(dice.happens(0.5, batch), 2.0, 12.0)
    x = at[None, None, :] - centre[:, :1, None]
    y = at[None, :, None] - centre[:, 1:, None]
    c, s = turn.cos()[:, None, None], turn.sin()[:, None, None]
    across, down = (c * x + s * y) / size[:, :1, None], (c * y - s * x) / size[:, 1:, None]
    distance = across.abs() ** power[:, None, None] + down.abs() ** power[:, None, None]
    shown = dice.happens(_PATCHED, batch)[:, None, None]
    return ((1.1 - distance) / 0.2).clamp(0, 1) * shown
