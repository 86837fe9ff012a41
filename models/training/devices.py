"""Where training runs: one CPU or GPU, or as many as ``torchrun`` started processes for."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision, Precision

from core.errors import BadInput
from models.training.schedule import Schedule

Device = Literal["auto", "cpu", "cuda"]


class _Autocast(MixedPrecision):
    """Autocast alone: Fabric's own would round cameras to half floats before a network sees them."""

    def convert_input(self, data: Any) -> Any:
        return data


def make_fabric(config: Schedule, device: Device) -> Fabric:
    """Fabric for a run, launched.

    Raises:
        BadInput: CUDA was asked for and is not there.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("There is no CUDA device here.", "Leave --device out, or install PyTorch for CUDA.")
    kind = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    world = int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if world > 1 else 1
    plugin: Precision = Precision()
    if config.precision in ("bf16-mixed", "16-mixed"):
        plugin = _Autocast(config.precision, kind)  # type: ignore[arg-type]
    fabric = Fabric(
        accelerator=kind, devices=here, num_nodes=world // here, strategy="ddp" if world > 1 else "auto",
        plugins=[plugin],
    )  # fmt: skip
    fabric.launch()
    return fabric


def device_name(device: torch.device) -> str:
    """For the model card."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} thread(s) of a CPU ({platform.machine()})"


@contextmanager
def quiet() -> Iterator[None]:
    """Fabric's own remarks stay out of the output."""
    logger = logging.getLogger("lightning_fabric")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
