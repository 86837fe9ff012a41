"""The training loop, on Lightning Fabric: one CPU or GPU, or many through ``torchrun``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from lightning_fabric import Fabric

from core.atomic import staged_output
from core.progress import Progress
from models.data.sample import Batch
from models.outputs import Outputs
from models.rendering import FaceRenderer
from models.training.card import RunFacts, write_card
from models.training.config import TrainingConfig, as_settings, as_toml
from models.training.devices import Device, device_name, make_fabric, quiet
from models.training.objectives import View, make_objective, view_of
from models.training.optimisation import Trainee
from models.training.pictures import picture_of
from models.training.record import Record, Told
from models.training.run import PREPARING, TRAINING, WRITING, Run
from models.training.source import BatchSource, make_source, make_validation_source
from models.training.validation import validate
from models.training.weights import make_network, parameter_count, save_network

_SAME: Final = ("networks", "model", "people", "frames", "seed")  # what a run keeps to its end
_SECONDS_A_PICTURE: Final = 0.03  # on two cores, before any was timed


@dataclass(frozen=True)
class Outcome:
    """What a run made.

    Attributes:
        written: files, in every network's turn weights and card.
        steps: done in all; ``seconds`` too.
        losses: mean terms of the last steps by network.
        validation: figures by network.
        tensorboard: whether there are TensorBoard events.
    """

    written: tuple[Path, ...]
    steps: int
    seconds: float
    losses: dict[str, dict[str, float]]
    validation: dict[str, dict[str, float]]
    tensorboard: bool


def expected_seconds(config: TrainingConfig) -> dict[str, float]:
    """Stages and rough durations, for :class:`core.progress.Progress`; the loop corrects them as it runs."""
    batch = config.people * config.frames * len(config.networks)
    return {PREPARING: 5.0, TRAINING: config.steps * batch * _SECONDS_A_PICTURE, WRITING: 5.0}


def train(
    config: TrainingConfig,
    out: Path,
    *,
    device: Device = "auto",
    resume: bool = False,
    command: str = "",
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
    told: Told = lambda name, step, figures: None,
    sources: tuple[BatchSource, BatchSource] | None = None,
) -> Outcome:
    """Train the networks of a run and write their files.

    Args:
        out: folder of the run; made where it is not there.
        resume: go on from the checkpoint in it.
        command: for the model card.
        progress: must know the stages of :func:`expected_seconds`.
        stop: asked after every step; true keeps a checkpoint and ends the run.
        told: gets losses and validation figures.
        sources: batches to train and to validate on, in place of those of ``config.data``.

    Raises:
        BadInput: settings do not fit each other or the device, or ``out`` holds a run and ``resume`` was not
            asked for.
        Cancelled: the run was stopped; its checkpoint says where.
        DataUnreadable: a shard is damaged.
        ModelMissing, ModelUnreadable: weights to start from, a face model or the checkpoint.
        OutputFailed: the folder cannot be written or the disk is full.
        TrainingDiverged: too many steps in a row had no finite gradient.
    """
    told_to = progress or Progress(expected_seconds(config))
    run = _Run(config, out, make_fabric(config, device), command, told_to, sources)
    with quiet():
        written, events = run.run(resume, stop, told)
    return Outcome(written, run.step, run.seconds, run.losses, run.figures, events)


class _Run(Run):
    learners: list[Trainee]

    def __init__(
        self,
        config: TrainingConfig,
        out: Path,
        fabric: Fabric,
        command: str,
        progress: Progress,
        sources: tuple[BatchSource, BatchSource] | None,
    ) -> None:
        super().__init__(config, as_settings(config), _SAME, as_toml(config), out, fabric, progress)
        self.config, self.command, self._sources = config, command, sources

    def prepare(self) -> None:
        config, fabric, device = self.config, self.fabric, self.fabric.device
        self.source, self.held_out = self._sources or (
            make_source(config, device, fabric.global_rank, fabric.world_size),
            make_validation_source(config, device),
        )
        self.learners = [self._trainee(number) for number in range(len(config.networks))]

    def _trainee(self, number: int) -> Trainee:
        network = self.config.networks[number]
        torch.manual_seed(self.config.seed)  # each alone, so that one more changes none of the others
        layout, net = make_network(network, self.config.model)
        head = self.source.head(layout.model) if layout.model else None
        objective = make_objective(network, layout, head)
        return Trainee(network.name, layout, net, objective, self.config, self.fabric)

    def one_step(self) -> None:
        batch = self.source.batch(self.step).to(self.fabric.device)
        views: dict[int, View] = {}
        for trainee in self.learners:
            side = trainee.layout.side
            if side not in views:
                views[side] = view_of(batch, side)
            trainee.step(views[side], self.step)

    def _validation_batches(self) -> Iterator[Batch]:
        for step in range(self.config.validation_batches):
            yield self.held_out.batch(step).to(self.fabric.device)

    def validate(self, record: Record | None) -> None:
        for trainee in self.learners:
            with self.fabric.autocast():
                found = validate(Outputs(trainee.mean.net), trainee.objective, self._validation_batches())
            self.figures[trainee.name] = found
            if record and found:
                record.figures(f"validation/{trainee.name}", self.step, found)

    def picture(self, record: Record | None) -> None:
        batch = self.held_out.batch(0).to(self.fabric.device)
        for trainee in self.learners:
            picture = picture_of(
                Outputs(trainee.mean.net), trainee.objective, batch, self._renderer(batch, trainee)
            )
            if record and picture is not None:
                record.picture(trainee.name, self.step, picture)

    def _renderer(self, batch: Batch, trainee: Trainee) -> FaceRenderer | None:
        """What draws the batch's own heads, for a network that has none."""
        if trainee.objective.renderer is not None or not batch.model:
            return None
        head = self.held_out.head(batch.model)
        side = trainee.layout.side
        return FaceRenderer(head.model, head.albedo_mean, head.albedo_modes, side).to(self.fabric.device)

    def write(self) -> tuple[Path, ...]:
        config, written = self.config, []
        shown = self.step * config.people * config.frames * self.fabric.world_size
        for trainee in self.learners:
            weights = self.out / f"{trainee.name}.safetensors"
            save_network(trainee.mean.net, trainee.layout, weights, config.half)
            facts = RunFacts(
                steps=self.step, seconds=self.seconds, pictures=shown, skipped=trainee.skipped()[0],
                device=device_name(self.fabric.device), processes=self.fabric.world_size,
                losses=self.losses.get(trainee.name, {}), validation=self.figures.get(trainee.name, {}),
                command=self.command,
            )  # fmt: skip
            text = write_card(
                trainee.name, trainee.layout, parameter_count(trainee.net), config, self.source.facts,
                self.held_out.facts, facts,
            )  # fmt: skip
            card = self.out / f"{trainee.name}.card.md"
            with staged_output(card) as path:
                path.write_text(text, encoding="utf-8")
            written += [weights, card]
        return tuple(written)
