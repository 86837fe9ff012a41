"""What each part of the landmark prior is worth: one network a line, scored on what none was trained on.

    python -m models.prior.ablation --data FOLDER --clips FOLDER --out TABLE.md [--steps N]

``--clips`` is a folder rendered with ``models.prior.render --clips``.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import torch
import typer

from core.errors import SemblanceError
from models.prior.evaluate import Result, evaluate, people_clips, take_clips
from models.prior.prior import LandmarkPrior
from models.prior.train import train_and_export
from models.prior.training import Recipe

BOTH: Final = ("anny", "ict")
_WHOLE: Final = Recipe(members=1)
VARIANTS: Final[tuple[tuple[str, Recipe, tuple[str, ...]], ...]] = (
    ("neither constraint", replace(_WHOLE, identity=0.0, exclusive=0.0), BOTH),
    ("identity-consistent", replace(_WHOLE, exclusive=0.0), BOTH),
    ("identity-consistent and exclusive (shipped)", _WHOLE, BOTH),
    ("... without the reference", replace(_WHOLE, use_reference=False), BOTH),
    ("... without mixed expressions", replace(_WHOLE, mix=0.0), BOTH),
    ("... anny alone", _WHOLE, ("anny",)),
    ("... ict alone", _WHOLE, ("ict",)),
)


def _cells(result: Result) -> str:
    error, active, correlation = result.scores
    return f"{error:.3f} / {active:.3f} / {correlation:.2f}"


def run_ablation(data: Path, clips: Path, steps: int, out: Path) -> None:
    """Train every variant and write the table, line by line.

    Raises:
        BadInput: data or clips are missing or damaged.
    """
    sets = [people_clips(data, [name]) for name in BOTH] + [take_clips(clips, [name]) for name in BOTH]
    lines = [
        "| variant | people, anny | people, ict | take, anny | take, ict | weaker of a pair |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        for name, recipe, models in VARIANTS:
            file = Path(scratch) / "variant.onnx"
            train_and_export(data, models, replace(recipe, steps=steps), file)
            prior = LandmarkPrior(file)
            results = [evaluate(prior, some, recipe.use_reference) for some in sets]
            cells = " | ".join(_cells(result) for result in results)
            lines.append(f"| {name} | {cells} | {1e3 * results[0].contradiction:.1f}e-3 |")
            out.write_text("\n".join(lines) + "\n")
            typer.echo(lines[-1])


def main(
    data: Annotated[Path, typer.Option(help="folder of rendered people")],
    clips: Annotated[Path, typer.Option(help="folder of rendered clips")],
    out: Annotated[Path, typer.Option(help="the table, Markdown")],
    steps: Annotated[int, typer.Option()] = Recipe.steps,
) -> None:
    """Train the variants and print their scores: error / where active / correlation."""
    torch.set_num_threads(1)
    try:
        run_ablation(data, clips, steps, out)
    except SemblanceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
