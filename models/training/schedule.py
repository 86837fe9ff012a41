"""The learning rate of each step, and the settings that optimisation looks at."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

from core.numbers import Number


@runtime_checkable
class Schedule(Protocol):
    """The settings of optimisation; ``models.training.config.TrainingConfig`` says what each is."""

    @property
    def steps(self) -> int: ...
    @property
    def rate(self) -> Number: ...
    @property
    def warm_up(self) -> int: ...
    @property
    def final_rate(self) -> Number: ...
    @property
    def falls_at(self) -> Number: ...
    @property
    def weight_decay(self) -> Number: ...
    @property
    def clip(self) -> Number: ...
    @property
    def precision(self) -> str: ...
    @property
    def ema(self) -> Number: ...


def rate_at(step: int, config: Schedule) -> float:
    """The learning rate of a step, counted from 0: a rise over the warm-up, then half a cosine, or a step."""
    if step < config.warm_up:
        return config.rate * (step + 1) / config.warm_up
    if config.falls_at:
        return config.rate * (config.final_rate if step >= config.falls_at * config.steps else 1)
    over = (step - config.warm_up) / max(1, config.steps - config.warm_up)
    left = 0.5 + 0.5 * math.cos(math.pi * min(1.0, over))
    return config.rate * (config.final_rate + (1 - config.final_rate) * left)
