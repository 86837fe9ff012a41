"""What every training run does, whatever it trains: steps, figures, checkpoints, and going on from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import torch
from lightning_fabric import Fabric
from torch import Tensor

from core.atomic import staged_output
from core.errors import BadInput, Cancelled, OutputFailed, TrainingDiverged
from core.progress import Progress
from models.training.checkpoints import FILE as CHECKPOINT
from models.training.checkpoints import load_checkpoint, save_checkpoint, unreadable
from models.training.optimisation import Learner
from models.training.record import Record, Told
from models.training.schedule import Schedule

CONFIG_FILE: Final = "config.toml"
PREPARING: Final = "preparing"
TRAINING: Final = "training"
WRITING: Final = "writing"


@runtime_checkable
class RunConfig(Schedule, Protocol):
    """The settings that a run looks at; ``models.training.config.TrainingConfig`` says what each is."""

    @property
    def log_every(self) -> int: ...
    @property
    def picture_every(self) -> int: ...
    @property
    def validate_every(self) -> int: ...
    @property
    def checkpoint_every(self) -> int: ...
    @property
    def most_skipped(self) -> int: ...
    @property
    def seed(self) -> int: ...


class Run:
    """A run in a folder. What is trained, and on what, say the methods that raise ``NotImplementedError``.

    Args:
        settings: all of ``config`` as plain values, for the checkpoint.
        same: names of those that a run keeps to its end.
        text: all of ``config`` as TOML, for the folder.

    Attributes:
        step, seconds: done in all.
        losses, figures: mean terms of the last steps and validation figures, by learner.
    """

    learners: Sequence[Learner]

    def __init__(
        self, config: RunConfig, settings: dict[str, Any], same: Sequence[str], text: str, out: Path,
        fabric: Fabric, progress: Progress,
    ) -> None:  # fmt: skip
        self.schedule, self.out, self.fabric, self.progress = config, out, fabric, progress
        self._settings, self._same, self._text = settings, same, text
        self.step, self.seconds = 0, 0.0
        self.losses: dict[str, dict[str, float]] = {}
        self.figures: dict[str, dict[str, float]] = {}

    def prepare(self) -> None:
        """Open the data and make :attr:`learners`."""
        raise NotImplementedError

    def one_step(self) -> None:
        """Train all learners on the batch of :attr:`step`."""
        raise NotImplementedError

    def validate(self, record: Record | None) -> None:
        """Fill :attr:`figures` and record them."""
        raise NotImplementedError

    def picture(self, record: Record | None) -> None:
        """Record pictures of what the learners say."""
        raise NotImplementedError

    def write(self) -> tuple[Path, ...]:
        """Write what the run was for."""
        raise NotImplementedError

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return bool(self.fabric.is_global_zero)

    def run(self, resume: bool, stop: Callable[[], bool], told: Told) -> tuple[tuple[Path, ...], bool]:
        """All of it: what was written, and whether there are TensorBoard events."""
        with self.progress.stage(PREPARING):
            self._prepare(resume)
            record = Record(self.out, told) if self.leads else None
        try:
            with self.progress.stage(TRAINING):
                self._loop(stop, record)
            with self.progress.stage(WRITING):
                written = self.write() if self.leads else ()
        finally:
            if record:
                record.close()
        self.fabric.barrier()
        return written, bool(record and record.tensorboard)

    def _prepare(self, resume: bool) -> None:
        if (self.out / CHECKPOINT).exists() and not resume:
            raise BadInput(
                f"{self.out} holds a run already.", "Go on with it with --resume, or choose another --out."
            )
        torch.backends.cudnn.benchmark = True
        self.prepare()
        torch.manual_seed(self.schedule.seed + self.fabric.global_rank)
        if resume:
            self._resume()
        if self.leads:
            _make_folder(self.out)
            with staged_output(self.out / CONFIG_FILE) as path:
                path.write_text(self._text, encoding="utf-8")

    def _resume(self) -> None:
        self.step, self.seconds, state = load_checkpoint(self.out, self._settings, self._same)
        try:
            for learner in self.learners:
                learner.load_state(state[learner.name])
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            raise unreadable(self.out / CHECKPOINT, error) from error

    def _loop(self, stop: Callable[[], bool], record: Record | None) -> None:
        config, first, began, before = self.schedule, self.step, time.monotonic(), self.seconds
        saved = self.step
        try:
            while self.step < config.steps:
                self.one_step()
                self.step += 1
                self.seconds = before + time.monotonic() - began
                if self._due(config.log_every):
                    self._log(record)
                    self._tell_time(first, self.seconds - before)
                self._stop_if_asked(stop)
                if self._due(config.validate_every) and self.leads:
                    self.validate(record)
                if self._due(config.picture_every) and self.leads:
                    self.picture(record)
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

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.schedule.steps

    def _log(self, record: Record | None) -> None:
        for learner in self.learners:
            _, in_row = learner.skipped()
            if in_row >= self.schedule.most_skipped:
                raise TrainingDiverged(
                    f"{learner.name} had no finite gradient in {in_row} steps in a row (step {self.step}).",
                    "Lower rate, raise warm_up, or use precision 32-true; --resume goes on from the last "
                    "checkpoint.",
                )
            figures = learner.figures()
            if figures:
                self.losses[learner.name] = figures
                if record:
                    record.figures(learner.name, self.step, figures)

    def _tell_time(self, first: int, seconds: float) -> None:
        """Correct the expected duration by what the steps took, and say how far it is."""
        whole = self.schedule.steps - first
        taken = seconds / (self.step - first) * whole
        self.progress.expected_seconds = {**self.progress.expected_seconds, TRAINING: taken}
        self.progress.update((self.step - first) / whole)

    def _stop_if_asked(self, stop: Callable[[], bool]) -> None:
        if self.fabric.world_size == 1:
            asked = stop()
        elif self.step % self.schedule.log_every:
            return  # processes stop at the same step: they agree on it now and then
        else:
            votes = self.fabric.all_reduce(
                torch.tensor(float(stop()), device=self.fabric.device), reduce_op="sum"
            )
            asked = bool(float(votes) if isinstance(votes, Tensor) else votes)
        if asked:
            raise Cancelled()

    def _save(self) -> None:
        if self.leads:
            state: dict[str, Any] = {learner.name: learner.state() for learner in self.learners}
            state["precision"] = self.fabric.strategy.precision.state_dict()
            save_checkpoint(self.out, self._settings, self.step, self.seconds, state)
        self.fabric.barrier()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(
            f"Cannot make the folder {folder}: {error.strerror or error}.", "Choose another with --out."
        ) from error
