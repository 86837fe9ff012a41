"""Training of the network on rendered people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from models.data.expressions import FRAMES, SHARED
from models.losses.constraints import consistent_loss, exclusive_loss
from models.prior.data import SHAPE_COMPONENTS, People
from models.prior.losses import coefficient_loss
from models.prior.network import Ensemble, Estimate, PriorNet

_REST_FRAMES: Final = 3  # without expression or nearly so; they come first
_EXCLUSIVE_FROM: Final = 2 / 3  # of training, as CPEM does


@dataclass(frozen=True)
class Recipe:
    """What is trained, and how long.

    Attributes:
        steps: of 2 × ``pairs`` × 4 frames.
        members: networks of the ensemble, trained one after the other.
        turning: networks that see how the head is turned.
        identity: weight of eq. 3, on shape and on shared expressions.
        exclusive: weight of eq. 4.
        use_reference: without it, frames are seen against the mean face.
        mix: share of frames mixed with another expression.
        lent: share of those where the other expression is another person's.
    """

    steps: int = 1800
    pairs: int = 32
    members: int = 3
    turning: int = 2
    rate: float = 2e-3
    identity: float = 1.0
    exclusive: float = 0.1
    use_reference: bool = True
    width: int = 256
    depth: int = 2
    dropout: float = 0.1
    mix: float = 0.7
    lent: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class Batch:
    """Frames of pairs of people; the first ``SHARED // 2`` of each person's four show shared expressions."""

    offset: Float[Tensor, "pairs 2 4 components"]
    reference: Float[Tensor, "pairs 2 4 components"]
    rotation: Float[Tensor, "pairs 2 4 9"]
    truth: Float[Tensor, "pairs 2 4 52"]
    known: Float[Tensor, "pairs 2 4 52"]
    to_neutral: Float[Tensor, "pairs 2 4 components"]


def batches(people: People, recipe: Recipe) -> Iterator[Batch]:
    """Random frames without end: looks, references and mirror images vary."""
    rng = np.random.default_rng(recipe.seed)
    pairs = people.pairs
    shared, other = np.arange(_REST_FRAMES, _REST_FRAMES + SHARED), [0, 1, 2, *range(7, FRAMES)]
    while True:
        who = torch.from_numpy(pairs[rng.integers(len(pairs), size=recipe.pairs)])[:, :, None]
        both = rng.permuted(np.tile(shared, (recipe.pairs, 1)), axis=1)[:, None, :2].repeat(2, axis=1)
        single = rng.permuted(np.tile(other, (recipe.pairs, 2, 1)), axis=2)[..., :2]
        frame = torch.from_numpy(np.concatenate([both, single], axis=2))
        side = torch.from_numpy(rng.integers(2, size=recipe.pairs))[:, None, None]
        lean = rng.uniform(-1, 1, frame.shape) * (rng.random(frame.shape) < 0.4)
        look = people.noise[side, who, frame] * torch.from_numpy(lean.astype(np.float32))[..., None]
        jitter = rng.uniform(0, 0.5, (*frame.shape, 1)) * rng.standard_normal(look.shape)
        seen = people.frame[side, who, frame] + look + torch.from_numpy(jitter.astype(np.float32))
        truth = people.truth[side, who, frame]
        second, lender = frame, who.expand(frame.shape)
        if recipe.mix:
            second = torch.from_numpy(rng.integers(1, FRAMES, frame.shape))
            other_person = torch.from_numpy(rng.integers(len(people.number), size=frame.shape))
            lender = torch.where(torch.from_numpy(rng.random(frame.shape) < recipe.lent), other_person, who)
            lender[:, :, :2] = who
            common = rng.integers(_REST_FRAMES, _REST_FRAMES + SHARED, (recipe.pairs, 1, 2))
            second[:, :, :2] = torch.from_numpy(common)
            a, b = _mix_weights(rng, frame.shape, recipe.mix)
            rest = people.frame[side, who, 0]
            moved = people.frame[side, lender, second] - people.frame[side, lender, 0]
            seen = rest + a * (seen - rest) + b * moved
            truth = (a * truth + b * people.truth[side, lender, second]).clamp(0, 1)
        weight = _reference_weights(people, who[:, :, 0].numpy(), rng)
        own = people.frame[side[:, 0], who[:, :, 0]]  # pairs, 2, frames, components
        reference = torch.einsum("abf,abfc->abc", weight, own)[:, :, None]
        if not recipe.use_reference:
            reference = torch.zeros_like(reference)
        reference = reference.expand_as(seen)
        known = people.known[who] * (people.usable[who, frame] & people.usable[lender, second])[..., None]
        yield Batch(
            seen - reference, reference, people.rotation[side, who, frame], truth, known,
            own[:, :, :1] - reference,
        )  # fmt: skip


