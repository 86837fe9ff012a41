"""Training of the network that sees how a head is turned."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from models.data.expressions import FRAMES
from models.prior.data import SHAPE_COMPONENTS, People
from models.prior.network import TurnNet
from models.prior.training import Recipe

_FRAMES_A_STEP: Final = 256
_UNIT: Final = 0.05  # radians; errors beyond half of it count linearly
_REST_FRAMES: Final = 3
_LOUD: Final = 0.3  # weight of other frames in a reference


def train_turn(people: People, recipe: Recipe) -> TurnNet:
    """Train on single frames of random people; looks, references and mirror images vary as for coefficients.

    Expressions are not mixed: what the landmarks miss of a turn belongs to the picture.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    components = people.frame.shape[-1]
    net = TurnNet(components, min(SHAPE_COMPONENTS, components))
    own = people.frame[0] - people.frame[0][:, :1]
    net.spread.copy_(own.flatten(0, 1).std(dim=0) + 0.3)
    net.shape_spread.copy_(people.frame[0][:, 0, : net.shape].std(dim=0) + 0.3)
    net.usual[0] = people.turn[..., 0].mean()  # of pitch; yaw and roll have none, by symmetry
    optimiser = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.steps)
    for _ in range(recipe.steps):
        side = torch.from_numpy(rng.integers(2, size=_FRAMES_A_STEP))
        who = torch.from_numpy(rng.integers(len(people.number), size=_FRAMES_A_STEP))
        frame = torch.from_numpy(rng.integers(FRAMES, size=_FRAMES_A_STEP))
        lean = rng.uniform(-1, 1, (_FRAMES_A_STEP, 1)) * (rng.random((_FRAMES_A_STEP, 1)) < 0.4)
        jitter = rng.uniform(0, 0.5, (_FRAMES_A_STEP, 1)) * rng.standard_normal((_FRAMES_A_STEP, components))
        seen = people.frame[side, who, frame] + _tensor(lean) * people.noise[side, who, frame]
        seen = seen + _tensor(jitter)
        reference = _reference(people, side, who, rng)
        known = people.usable[who, frame].float()[:, None]
        missed = net(seen - reference, reference[:, : net.shape], people.rotation[side, who, frame])
        off = (missed - people.turn[side, who, frame]) / _UNIT
        loss = known * smooth_l1_loss(off, torch.zeros_like(off), beta=0.5, reduction="none")
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        schedule.step()
    return net.eval()


def _reference(
    people: People, side: Tensor, who: Tensor, rng: np.random.Generator
) -> Float[Tensor, "frames components"]:
    """Some of each person's frames, those at rest before others."""
    calm = np.where(np.arange(FRAMES) < _REST_FRAMES, 1.0, _LOUD)
    weight = rng.random((len(who), FRAMES)) * calm * (rng.random((len(who), FRAMES)) < 0.6)
    weight = _tensor(weight) * people.usable[who]
    weight[:, 0] += 1e-3
    return torch.einsum("bf,bfc->bc", weight / weight.sum(dim=1, keepdim=True), people.frame[side, who])


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))
