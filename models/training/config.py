"""What a training run is told: a TOML file of settings, and changes to it from the command line."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from core.errors import BadInput
from core.numbers import Number
from models.network_kinds import NETWORK_KINDS, NetworkKind
from models.training.schedule import Schedule

PRECISIONS: Final = ("32-true", "bf16-mixed", "16-mixed")
STREAM: Final = "stream"
"""In place of folders: pictures are rendered while training."""


@dataclass(frozen=True)
class NetworkConfig:
    """One network.

    Attributes:
        name: of its files.
        kind: one of ``models.network_kinds.NETWORK_KINDS``; the name where not given.
        backbone: one of ``models.backbones.BACKBONES``; empty for the paper's.
        backbone_weights: published ImageNet weights to start from.
        start: weights of an earlier run to start from.
        rec_net, et_net: weights of the two networks that ``rec_aug_net`` joins.
        identity, albedo: coefficients it says.
        side: pixels of the pictures it is shown; crops of 224 are made smaller where it is less. A network
            made of others is shown what the one with the largest side is.
        spread: also say how sure it is.
        loss: weights of the papers' terms by name, where they are not the paper's.
        labels: weights of errors against known labels, where they are not the usual ones.
    """

    name: str
    kind: str = ""
    backbone: str = ""
    backbone_weights: str = ""
    start: str = ""
    rec_net: str = ""
    et_net: str = ""
    identity: int = 80
    albedo: int = 48
    side: int = 224
    spread: bool = False
    loss: dict[str, Number] = field(default_factory=dict)
    labels: dict[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingConfig:
    """A run.

    Attributes:
        networks: trained side by side on the same batches.
        data: folders of shards, or ``stream`` alone: rendered while training.
        bank: folder of the bank that ``stream`` renders from.
        validation: folders of people who are not trained on; where there are none, a tenth of the people of
            ``data`` is kept for it.
        model: face model whose identity and albedo the networks speak.
        people, frames: of a batch, in each process.
        steps: of all training.
        rate: learning rate after the warm-up, which then falls as a cosine.
        warm_up: steps over which it rises.
        final_rate: part of it that is left at the end.
        falls_at: part of the steps after which the rate falls to that part at once; 0 for a cosine.
        weight_decay: of AdamW, on what is not a bias or a norm.
        clip: largest norm of a network's gradient.
        precision: one of :data:`PRECISIONS`.
        ema: decay of the running mean of the weights, which is what is kept.
        seed: of weights, order and augmentation.
        augment: change pictures as ``models.data.augment`` does.
        workers: processes that read shards; 0 reads them in this one.
        half: store the weights as half floats.
        log_every, picture_every, validate_every, checkpoint_every: steps between them.
        validation_batches: batches that are validated on.
        most_skipped: steps in a row without a finite gradient after which training stops.
    """

    networks: tuple[NetworkConfig, ...]
    data: tuple[str, ...] = ()
    bank: str = ""
    validation: tuple[str, ...] = ()
    model: str = "anny"
    people: int = 16
    frames: int = 4
    steps: int = 100_000
    rate: Number = 5e-4
    warm_up: int = 1000
    final_rate: Number = 0.01
    falls_at: Number = 0.0
    weight_decay: Number = 0.01
    clip: Number = 1.0
    precision: str = "32-true"
    ema: Number = 0.999
    seed: int = 0
    augment: bool = True
    workers: int = 0
    half: bool = False
    log_every: int = 50
    picture_every: int = 2000
    validate_every: int = 2000
    checkpoint_every: int = 1000
    validation_batches: int = 16
    most_skipped: int = 50


def recipes() -> list[str]:
    """Names of the recipes that come with Semblance."""
    folder = resources.files("models.training") / "recipes"
    return sorted(Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """The settings of a shipped recipe.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in recipes():
        raise BadInput(f"There is no recipe {name!r}.", f"Choose one of {', '.join(recipes())}, or --config.")
    file = resources.files("models.training") / "recipes" / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def read_settings(file: Path) -> dict[str, Any]:
    """The settings of a TOML file.

    Raises:
        BadInput: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror or error}.", "Check its name.") from error
    except ValueError as error:
        raise BadInput(f"{file} is no TOML ({error}).", "See docs/training.md for an example.") from error


def changed(settings: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """Settings with changes ``key=value``; ``networks.NAME.key=value`` changes a network.

    Values are TOML; what is none is text.

    Raises:
        BadInput: a change has no ``=``, or names a network that is not there.
    """
    result = json.loads(json.dumps(settings))  # a deep copy, of TOML's plain values
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not key.strip():
            raise BadInput(f"{change!r} changes nothing.", "Write --set key=value.")
        *path, last = key.strip().split(".")
        table: Any = result
        for part in path:
            table = _entered(table, part, change)
        if not isinstance(table, dict):
            raise BadInput(f"{change!r} names no setting.", "Write --set networks.NAME.key=value.")
        table[last] = _value(text)
    return result


def _entered(table: Any, part: str, change: str) -> Any:
    if isinstance(table, list):
        for entry in table:
            if isinstance(entry, dict) and entry.get("name") == part:
                return entry
        names = ", ".join(str(entry.get("name")) for entry in table if isinstance(entry, dict))
        raise BadInput(f"{change!r} names a network that is not there.", f"There are: {names}.")
    if not isinstance(table, dict):
        raise BadInput(f"{change!r} names no setting.", "See docs/training.md for the settings.")
    return table.setdefault(part, {})


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def make_config(settings: Mapping[str, Any]) -> TrainingConfig:
    """The run that settings describe.

    Raises:
        BadInput: a setting is unknown, missing, of the wrong type or out of range; the message names it.
    """
    config: TrainingConfig = built(TrainingConfig, settings, "")
    _check(config)
    return config


def built(kind: type, table: Any, where: str = "") -> Any:
    """A dataclass of settings, of a table with values of the right types.

    Args:
        where: what goes before a setting's name in messages.

    Raises:
        BadInput: a setting is unknown, missing or of the wrong type.
    """
    if not isinstance(table, Mapping):
        raise BadInput(f"{where or 'The settings'} must be a table.", "See docs/training.md.")
    known = {entry.name: entry for entry in fields(kind)}
    unknown = [f"{where}{name}" for name in table if name not in known]
    if unknown:
        raise BadInput(f"Unknown settings: {', '.join(unknown)}.", f"Known are {', '.join(known)}.")
    needed = [
        name for name, entry in known.items()
        if name not in table and entry.default is MISSING and entry.default_factory is MISSING
    ]  # fmt: skip
    if needed:
        raise BadInput(f"The setting {where}{needed[0]} is missing.", "See docs/training.md.")
    types = get_type_hints(kind)
    return kind(**{name: _typed(types[name], value, f"{where}{name}") for name, value in table.items()})


def _typed(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if not isinstance(value, list | tuple):
            raise BadInput(f"The setting {where} must be a list.", f"Write {where} = [...].")
        if inner is NetworkConfig:
            return tuple(built(inner, entry, f"{where}.") for entry in value)
        return tuple(_typed(inner, entry, where) for entry in value)
    if get_origin(kind) is dict:
        if not isinstance(value, Mapping):
            raise BadInput(f"The setting {where} must be a table.", f"Write [{where}].")
        return {str(name): _typed(Number, entry, f"{where}.{name}") for name, entry in value.items()}
    if kind in (bool, int, str):
        fits = type(value) is kind
    else:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fits:
        name = {bool: "true or false", int: "a whole number", str: "text"}.get(kind, "a number")
        raise BadInput(f"The setting {where} must be {name}, not {value!r}.", "See docs/training.md.")
    return value


def _check(config: TrainingConfig) -> None:
    names = [network.name for network in config.networks]
    if not names or len(set(names)) < len(names):
        raise BadInput("A run needs networks with names of their own.", "Add [[networks]] with a name each.")
    for network in config.networks:
        kind = network.kind or network.name
        if kind not in NETWORK_KINDS:
            raise BadInput(
                f"networks.{network.name}: there is no kind of network {kind!r}.",
                f"Choose kind = one of {', '.join(NETWORK_KINDS)}.",
            )
        if not network.name.replace("-", "").replace("_", "").isalnum():
            raise BadInput(f"{network.name!r} is no name for files.", "Use letters, digits, - and _.")
        if not (32 <= network.side <= 224 and network.identity > 0 and network.albedo > 0):
            raise BadInput(
                f"networks.{network.name}: side must be 32 to 224, identity and albedo 1 or more.",
                "Change them.",
            )
    if config.precision not in PRECISIONS:
        raise BadInput(f"There is no precision {config.precision!r}.", f"Choose {', '.join(PRECISIONS)}.")
    if STREAM in (*config.data, *config.validation) and config.data != (STREAM,):
        raise BadInput("stream cannot be mixed with folders.", 'Write data = ["stream"], or folders alone.')
    for name in (
        "people", "frames", "steps", "log_every", "picture_every", "validate_every", "checkpoint_every",
        "validation_batches", "most_skipped",
    ):  # fmt: skip
        if getattr(config, name) < 1:
            raise BadInput(f"The setting {name} must be 1 or more.", "Change it.")
    for name in ("warm_up", "weight_decay", "workers", "seed"):
        if getattr(config, name) < 0:
            raise BadInput(f"The setting {name} must not be negative.", "Change it.")
    check_rates(config)


def check_rates(config: Schedule) -> None:
    """Of any run.

    Raises:
        BadInput: a rate or a part is out of range.
    """
    parts = (config.final_rate, config.falls_at)
    if not (config.rate > 0 and config.clip > 0 and 0 <= config.ema < 1 and all(0 <= p <= 1 for p in parts)):
        raise BadInput(
            "rate and clip must be above 0, ema from 0 to below 1, final_rate and falls_at from 0 to 1.",
            "Change them.",
        )


def kind_of(network: NetworkConfig) -> NetworkKind:
    """What kind a network of a run is; :func:`make_config` checks that there is such a kind."""
    return NETWORK_KINDS[network.kind or network.name]


def as_settings(config: TrainingConfig) -> dict[str, Any]:
    """What :func:`make_config` takes."""
    settings: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return settings


def as_toml(config: TrainingConfig) -> str:
    """The whole configuration as TOML."""
    settings = as_settings(config)
    lines = [settings_line(name, value) for name, value in settings.items() if name != "networks"]
    for network in settings["networks"]:
        lines += ["", "[[networks]]"]
        lines += [
            settings_line(name, value) for name, value in network.items() if not isinstance(value, dict)
        ]
        for name, table in network.items():
            if isinstance(table, dict) and table:
                lines += [f"[networks.{name}]", *(settings_line(key, value) for key, value in table.items())]
    return "\n".join(lines) + "\n"


def settings_line(name: str, value: Any) -> str:
    """A setting as a line of TOML."""
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"  # JSON's scalars and lists are TOML's