def _mix_weights(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> tuple[Tensor, Tensor]:
    """Strengths of two expressions; both people of a pair mix shared ones alike."""
    mixed = rng.random(shape) < share
    a = np.where(mixed, rng.uniform(0.4, 1.0, shape), 1.0)
    b = np.where(mixed, rng.uniform(0.0, 0.6, shape), 0.0)
    for weight in (a, b):
        weight[:, 1, : SHARED // 2] = weight[:, 0, : SHARED // 2]
    return tuple(torch.from_numpy(w.astype(np.float32))[..., None] for w in (a, b))  # type: ignore[return-value]


def _reference_weights(people: People, who: ndarray, rng: np.random.Generator) -> Float[Tensor, "p 2 frames"]:
    """How much each frame counts in the reference: the neutral alone, frames at rest, or a muddle of all."""
    shape = (*who.shape, FRAMES)
    usable = people.usable.numpy()[who].astype(float)
    loudness = people.truth[0].sum(dim=-1).numpy()[who]
    neutral = np.zeros(shape)
    neutral[..., 0] = 1
    rest = rng.random(shape) * (np.arange(FRAMES) < _REST_FRAMES) * (rng.random(shape) < 0.6)
    calm = rng.uniform(0.5, 4.0, (*who.shape, 1))
    muddle = rng.random(shape) * np.exp(-loudness / calm) * (rng.random(shape) < 0.7)
    kind = rng.choice(3, who.shape, p=[0.25, 0.35, 0.4])[..., None]
    weight = np.select([kind == 0, kind == 1], [neutral, rest], muddle) * usable
    weight = np.where(weight.sum(-1, keepdims=True) > 1e-6, weight, neutral)
    return torch.from_numpy((weight / weight.sum(-1, keepdims=True)).astype(np.float32))


def train(
    people: People, recipe: Recipe, report: Callable[[int, float], None] = lambda step, loss: None
) -> PriorNet:
    """Train a network; ``report`` gets the step and the mean loss since the last report."""
    torch.manual_seed(recipe.seed)
    components = people.frame.shape[-1]
    net = PriorNet(components, min(SHAPE_COMPONENTS, components), recipe.width, recipe.depth, recipe.dropout)
    own = people.frame[0] - people.frame[0][:, :1]
    net.spread.copy_(own.flatten(0, 1).std(dim=0) + 0.3)
    net.shape_spread.copy_(people.frame[0][:, 0, : net.shape].std(dim=0) + 0.3)
    optimiser = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.steps)
    source, total = batches(people, recipe), 0.0
    for step in range(recipe.steps):
        loss = _loss(net, next(source), recipe, step >= _EXCLUSIVE_FROM * recipe.steps)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        total += loss.item()
        if (step + 1) % 250 == 0:
            report(step + 1, total / 250)
            total = 0.0
    return net.eval()


@torch.no_grad()
def calibrate(net: Ensemble, people: People, recipe: Recipe, rounds: int = 40) -> None:
    """Scale the deviations, unit by unit, to the errors on people that training has not seen."""
    squares, count = torch.zeros(52), torch.zeros(52)
    source = batches(people, recipe)
    for _ in range(rounds):
        batch = next(source)
        flat = [tensor.flatten(0, 2) for tensor in (batch.offset, batch.reference, batch.rotation)]
        estimate = net(flat[0], flat[1][:, : net.shape], flat[2])
        known = batch.known.flatten(0, 2)
        off = (estimate.coefficients - batch.truth.flatten(0, 2)) / estimate.deviation
        squares += (known * off.square()).sum(0)
        count += known.sum(0)
    net.calibration *= (squares / count.clamp_min(1)).sqrt().clamp(0.3, 3.0)


def _loss(net: PriorNet, batch: Batch, recipe: Recipe, late: bool) -> Tensor:
    flat = [tensor.flatten(0, 2) for tensor in (batch.offset, batch.reference, batch.rotation)]
    estimate: Estimate = net(flat[0], flat[1][:, : net.shape], flat[2])
    truth, known = batch.truth.flatten(0, 2), batch.known.flatten(0, 2)
    loss = coefficient_loss(estimate, truth, known)
    spread = net.shape_spread
    away = (estimate.neutral - batch.to_neutral.flatten(0, 2)[:, : net.shape]) / spread
    loss = loss + 0.2 * torch.nn.functional.smooth_l1_loss(away, torch.zeros_like(away))
    if recipe.identity:
        pairs, people, frames = batch.truth.shape[:3]
        neutral = (estimate.neutral + flat[1][:, : net.shape]) / spread
        person = torch.arange(pairs * people).repeat_interleave(frames)
        # two people who make the same face get the same coefficients
        shared = estimate.coefficients.unflatten(0, (pairs, people, frames))[:, :, : SHARED // 2]
        same = torch.arange(pairs * (SHARED // 2)).repeat_interleave(people)
        loss = loss + recipe.identity * (
            0.1 * consistent_loss(neutral, person)
            + consistent_loss(shared.transpose(1, 2).flatten(0, 2), same)
        )
    if recipe.exclusive and late:
        loss = loss + recipe.exclusive * exclusive_loss(estimate.coefficients, truth)
    return loss
