"""The model card of a run, written from what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from models.reenactment.config import ReenactmentConfig
from models.training.card import described, table
from models.training.source import DataFacts

_UNITS: Final = {
    "l1": "mean absolute error of a pixel", "psnr": "PSNR, dB", "l1_warped": "error of warping alone",
    "psnr_warped": "PSNR of warping alone, dB", "l1_copied": "error of copying the source",
    "psnr_copied": "PSNR of copying the source, dB", "generated": "part of the picture that is generated",
}  # fmt: skip


def write_card(
    config: ReenactmentConfig,
    data: Sequence[DataFacts],
    held_out: Sequence[DataFacts],
    *,
    parameters: int,
    steps: int,
    seconds: float,
    device: str,
    processes: int,
    skipped: int,
    losses: Mapping[str, float],
    validation: Mapping[str, float],
    command: str,
) -> str:
    """The card as Markdown.

    Args:
        seconds: of training, those of resumed parts together.
        losses: mean terms of the last steps.
    """
    shared = f", in each of {processes} processes" if processes > 1 else ""
    sections = [
        f"# {config.name}",
        "Guided reenactment (Zhang et al., 2023): from a photo, and the flow, occlusion and render that "
        "geometry says of another moment, to the picture of that moment.",
        table(
            ("network", config.network or config.name),
            ("without", ", ".join(config.without) or "nothing"),
            ("parameters", f"{parameters:,}"),
            ("weights", f"`{config.name}.safetensors`, running mean (decay {config.ema})"),
        ),
        "## Training",
        table(
            ("steps", f"{steps:,} of {config.pairs} pairs{shared}"),
            ("time", f"{seconds:,.0f} s on {device}, {config.precision}"),
            ("perceptual features", "VGG-19" if config.vgg19 else "EfficientNet-Lite0"),
            ("steps without a finite gradient", str(skipped)),
            ("settings", "`config.toml`"),
        ),
        *([f"```sh\n{command}\n```"] if command else []),
        "## Data and licences",
        *(described(facts) for facts in data),
        "Weights may be used as far as these licences allow.",
        "## Figures",
        "Losses, weighted, mean of the last steps:",
        table(*((term, f"{value:.4g}") for term, value in losses.items())),
        "On pairs it was not trained on, of " + ", ".join(facts.name for facts in held_out) + ":",
        table(*((_UNITS[name], f"{value:.4f}") for name, value in validation.items())),
    ]
    return "\n\n".join(sections) + "\n"
