"""The model card of a run's network, written from what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.layout import Layout
from models.network_kinds import NETWORK_KINDS
from models.training.config import TrainingConfig
from models.training.source import DataFacts
from models.training.validation import UNITS


@dataclass(frozen=True)
class RunFacts:
    """What a run was.

    Attributes:
        steps: done.
        seconds: of training, those of resumed parts together.
        pictures: shown, in all processes.
        skipped: steps without a finite gradient.
        device: its name.
        processes: that trained together.
        losses: mean terms of the last steps.
        validation: figures by name, of the weights that are kept.
        command: what was typed.
    """

    steps: int
    seconds: float
    pictures: int
    skipped: int
    device: str
    processes: int
    losses: Mapping[str, float]
    validation: Mapping[str, float]
    command: str


def write_card(
    name: str,
    layout: Layout,
    parameters: int,
    config: TrainingConfig,
    data: Sequence[DataFacts],
    held_out: Sequence[DataFacts],
    run: RunFacts,
) -> str:
    """The card as Markdown."""
    says = "the 52 ARKit coefficients"
    if layout.identity:
        says += f", {layout.identity} identity and {layout.albedo} albedo coefficients of {layout.model}"
        says += ", pose and light"
    title = NETWORK_KINDS[layout.kind].title
    sections = [
        f"# {name}",
        f"{title}: from a crop of {layout.side} by {layout.side} pixels to {says}.",
        table(
            ("network", layout.kind),
            ("backbone", layout.backbone),
            ("parameters", f"{parameters:,}"),
            ("weights", f"`{name}.safetensors`, running mean (decay {config.ema})"
             + (", half floats" if config.half else "")),
        ),
        "## Training",
        table(
            ("steps", f"{run.steps:,} of {config.people} people with {config.frames} pictures each"
             + (f", in each of {run.processes} processes" if run.processes > 1 else "")),
            ("pictures shown", f"{run.pictures:,}"),
            ("time", f"{run.seconds:,.0f} s on {run.device}, {config.precision}"),
            ("steps without a finite gradient", str(run.skipped)),
            ("settings", "`config.toml`"),
        ),
        *([f"```sh\n{run.command}\n```"] if run.command else []),
        "## Data and licences",
        *(described(facts) for facts in data),
        "Weights may be used as far as these licences allow.",
        "## Figures",
        "Losses, weighted, mean of the last steps:",
        table(*((term, f"{value:.4g}") for term, value in run.losses.items())),
        _validation(held_out, run.validation),
    ]  # fmt: skip
    return "\n\n".join(sections) + "\n"


def described(facts: DataFacts) -> str:
    """A data set as a list with its licences."""
    size = f"{facts.people:,} people, {facts.pictures:,} pictures" if facts.pictures else "without end"
    lines = [f"- **{facts.name}** ({size})"]
    lines += [f"  - {part}: {licence}" for part, licence in facts.sources.items()]
    return "\n".join(lines)


def _validation(held_out: Sequence[DataFacts], figures: Mapping[str, float]) -> str:
    if not figures:
        return "It was not validated: no labelled people were kept for it."
    names = ", ".join(f"{facts.name} ({facts.people:,} people)" for facts in held_out)
    rows = table(*((UNITS[figure], f"{value:.4f}") for figure, value in figures.items()))
    return f"On people it was not trained on, of {names}:\n\n{rows}"


def table(*rows: tuple[str, str]) -> str:
    """Facts beside each other."""
    return "\n".join(["| | |", "|---|---|", *(f"| {left} | {right} |" for left, right in rows)])
