"""``semblance train``: the papers' networks, from a recipe and training sets."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import BadInput, DependencyMissing
from server.cli.interruption import ending_quietly
from server.cli.options import Debug, Json
from server.cli.reporting import Reporter, in_words

_STOPPING = "Stopping after this step; a checkpoint is kept. Press Ctrl-C again to give it up."


class DeviceName(StrEnum):
    """Where to train."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def train(
    name: Annotated[
        str, typer.Argument(help="A recipe; with --config, one of its networks, or all for all of them.")
    ],
    config: Annotated[Path | None, typer.Option(help="Settings (TOML) in place of a recipe's.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the run.", show_default="train-NAME")
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option(help="Folder of semblance data; several with several --data.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of all training.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
    ] = None,
    device: Annotated[DeviceName, typer.Option(help="Where to train.")] = DeviceName.AUTO,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's checkpoint.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train networks. Ctrl-C keeps a checkpoint, from which --resume goes on."""
    folder = out or Path(f"train-{name}")
    engine = _engine(name)
    from models.training.config import changed, read_settings
    from models.training.run import CONFIG_FILE

    kept = folder / CONFIG_FILE
    if resume and config is None and kept.exists():
        settings = read_settings(kept)
    else:
        settings = engine.chosen(read_settings(config), name) if config else engine.read_recipe(name)
    if data:
        settings["data"] = [str(path) for path in data]
    if steps:
        settings["steps"] = steps
    run = engine.make_config(changed(settings, changes or []))
    typed = _command(
        name, config, out, engine.as_settings(run)["data"] if data else [], steps, changes or [], device
    )
    reporter = Reporter(json)

    def told(network: str, step: int, figures: dict[str, float]) -> None:
        reporter.figures(network, step, figures)

    options: dict[str, Any] = {"device": device.value, "resume": resume, "command": typed, "told": told}
    with ending_quietly() as asked:
        stop = _told_once(asked.is_set, reporter)
        if os.environ.get("RANK", "0") != "0":  # another process of torchrun tells
            engine.train(run, folder, stop=stop, **options)
            return
        with reporter.job("train", engine.expected_seconds(run)) as progress:
            made = engine.train(run, folder, progress=progress, stop=stop, **options)
    if not made.tensorboard:
        reporter.warning(
            'TensorBoard is not installed: figures are in figures.jsonl. pip install -e ".[train]"'
        )
    reporter.result(
        f"{', '.join(str(path) for path in made.written)} ({in_words(progress.seconds)})",
        written=[str(path) for path in made.written],
        steps=made.steps,
        seconds=made.seconds,
        losses=made.losses,
        validation=made.validation,
    )


@dataclass(frozen=True)
class _Engine:
    """What trains networks of a sort: crops and their codes, or pairs of pictures."""

    read_recipe: Callable[[str], dict[str, Any]]
    chosen: Callable[[dict[str, Any], str], dict[str, Any]]
    make_config: Callable[[dict[str, Any]], Any]
    as_settings: Callable[[Any], dict[str, Any]]
    expected_seconds: Callable[[Any], dict[str, float]]
    train: Callable[..., Any]


def _engine(name: str) -> _Engine:
    try:
        from models.reenactment import config as pairs
        from models.reenactment import on_clips, training
        from models.training import config as crops
        from models.training import loop
    except ModuleNotFoundError as error:
        if error.name != "lightning_fabric":
            raise
        raise DependencyMissing(
            "Training needs the package lightning-fabric.", 'Run: pip install -e ".[train]"'
        ) from error
    if name in pairs.recipes():
        return _Engine(
            pairs.read_recipe, lambda settings, _: settings, pairs.make_config, pairs.as_settings,
            training.expected_seconds, on_clips.train_on_clips,
        )  # fmt: skip
    return _Engine(
        crops.read_recipe, _chosen, crops.make_config, crops.as_settings, loop.expected_seconds, loop.train
    )


def _chosen(settings: dict[str, Any], name: str) -> dict[str, Any]:
    """The settings with the network of that name alone.

    Raises:
        BadInput: there is none.
    """
    networks = settings.get("networks", [])
    if name == "all" or not isinstance(networks, list):
        return settings
    chosen = [network for network in networks if isinstance(network, dict) and network.get("name") == name]
    if not chosen:
        names = [str(network.get("name")) for network in networks if isinstance(network, dict)]
        raise BadInput(f"The settings have no network {name}.", f"Choose {' or '.join([*names, 'all'])}.")
    return {**settings, "networks": chosen}


def _told_once(asked: Callable[[], bool], reporter: Reporter) -> Callable[[], bool]:
    """``asked``, with a word to the user when it is first true."""
    said = False

    def stop() -> bool:
        nonlocal said
        if asked() and not said:
            said = True
            reporter.warning(_STOPPING)
        return said

    return stop


def _command(
    name: str,
    config: Path | None,
    out: Path | None,
    data: list[str],
    steps: int | None,
    changes: list[str],
    device: DeviceName,
) -> str:
    """What was typed, for the model card."""
    words = ["semblance", "train", name]
    words += ["--config", str(config)] if config else []
    words += ["--out", str(out)] if out else []
    for folder in data:
        words += ["--data", folder]
    words += ["--steps", str(steps)] if steps else []
    for change in changes:
        words += ["--set", change]
    words += ["--device", device.value] if device is not DeviceName.AUTO else []
    return shlex.join(words)
