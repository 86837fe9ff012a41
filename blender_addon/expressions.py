# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 coefficients as an animator sees them: by region, two sides in a row."""

from __future__ import annotations

from dataclasses import dataclass

from .texts import EXPRESSIONS

_ONE_SIDED = frozenset(
    ("browInnerUp", "cheekPuff", "jawOpen", "jawForward", "mouthClose", "mouthFunnel", "mouthPucker",
     "mouthRollUpper", "mouthRollLower", "mouthShrugUpper", "mouthShrugLower", "tongueOut")
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of sliders: a label and one key, or the left and the right one."""

    label: str
    keys: tuple[str, ...]


def _row(base: str, label: str) -> Row:
    return Row(label, (base,) if base in _ONE_SIDED else (f"{base}Left", f"{base}Right"))


ROWS: dict[str, tuple[Row, ...]] = {
    region: tuple(_row(base, label) for base, label in labels.items())
    for region, labels in EXPRESSIONS.items()
}
"""Region → its lines."""


def key_names(region: str = "") -> list[str]:
    """The keys of a region, or all 52."""
    chosen = [ROWS[region]] if region else list(ROWS.values())
    return [key for rows in chosen for row in rows for key in row.keys]


def mirrored(values: dict[str, float], direction: str) -> dict[str, float]:
    """Values with one side copied to the other (``LEFT``, ``RIGHT``: from which), or ``SWAP``\\ ped."""
    result = dict(values)
    for name, value in values.items():
        for side, other in (("Left", "Right"), ("Right", "Left")):
            opposite = name[: -len(side)] + other
            if name.endswith(side) and opposite in values and direction in (side.upper(), "SWAP"):
                result[opposite] = value
    return result
