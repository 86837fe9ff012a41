"""CPEM's ablation on people whose expressions are known: what its two constraints are worth.

    python -m tests.benchmarks.cpem_ablation --bank FOLDER [--seconds 90] [--device cuda] [--out FOLDER]

Three PE-Nets learn side by side from the same pictures, landmarks and skin masks, as in the paper without any
label: with neither constraint, with the identity-consistent one (eq. 3), and with the exclusive one (eq. 4)
in the last third as well. Then they look at people they were not trained on, and their coefficients are
compared with the truth, as in the paper's table 1 (which compares with FEAFA's annotations). The drift is
that of figure 5: how much identities differ between pictures of one person.

A pool of batches is rendered once and repeated, so that the time goes to the networks. The paper trained
300,000 steps on real videos; figures here tell the order of the three, not how good CPEM is.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from core.arkit import ARKIT_INDEX, EXCLUSIVE_PAIRS
from models.data.sample import Batch
from models.training.config import NetworkConfig, TrainingConfig
from models.training.loop import train
from models.training.objectives import view_of
from models.training.source import BatchSource, DataFacts, Head, make_source, make_validation_source
from models.training.weights import load_network

VARIANTS = {
    "neither": {"consistent": 0.0, "exclusive": 0.0},
    "identity": {"consistent": 1000.0, "exclusive": 0.0},
    "identity_exclusive": {"consistent": 1000.0, "exclusive": 10.0},
}
_ACTIVE = 0.3
_CALIBRATION = 6  # steps that tell how many fit into the time


class Pool:
    """The first batches of a source, again and again."""

    def __init__(self, source: BatchSource, count: int) -> None:
        self._source = source
        self._batches = [source.batch(step) for step in range(count)]

    @property
    def facts(self) -> tuple[DataFacts, ...]:
        return self._source.facts

    def batch(self, step: int) -> Batch:
        return self._batches[step % len(self._batches)]

    def head(self, name: str) -> Head:
        return self._source.head(name)


def configuration(options: argparse.Namespace, steps: int) -> TrainingConfig:
    """The three networks."""
    networks = tuple(
        NetworkConfig(
            name=name, kind="pe_net", backbone=options.backbone, identity=80, albedo=48, side=options.side,
            loss={"photometric": options.photometric, **weights},
        )
        for name, weights in VARIANTS.items()
    )  # fmt: skip
    return TrainingConfig(
        networks=networks, data=("stream",), bank=str(options.bank), people=options.people, frames=4,
        steps=steps, rate=options.rate, warm_up=min(100, steps // 10), ema=0.995, clip=5.0, seed=options.seed,
        precision="bf16-mixed" if options.device == "cuda" else "32-true", log_every=100,
        picture_every=10 * steps, validate_every=10 * steps, checkpoint_every=10 * steps,
        validation_batches=1,
    )  # fmt: skip


@torch.no_grad()
def look(file: Path, batches: list[Batch]) -> list[float]:
    """A row: errors of all units and of active ones, what is found of these, drift, contradictions."""
    layout, net = load_network(file)
    net = net.to(batches[0].image.device)
    rows: list[Tensor] = []
    a, b = ([ARKIT_INDEX[pair[k]] for pair in EXCLUSIVE_PAIRS] for k in (0, 1))
    for batch in batches:
        view = view_of(batch, layout.side)
        code = net(view.observed.image, view.camera)
        assert batch.expression is not None
        error, active = (code.expression - batch.expression).abs(), batch.expression > _ACTIVE
        own = code.identity.reshape(-1, 4, code.identity.shape[1])
        drift = (own[:, 1:] - own[:, :1]).abs().mean()
        weaker = torch.minimum(code.expression[:, a], code.expression[:, b]).mean()
        middle = (code.expression[active] / batch.expression[active]).mean()
        rows.append(torch.stack([error.mean(), error[active].mean(), middle, drift, weaker]))
    return torch.stack(rows).mean(dim=0).tolist()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True, help="of semblance data bank")
    parser.add_argument("--seconds", type=float, default=90.0, help="of training")
    parser.add_argument("--steps", type=int, help="in place of a time")
    parser.add_argument("--pool", type=int, default=40, help="batches that are trained on")
    parser.add_argument("--people", type=int, default=48, help="of a batch; four pictures of each")
    parser.add_argument("--side", type=int, default=112)
    parser.add_argument("--backbone", default="resnet18_32")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--photometric", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--out", type=Path, default=Path("ablation"))
    options = parser.parse_args()
    config, device = configuration(options, 1000), torch.device(options.device)
    sources = Pool(make_source(config, device), options.pool), Pool(make_validation_source(config, device), 8)
    steps = options.steps or fitting(options, config, sources)
    config = configuration(options, steps)
    begun = time.monotonic()
    train(config, options.out / "run", device=options.device, sources=sources)
    pictures = options.pool * options.people * 4
    print(
        f"{steps} steps in {time.monotonic() - begun:.0f} s on {options.device}, {options.people} people of "
        f"4 pictures each, {pictures} pictures in all; tested on {8 * options.people} other people"
    )
    print(f"{'':20s}{'all 52':>9s}{f'true > {_ACTIVE}':>12s}{'found/true':>12s}{'drift':>8s}{'weaker':>9s}")
    held = [sources[1].batch(step) for step in range(8)]
    assert held[0].expression is not None
    zeros = torch.cat([batch.expression for batch in held if batch.expression is not None])
    print(f"{'nothing (all 0)':20s}{zeros.mean():9.4f}{zeros[zeros > _ACTIVE].mean():12.3f}{0:12.2f}")
    for name in VARIANTS:
        row = look(options.out / "run" / f"{name}.safetensors", held)
        print(f"{name:20s}{row[0]:9.4f}{row[1]:12.3f}{row[2]:12.2f}{row[3]:8.3f}{row[4]:9.4f}", flush=True)


def fitting(options: argparse.Namespace, config: TrainingConfig, sources: tuple[Pool, Pool]) -> int:
    """How many steps the time allows, by a few that are thrown away."""
    warm = replace(config, steps=_CALIBRATION)
    train(warm, options.out / "calibration-1", device=options.device, sources=sources)
    begun = time.monotonic()
    train(replace(warm, steps=5 * _CALIBRATION), options.out / "calibration-2", device=options.device,
          sources=sources)  # fmt: skip
    a_step = (time.monotonic() - begun) / (5 * _CALIBRATION)
    return max(30, int((options.seconds - (time.monotonic() - begun)) / a_step))


if __name__ == "__main__":
    main()
