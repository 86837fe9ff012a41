"""Train the landmark prior on rendered people.

    python -m models.prior.train --data FOLDER [--out FILE.onnx] [--models anny,ict] [--steps N]

A tenth of the people are kept from training; the deviations are calibrated on them and scores printed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from core.errors import BadInput, SemblanceError
from models.prior.data import Basis, held_out, learn_basis, load_people
from models.prior.evaluate import Result, evaluate, people_clips
from models.prior.export import export
from models.prior.network import Ensemble, PriorNet
from models.prior.prior import SHIPPED, LandmarkPrior
from models.prior.training import Recipe, calibrate, train
from models.prior.turning import train_turn


def train_and_export(
    data: Path, models: Sequence[str], recipe: Recipe, out: Path, basis: Basis | None = None
) -> str:
    """Train on a folder of shards and write the ONNX file; returns its SHA-256.

    Raises:
        BadInput: there is no usable training data.
        OutputFailed: the file cannot be written.
    """
    basis = basis or learn_basis(data, models)
    people = load_people(data, models, basis)
    kept = held_out(people.number)
    if not len(people.of(np.flatnonzero(~kept)).pairs) or not len(people.of(np.flatnonzero(kept)).pairs):
        raise BadInput(f"{data} holds too few people to train on.", "Render fifty or more.")
    members: list[PriorNet] = []
    started = time.monotonic()

    def report(step: int, loss: float) -> None:
        done, whole = len(members) * recipe.steps + step, recipe.members * recipe.steps
        left = (time.monotonic() - started) / done * (whole - done)
        typer.echo(f"step {done}/{whole}, loss {loss:.4f}, {left / 60:.1f} min left")

    trained = people.of(np.flatnonzero(~kept))
    for seed in range(recipe.members):
        members.append(train(trained, replace(recipe, seed=seed), report))
    turning = [train_turn(trained, replace(recipe, seed=seed)) for seed in range(recipe.turning)]
    net = Ensemble(members, turning).eval()
    calibrate(net, people.of(np.flatnonzero(kept)), recipe)
    return export(net, basis, out)


def describe(name: str, result: Result) -> str:
    """One line of scores."""
    error, active, correlation = result.scores
    return (
        f"{name}: error {error:.3f}, where active {active:.3f}, correlation {correlation:.2f}, "
        f"error over deviation {result.deviation_ratio:.2f}"
    )


def main(
    data: Annotated[Path, typer.Option(help="folder of rendered shards")],
    out: Annotated[Path, typer.Option(help="the ONNX file")] = SHIPPED,
    models: Annotated[str, typer.Option(help="face models to train on")] = "anny,ict",
    steps: Annotated[int, typer.Option()] = Recipe.steps,
) -> None:
    """Train the landmark prior and export it."""
    torch.set_num_threads(1)
    names = models.split(",")
    try:
        checksum = train_and_export(data, names, Recipe(steps=steps), out)
        prior = LandmarkPrior(out)
        for name in names:
            typer.echo(describe(f"held-out people of {name}", evaluate(prior, people_clips(data, [name]))))
    except SemblanceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{out} has SHA-256 {checksum}")


if __name__ == "__main__":
    typer.run(main)
