"""Figures of a run: lines of JSON in its folder, TensorBoard, and whoever listens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from jaxtyping import UInt8
from numpy import ndarray

from core.errors import OutputFailed
from models.training.pictures import write_picture

FILE: Final = "figures.jsonl"

Told = Callable[[str, int, dict[str, float]], None]
"""Called with a network's name (or ``validation/NAME``), the step and figures by name."""


class Record:
    """Where figures go. Steps that were recorded after the checkpoint a run goes on from come twice.

    Attributes:
        tensorboard: whether TensorBoard is installed; without it there are only the other two.
    """

    def __init__(self, folder: Path, told: Told) -> None:
        self._folder, self._told = folder, told
        self._writer: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / "tensorboard"))
        except ImportError:
            pass
        self.tensorboard = self._writer is not None

    def figures(self, name: str, step: int, figures: Mapping[str, float]) -> None:
        """
        Raises:
            OutputFailed: the folder cannot be written.
        """
        line = json.dumps({"name": name, "step": step, **{key: round(v, 6) for key, v in figures.items()}})
        try:
            with (self._folder / FILE).open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
            if self._writer is not None:
                for key, value in figures.items():
                    self._writer.add_scalar(f"{name}/{key}", value, step)
        except OSError as error:
            raise OutputFailed(
                f"Cannot write to {self._folder}: {error.strerror or error}.", "Free space there."
            ) from error
        self._told(name, step, dict(figures))

    def picture(self, name: str, step: int, picture: UInt8[ndarray, "height width 3"]) -> None:
        """Raises as :meth:`figures`."""
        write_picture(picture, self._folder / f"{name}.jpg")
        if self._writer is not None:
            self._writer.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        """End it."""
        if self._writer is not None:
            self._writer.close()
