"""A run's whole state in one file, from which it goes on as if it had never stopped."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from core.atomic import staged_output
from core.errors import BadInput, ModelUnreadable

FILE: Final = "checkpoint.pt"
_FORMAT: Final = 1
_HINT: Final = "Delete it and train from the beginning, or choose another folder with --out."


def save_checkpoint(
    folder: Path, settings: Mapping[str, Any], step: int, seconds: float, state: dict[str, Any]
) -> None:
    """Write the state after so many steps; the file before it stays until this one is whole.

    Args:
        settings: of the run, as plain values.
        seconds: of training so far.
        state: tensors and plain values, by name.

    Raises:
        OutputFailed: the folder cannot be written or the disk is full.
    """
    random: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        random["cuda"] = torch.cuda.get_rng_state()
    stored = {
        "format": _FORMAT, "config": dict(settings), "step": step, "seconds": seconds,
        "random": random, "state": state,
    }  # fmt: skip
    with staged_output(folder / FILE) as path:
        torch.save(stored, path)


def load_checkpoint(
    folder: Path, settings: Mapping[str, Any], same: Sequence[str]
) -> tuple[int, float, dict[str, Any]]:
    """Steps done, seconds so far and the state; takes up the random numbers too. No code in the file is run.

    Args:
        settings: of the run that is to go on.
        same: names of settings that a run keeps to its end.

    Raises:
        BadInput: there is none, or it is of a run of other networks or batches.
        ModelUnreadable: it is damaged, or of another version.
    """
    file = folder / FILE
    if not file.is_file():
        raise BadInput(f"{folder} has no checkpoint to go on from.", "Leave --resume out.")
    try:
        stored = torch.load(file, map_location="cpu", weights_only=True)
        if stored["format"] != _FORMAT:
            raise ValueError(f"it is of version {stored['format']}, not {_FORMAT}")
        before, step, seconds = stored["config"], int(stored["step"]), float(stored["seconds"])
        random, state = stored["random"], dict(stored["state"])
    except (
        pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError, KeyError,
        TypeError, AttributeError, IndexError,
    ) as error:  # fmt: skip
        raise unreadable(file, error) from error
    differs = [name for name in same if before.get(name) != settings[name]]
    if differs:
        raise BadInput(
            f"{file} is of a run with other settings ({', '.join(differs)}).",
            "Repeat those in its config.toml, or choose another folder with --out.",
        )
    torch.set_rng_state(random["cpu"])
    if "cuda" in random and torch.cuda.is_available():
        torch.cuda.set_rng_state(random["cuda"])
    return step, seconds, state


def unreadable(file: Path, error: Exception) -> ModelUnreadable:
    """What is said of a checkpoint that cannot be used."""
    reason = str(error).partition("\n")[0] or type(error).__name__
    return ModelUnreadable(f"The checkpoint {file} is damaged or of another version ({reason}).", _HINT)
