"""Training of the reenactment networks, on pairs of frames with the guidance between them.

It is a run as any other (``models.training.run``): resumable, with checkpoints, figures and pictures. What
``models.training.loop`` adds to that is about crops, face codes and their renderer, and about people × frames
of one folder; none of it fits pairs, which have no labels but the picture itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt8
from lightning_fabric import Fabric
from numpy import ndarray
from torch import Tensor

from core.atomic import staged_output
from core.errors import BadInput
from core.progress import Progress
from models.losses.features import PerceptualFeatures, load_features
from models.reenactment.batch import GuidanceBatch
from models.reenactment.card import write_card
from models.reenactment.config import SAME, ReenactmentConfig, as_settings, as_toml
from models.reenactment.files import ReenactmentCard, load_guided, save_guided
from models.reenactment.guided_net import GuidedNet, Reenacted
from models.reenactment.losses import loss_terms, picture_figures
from models.reenactment.warping import warp
from models.training.devices import Device, device_name, make_fabric, quiet
from models.training.optimisation import Learner
from models.training.record import Record, Told
from models.training.run import PREPARING, TRAINING, WRITING, Run
from models.training.source import DataFacts

_SECONDS_A_PAIR: Final = 0.4  # on two cores, before any was timed
_SHOWN: Final = 6  # pairs of a picture


@runtime_checkable
class PairSource(Protocol):
    """Batches of pairs, each a function of its number, so that a run resumes exactly.

    Attributes:
        facts: where the pairs come from; ``people`` and ``pictures`` count clips and frames.
    """

    @property
    def facts(self) -> tuple[DataFacts, ...]: ...

    def batch(self, step: int) -> GuidanceBatch:
        """The batch of a step: always the same one. Steps come mostly in order."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a run made; as ``models.training.loop.Outcome``, of one network."""

    written: tuple[Path, ...]
    steps: int
    seconds: float
    losses: dict[str, float]
    validation: dict[str, float]
    tensorboard: bool


def expected_seconds(config: ReenactmentConfig) -> dict[str, float]:
    """Stages and rough durations, for :class:`core.progress.Progress`; the run corrects them."""
    return {PREPARING: 5.0, TRAINING: config.steps * config.pairs * _SECONDS_A_PAIR, WRITING: 5.0}


def train(
    config: ReenactmentConfig,
    out: Path,
    source: PairSource,
    held_out: PairSource,
    *,
    device: Device = "auto",
    resume: bool = False,
    command: str = "",
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
    told: Told = lambda name, step, figures: None,
) -> Outcome:
    """Train the two networks together and write their files.

    Args:
        source, held_out: pairs to train and to validate on; in each process of several, its own.
        out, resume, command, progress, stop, told: as of ``models.training.loop.train``.

    Raises:
        BadInput: settings do not fit each other or the device, or ``out`` holds a run already.
        Cancelled: the run was stopped; its checkpoint says where.
        DependencyMissing: there are no weights for the perceptual losses.
        ModelMissing, ModelUnreadable: weights to start from, of VGG-19, or the checkpoint.
        OutputFailed: the folder cannot be written or the disk is full.
        TrainingDiverged: too many steps in a row had no finite gradient.
    """
    told_to = progress or Progress(expected_seconds(config))
    run = _Run(config, out, make_fabric(config, device), told_to, command, (source, held_out))
    with quiet():
        written, events = run.run(resume, stop, told)
    name = config.name
    return Outcome(
        written, run.step, run.seconds, run.losses.get(name, {}), run.figures.get(name, {}), events
    )


