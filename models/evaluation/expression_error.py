"""Expression coefficients: the mean absolute error by CPEM's ten groups (table 1), and over all units.

FEAFA annotates 24 units of its own. ``UNITS`` says what each is in ARKit's vocabulary; where that has several
coefficients for one unit, their mean is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.numbers import Number

UNITS: Final[dict[str, tuple[str, ...]]] = {
    "left eye close": ("eyeBlinkLeft",),
    "right eye close": ("eyeBlinkRight",),
    "left lid raise": ("eyeWideLeft",),
    "right lid raise": ("eyeWideRight",),
    "left brow lower": ("browDownLeft",),
    "right brow lower": ("browDownRight",),
    "left brow raise": ("browInnerUp", "browOuterUpLeft"),
    "right brow raise": ("browInnerUp", "browOuterUpRight"),
    "jaw left": ("jawLeft",),
    "jaw right": ("jawRight",),
    "jaw drop": ("jawOpen",),
    "jaw thrust": ("jawForward",),
    "left lip corner pull": ("mouthSmileLeft",),
    "right lip corner pull": ("mouthSmileRight",),
    "left lip corner stretch": ("mouthStretchLeft",),
    "right lip corner stretch": ("mouthStretchRight",),
    "upper lip suck": ("mouthRollUpper",),
    "lower lip suck": ("mouthRollLower",),
    "upper lip raise": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "lower lip depress": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "chin raise": ("mouthShrugLower",),
    "lip pucker": ("mouthPucker",),
    "cheek puff": ("cheekPuff",),
    "nose wrinkle": ("noseSneerLeft", "noseSneerRight"),
}
"""FEAFA's 24 units and the coefficients that they are in ARKit's vocabulary. Left and right are the person's
own."""

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Eye Close": ("left eye close", "right eye close"),
    "Brow Lower": ("left brow lower", "right brow lower"),
    "Brow Raise": ("left brow raise", "right brow raise"),
    "Mouth Open": ("jaw drop",),
    "Lip Suck": ("upper lip suck", "lower lip suck"),
    "Lip R/D": ("upper lip raise", "lower lip depress"),
    "Kiss": ("lip pucker",),
    "Nose Wrinkle": ("nose wrinkle",),
    "Lip Corner Pull": ("left lip corner pull", "right lip corner pull"),
    "Lip Corner Stretch": ("left lip corner stretch", "right lip corner stretch"),
}
"""CPEM's ten groups, in the order of its table 1."""


def as_units(expression: Float[ndarray, "*frames 52"]) -> Float[ndarray, "*frames 24"]:
    """ARKit's coefficients as FEAFA's units, in the order of ``UNITS``."""
    columns = [[ARKIT_INDEX[name] for name in names] for names in UNITS.values()]
    return np.stack([expression[..., column].mean(axis=-1) for column in columns], axis=-1)


def group_errors(
    found: Float[ndarray, "frames 24"], true: Float[ndarray, "frames 24"], *, above: Number | None
) -> list[float]:
    """Mean absolute error of each of ``GROUPS`` and the mean of the ten; NaN for a group never shown.

    Args:
        above: over the frames alone that show the unit by more than this; over all where none.
    """
    names = list(UNITS)
    apart = np.abs(found - true)
    means = []
    for members in GROUPS.values():
        columns = [names.index(name) for name in members]
        counted = np.ones((len(true), len(columns)), bool) if above is None else true[:, columns] > above
        means.append(float(apart[:, columns][counted].mean()) if counted.any() else float("nan"))
    return [*means, mean_known(means)]


def mean_known(values: Sequence[float]) -> float:
    """Mean without NaN."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
