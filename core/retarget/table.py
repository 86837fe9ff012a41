"""The mapping table that users edit, and its use: 52 units in, one curve for each shape key out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.arkit import ARKIT_INDEX, ARKIT_NAMES, mirrored_name

_MIRRORED = [ARKIT_INDEX[mirrored_name(name)] for name in ARKIT_NAMES]
_ALMOST_ALL = 0.95  # a neutral face with more of a unit than this says nothing about the unit's range


@dataclass(frozen=True)
class Channel:
    """How one shape key is driven: ``clip(gain · Σ weight · unit + offset, low, high)``.

    Attributes:
        weights: ARKit name → weight.
        low, high: limits of the key's value.
        muted: kept in the table, but the key is left alone.
    """

    weights: Mapping[str, float]
    gain: float = 1.0
    offset: float = 0.0
    low: float = 0.0
    high: float = 1.0
    muted: bool = False


@dataclass(frozen=True)
class Table:
    """A mapping from the 52 ARKit units to shape keys.

    Attributes:
        channels: shape key → how it is driven. A key of that name is driven on every mesh that has one.
        name: for people to read.
        neutral: units of the performer's face at rest, which become 0; see :func:`calibrated`.
        mirrored: swap left and right.
    """

    channels: Mapping[str, Channel]
    name: str = ""
    neutral: Mapping[str, float] = field(default_factory=dict)
    mirrored: bool = False


def calibrated(table: Table, coefficients: Float[ndarray, "frames 52"], frame: int) -> Table:
    """The table with the performer's neutral face taken from a frame.

    Raises:
        IndexError: there is no such frame.
    """
    return replace(table, neutral=dict(zip(ARKIT_NAMES, coefficients[frame].tolist(), strict=True)))


def apply_table(
    table: Table, coefficients: Float[ndarray, "frames 52"], keys: Collection[str] | None = None
) -> tuple[tuple[str, ...], Float32[ndarray, "frames keys"]]:
    """Curves of the shape keys, each in its limits.

    A unit ``c`` with the neutral value ``n`` counts as ``(c - n) / (1 - n)``, at least 0: rest becomes 0 and
    all stays all. Left and right are swapped after that, so that ``neutral`` is always the performer's own.

    Args:
        keys: the keys that a mesh has; others are left out.

    Returns:
        The names of the keys that are not muted, in the table's order, and their values.

    Raises:
        KeyError: the table names a unit that is not ARKit's.
    """
    names = tuple(
        name
        for name, channel in table.channels.items()
        if not channel.muted and (keys is None or name in keys)
    )
    channels = [table.channels[name] for name in names]
    matrix = np.zeros((len(ARKIT_NAMES), len(names)))
    for column, channel in enumerate(channels):
        for unit, weight in channel.weights.items():
            matrix[ARKIT_INDEX[unit], column] += weight
    units = _without_neutral(np.asarray(coefficients, np.float64), table.neutral)
    if table.mirrored:
        units = units[:, _MIRRORED]
    gain, offset, low, high = (
        np.array([getattr(channel, part) for channel in channels])
        for part in ("gain", "offset", "low", "high")
    )
    return names, np.clip(gain * (units @ matrix) + offset, low, high).astype(np.float32)


def _without_neutral(
    coefficients: Float[ndarray, "frames 52"], neutral: Mapping[str, float]
) -> Float[ndarray, "frames 52"]:
    if not neutral:
        return coefficients
    rest = np.zeros(len(ARKIT_NAMES))
    for unit, value in neutral.items():
        rest[ARKIT_INDEX[unit]] = min(max(value, 0.0), _ALMOST_ALL)
    shifted: Float[ndarray, "frames 52"] = np.maximum(coefficients - rest, 0.0) / (1.0 - rest)
    return shifted