class _Run(Run):
    learner: Learner[GuidedNet]
    features: PerceptualFeatures | None

    def __init__(
        self, config: ReenactmentConfig, out: Path, fabric: Fabric, progress: Progress, command: str,
        sources: tuple[PairSource, PairSource],
    ) -> None:  # fmt: skip
        super().__init__(config, as_settings(config), SAME, as_toml(config), out, fabric, progress)
        self.config, self.command = config, command
        self.source, self.held_out = sources

    def prepare(self) -> None:
        config = self.config
        torch.manual_seed(config.seed)
        net = GuidedNet(config.settings)
        if config.start:
            card, net = load_guided(Path(config.start))
            if card.settings != config.settings:
                raise BadInput(f"{config.start} is of another network than {config.name}.", "Give its own.")
        self.learner = Learner(config.name, net.train(), config, self.fabric)
        self.learners = [self.learner]
        self.features = None
        if config.weights.content or config.weights.style:
            self.features = load_features(Path(config.vgg19) if config.vgg19 else None)
            self.features.to(self.fabric.device)

    def one_step(self) -> None:
        batch = self.source.batch(self.step).to(self.fabric.device)
        said = Reenacted(*self.learner.module(*batch.guidance))
        with self.fabric.autocast():
            terms = loss_terms(said, batch, self.features, self.config.weights, self.config.scales)
        self.learner.learn(terms, self.step)

    @torch.no_grad()
    def validate(self, record: Record | None) -> None:
        """L1 and PSNR on held-out pairs, of the network, of warping by the computed flow, and of copying."""
        sums: dict[str, list[float]] = {}
        for step in range(self.config.validation_batches):
            batch = self.held_out.batch(step).to(self.fabric.device)
            said = Reenacted(*self.learner.mean.net(*batch.guidance))
            for name, images in (
                ("", said.picture), ("_warped", warp(batch.source, batch.flow)), ("_copied", batch.source),
            ):  # fmt: skip
                for figure, value in picture_figures(images, batch.target).items():
                    sums.setdefault(figure + name, []).append(value)
            sums.setdefault("generated", []).append(float(said.generated.mean()))
        found = {name: float(np.mean(values)) for name, values in sums.items()}
        self.figures[self.learner.name] = found
        if record:
            record.figures(f"validation/{self.learner.name}", self.step, found)

    @torch.no_grad()
    def picture(self, record: Record | None) -> None:
        batch = self.held_out.batch(0).to(self.fabric.device).first(_SHOWN)
        said = Reenacted(*self.learner.mean.net(*batch.guidance))
        if record:
            record.picture(self.learner.name, self.step, picture_of(batch, said))

    def write(self) -> tuple[Path, ...]:
        config, name = self.config, self.config.name
        text = write_card(
            config, [*self.source.facts], [*self.held_out.facts], steps=self.step, seconds=self.seconds,
            device=device_name(self.fabric.device), processes=self.fabric.world_size,
            skipped=self.learner.skipped()[0], losses=self.losses.get(name, {}),
            validation=self.figures.get(name, {}), command=self.command,
            parameters=sum(value.numel() for value in self.learner.net.parameters()),
        )  # fmt: skip
        weights, card = self.out / f"{name}.safetensors", self.out / f"{name}.card.md"
        side = self.held_out.batch(0).side
        save_guided(self.learner.mean.net, ReenactmentCard(name, config.settings, side), weights, config.half)
        with staged_output(card) as path:
            path.write_text(text, encoding="utf-8")
        return weights, card


def picture_of(batch: GuidanceBatch, said: Reenacted) -> UInt8[ndarray, "height width 3"]:
    """A row for each pair: source, warped, render, picture, truth, blend, O, and 4 × the error."""
    error = 4 * (said.picture.clamp(0, 1) - batch.target).abs()
    columns: list[Any] = [
        batch.source, warp(batch.source, batch.flow), batch.render, said.picture, batch.target,
        said.generated.expand(-1, 3, -1, -1), said.occlusion.expand(-1, 3, -1, -1), error,
    ]  # fmt: skip
    rows: Tensor = torch.cat([column.float().clamp(0, 1) for column in columns], dim=3)
    whole = torch.cat(list(rows), dim=1)
    coded = (255 * whole).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(coded)
