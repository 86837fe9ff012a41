"""What a training run of the reenactment networks is told: a TOML file, and changes to it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

from core.errors import BadInput
from core.numbers import Number
from models.reenactment.losses import LossWeights
from models.reenactment.settings import SETTINGS, GuidedSettings
from models.training.config import PRECISIONS, built, check_rates, settings_line

GUIDANCE: Final = ("flow", "occlusion", "synthesis")
"""What ``without`` may leave out (the paper's table 3)."""

SAME: Final = ("network", "without", "pairs", "seed")
"""What a run keeps to its end."""

_POSITIVE: Final = (
    "pairs", "scales", "steps", "log_every", "picture_every", "validate_every", "checkpoint_every",
    "validation_batches", "most_skipped",
)  # fmt: skip


@dataclass(frozen=True)
class ReenactmentConfig:
    """A run.

    Attributes:
        name: of its files.
        network: one of ``models.reenactment.settings.SETTINGS``; the name where not given.
        without: of :data:`GUIDANCE`, what the networks must do without.
        start: weights of an earlier run to start from, such as those to be made one actor's.
        vgg19: torchvision's weights of VGG-19 for perceptual losses; EfficientNet-Lite0's where not given.
        data, validation: what pairs are made from; whoever opens them knows what the names mean.
        pairs: of a batch, in each process.
        scales: of the reconstruction loss (eq. 8).
        loss: weights of ``models.reenactment.losses.LossWeights``, where they are not the paper's.
        steps, rate, warm_up, final_rate, falls_at, weight_decay, clip, precision, ema, seed, half, log_every,
            picture_every, validate_every, checkpoint_every, validation_batches, most_skipped: as of
            ``models.training.config.TrainingConfig``.
    """

    name: str
    network: str = ""
    without: tuple[str, ...] = ()
    start: str = ""
    vgg19: str = ""
    data: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    pairs: int = 8
    scales: int = 4
    loss: dict[str, Number] = field(default_factory=dict)
    steps: int = 100_000
    rate: Number = 1e-4
    warm_up: int = 0
    final_rate: Number = 0.1
    falls_at: Number = 0.0
    weight_decay: Number = 0.0
    clip: Number = 1.0
    precision: str = "32-true"
    ema: Number = 0.999
    seed: int = 0
    half: bool = False
    log_every: int = 50
    picture_every: int = 1000
    validate_every: int = 1000
    checkpoint_every: int = 500
    validation_batches: int = 8
    most_skipped: int = 50

    @property
    def weights(self) -> LossWeights:
        """Of the losses."""
        return replace(LossWeights(), **self.loss)

    @property
    def settings(self) -> GuidedSettings:
        """Of the networks."""
        left_out = {f"{name}_guidance": False for name in self.without}
        return replace(SETTINGS[self.network or self.name], **left_out)  # type: ignore[arg-type]


def recipes() -> list[str]:
    """Names of the recipes that come with Semblance."""
    folder = resources.files("models.reenactment") / "recipes"
    return sorted(Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """The settings of a shipped recipe.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in recipes():
        raise BadInput(f"There is no recipe {name!r}.", f"Choose one of {', '.join(recipes())}, or --config.")
    file = resources.files("models.reenactment") / "recipes" / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def make_config(settings: Mapping[str, Any]) -> ReenactmentConfig:
    """The run that settings describe.

    Raises:
        BadInput: a setting is unknown, missing, of the wrong type or out of range; the message names it.
    """
    config: ReenactmentConfig = built(ReenactmentConfig, settings)
    network = config.network or config.name
    if network not in SETTINGS:
        raise BadInput(f"There is no network {network!r}.", f"Choose network = one of {', '.join(SETTINGS)}.")
    if not config.name.replace("-", "").replace("_", "").isalnum():
        raise BadInput(f"{config.name!r} is no name for files.", "Use letters, digits, - and _.")
    for names, known, where in (
        (config.without, GUIDANCE, "without"),
        (config.loss, [entry.name for entry in fields(LossWeights)], "loss"),
        ([config.precision], PRECISIONS, "precision"),
    ):
        unknown = [name for name in names if name not in known]
        if unknown:
            raise BadInput(f"The setting {where} has no {', '.join(unknown)}.", f"Known: {', '.join(known)}.")
    for name in _POSITIVE:
        if getattr(config, name) < 1:
            raise BadInput(f"The setting {name} must be 1 or more.", "Change it.")
    for name in ("warm_up", "weight_decay", "seed"):
        if getattr(config, name) < 0:
            raise BadInput(f"The setting {name} must not be negative.", "Change it.")
    check_rates(config)
    return config


def as_settings(config: ReenactmentConfig) -> dict[str, Any]:
    """What :func:`make_config` takes."""
    settings: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return settings


def as_toml(config: ReenactmentConfig) -> str:
    """The whole configuration as TOML."""
    settings = as_settings(config)
    loss = settings.pop("loss")
    lines = [settings_line(name, value) for name, value in settings.items()]
    if loss:
        lines += ["", "[loss]", *(settings_line(name, value) for name, value in loss.items())]
    return "\n".join(lines) + "\n"
