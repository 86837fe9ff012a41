"""Recorded ARKit takes, as Live Link Face writes them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.errors import UnreadableMedia


def read_take(path: Path) -> Float32[ndarray, "frames 52"]:
    """Coefficients of every frame of a Live Link Face CSV; columns that it lacks are 0.

    Raises:
        UnreadableMedia: the file is missing or no such CSV.
    """
    hint = "Give a CSV recorded with Live Link Face."
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableMedia(f"{path} cannot be read: {error}.", hint) from error
    columns = {name[:1].lower() + name[1:]: index for index, name in enumerate(rows[0] if rows else [])}
    known = [name for name in ARKIT_NAMES if name in columns]
    whole = [row for row in rows[1:] if len(row) == len(rows[0])]
    if not known or not whole:
        raise UnreadableMedia(f"{path} holds no ARKit coefficients.", hint)
    take = np.zeros((len(whole), len(ARKIT_NAMES)), np.float32)
    for index, name in enumerate(ARKIT_NAMES):
        if name in columns:
            try:
                take[:, index] = [float(row[columns[name]]) for row in whole]
            except ValueError as error:
                raise UnreadableMedia(f"{path}: column {name} holds {error}.", hint) from error
    return np.clip(take, 0, 1)


def training_half(take: Float32[ndarray, "frames 52"]) -> Float32[ndarray, "half 52"]:
    """The frames that may be trained on: the first half."""
    return take[: len(take) // 2]


def held_out_half(take: Float32[ndarray, "frames 52"]) -> Float32[ndarray, "half 52"]:
    """The frames that are kept for tests: the second half."""
    return take[len(take) // 2 :]
