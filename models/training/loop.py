"""The training loop, on Lightning Fabric: one CPU or GPU, or many through ``torchrun``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from lightning_fabric import Fabric
from torch import Tensor

from core.atomic import staged_output
from core.errors import BadInput, Cancelled, OutputFailed, TrainingDiverged
from core.progress import Progress
from models.data.sample import Batch
from models.outputs import Outputs
from models.rendering import FaceRenderer
from models.training.card import RunFacts, write_card
from models.training.checkpoints import FILE as CHECKPOINT
from models.training.checkpoints import load_checkpoint, save_checkpoint, unreadable
from models.training.config import TrainingConfig, as_toml
from models.training.devices import Device, device_name, make_fabric, quiet
from models.training.objectives import View, make_objective, view_of
from models.training.optimisation import Trainee
from models.training.pictures import picture_of
from models.training.record import Record, Told
from models.training.source import BatchSource, make_source, make_validation_source
from models.training.validation import validate
from models.training.weights import make_network, parameter_count, save_network

CONFIG_FILE: Final = "config.toml"
PREPARING: Final = "preparing"
TRAINING: Final = "training"
WRITING: Final = "writing"
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
    run = _Run(
        config, out, make_fabric(config, device), command, progress or Progress(expected_seconds(config))
    )
    with quiet():
        return run.run(resume, stop, told, sources)


class _Run:
    def __init__(
        self, config: TrainingConfig, out: Path, fabric: Fabric, command: str, progress: Progress
    ) -> None:
        self.config, self.out, self.fabric = config, out, fabric
        self.command, self.progress = command, progress
        self.step, self.seconds = 0, 0.0
        self.losses: dict[str, dict[str, float]] = {}
        self.figures: dict[str, dict[str, float]] = {}

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return bool(self.fabric.is_global_zero)

    def run(
        self,
        resume: bool,
        stop: Callable[[], bool],
        told: Told,
        sources: tuple[BatchSource, BatchSource] | None,
    ) -> Outcome:
        with self.progress.stage(PREPARING):
            self._prepare(resume, sources)
            record = Record(self.out, told) if self.leads else None
        try:
            with self.progress.stage(TRAINING):
                self._loop(stop, record)
            with self.progress.stage(WRITING):
                written = self._write() if self.leads else ()
        finally:
            if record:
                record.close()
        self.fabric.barrier()
        events = bool(record and record.tensorboard)
        return Outcome(written, self.step, self.seconds, self.losses, self.figures, events)

    def _prepare(self, resume: bool, sources: tuple[BatchSource, BatchSource] | None) -> None:
        config, fabric, device = self.config, self.fabric, self.fabric.device
        if (self.out / CHECKPOINT).exists() and not resume:
            raise BadInput(
                f"{self.out} holds a run already.", "Go on with it with --resume, or choose another --out."
            )
        torch.backends.cudnn.benchmark = True
        self.source, self.held_out = sources or (
            make_source(config, device, fabric.global_rank, fabric.world_size),
            make_validation_source(config, device),
        )
        self.trainees = [self._trainee(number) for number in range(len(config.networks))]
        torch.manual_seed(config.seed + fabric.global_rank)
        if resume:
            self._resume()
        if self.leads:
            _make_folder(self.out)
            with staged_output(self.out / CONFIG_FILE) as path:
                path.write_text(as_toml(config), encoding="utf-8")

    def _trainee(self, number: int) -> Trainee:
        network = self.config.networks[number]
        torch.manual_seed(self.config.seed)  # each alone, so that one more changes none of the others
        layout, net = make_network(network, self.config.model)
        head = self.source.head(layout.model) if layout.model else None
        objective = make_objective(network, layout, head)
        return Trainee(network.name, layout, net, objective, self.config, self.fabric)

    def _resume(self) -> None:
        self.step, self.seconds, state = load_checkpoint(self.out, self.config)
        try:
            for trainee in self.trainees:
                trainee.load_state(state[trainee.name])
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            raise unreadable(self.out / CHECKPOINT, error) from error

    def _loop(self, stop: Callable[[], bool], record: Record | None) -> None:
        config, first, began, before = self.config, self.step, time.monotonic(), self.seconds
        saved = self.step
        try:
            while self.step < config.steps:
                self._one_step()
                self.step += 1
                self.seconds = before + time.monotonic() - began
                if self._due(config.log_every):
                    self._log(record)
                    self._tell_time(first, self.seconds - before)
                self._stop_if_asked(stop)
                if self._due(config.validate_every) and self.leads:
                    self._validate(record)
                if self._due(config.picture_every) and self.leads:
                    self._picture(record)
                if self.step % config.checkpoint_every == 0 and self.step < config.steps:
                    self._save()
                    saved = self.step
        except Cancelled:
            if self.step > saved or not (self.out / CHECKPOINT).exists():
                self._save()
            raise Cancelled(
                f"Stopped after {self.step} of {config.steps} steps; --resume goes on from there."
            ) from None
        self._save()

    def _one_step(self) -> None:
        batch = self.source.batch(self.step).to(self.fabric.device)
        views: dict[int, View] = {}
        for trainee in self.trainees:
            side = trainee.layout.side
            if side not in views:
                views[side] = view_of(batch, side)
            trainee.step(views[side], self.step)

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.config.steps

    def _log(self, record: Record | None) -> None:
        for trainee in self.trainees:
            _, in_row = trainee.skipped()
            if in_row >= self.config.most_skipped:
                raise TrainingDiverged(
                    f"{trainee.name} had no finite gradient in {in_row} steps in a row (step {self.step}).",
                    "Lower rate, raise warm_up, or use precision 32-true; --resume goes on from the last "
                    "checkpoint.",
                )
            figures = trainee.figures()
            if figures:
                self.losses[trainee.name] = figures
                if record:
                    record.figures(trainee.name, self.step, figures)

    def _tell_time(self, first: int, seconds: float) -> None:
        """Correct the expected duration by what the steps took, and say how far it is."""
        whole = self.config.steps - first
        taken = seconds / (self.step - first) * whole
        self.progress.expected_seconds = {**self.progress.expected_seconds, TRAINING: taken}
        self.progress.update((self.step - first) / whole)

    def _stop_if_asked(self, stop: Callable[[], bool]) -> None:
        if self.fabric.world_size == 1:
            asked = stop()
        elif self.step % self.config.log_every:
            return  # processes stop at the same step: they agree on it now and then
        else:
            votes = self.fabric.all_reduce(
                torch.tensor(float(stop()), device=self.fabric.device), reduce_op="sum"
            )
            asked = bool(float(votes) if isinstance(votes, Tensor) else votes)
        if asked:
            raise Cancelled()

    def _validation_batches(self) -> Iterator[Batch]:
        for step in range(self.config.validation_batches):
            yield self.held_out.batch(step).to(self.fabric.device)

    def _validate(self, record: Record | None) -> None:
        for trainee in self.trainees:
            with self.fabric.autocast():
                found = validate(Outputs(trainee.mean.net), trainee.objective, self._validation_batches())
            self.figures[trainee.name] = found
            if record and found:
                record.figures(f"validation/{trainee.name}", self.step, found)

    def _picture(self, record: Record | None) -> None:
        batch = self.held_out.batch(0).to(self.fabric.device)
        for trainee in self.trainees:
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

    def _save(self) -> None:
        if self.leads:
            state = {trainee.name: trainee.state() for trainee in self.trainees}
            state["precision"] = self.fabric.strategy.precision.state_dict()
            save_checkpoint(self.out, self.config, self.step, self.seconds, state)
        self.fabric.barrier()

    def _write(self) -> tuple[Path, ...]:
        config, written = self.config, []
        shown = self.step * config.people * config.frames * self.fabric.world_size
        for trainee in self.trainees:
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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(
            f"Cannot make the folder {folder}: {error.strerror or error}.", "Choose another with --out."
        ) from error
