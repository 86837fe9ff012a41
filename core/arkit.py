"""The 52 ARKit coefficients: names, order, sides and the pairs that exclude each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ARKIT_NAMES: Final[tuple[str, ...]] = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft",
    "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft",
    "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip

ARKIT_INDEX: Final[dict[str, int]] = {name: index for index, name in enumerate(ARKIT_NAMES)}


def mirrored_name(name: str) -> str:
    """The coefficient of the other side of the face; a coefficient without a side gives itself.

    >>> mirrored_name("browDownLeft"), mirrored_name("jawOpen")
    ('browDownRight', 'jawOpen')
    """
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return name


MIRRORED_UNITS: Final[tuple[int, ...]] = tuple(ARKIT_INDEX[mirrored_name(name)] for name in ARKIT_NAMES)
"""Index of each coefficient's twin on the other side: coefficients of a face in the mirror."""


def _both_sides(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((a + side, b + side) for a, b in pairs for side in ("Left", "Right"))


# CPEM's contradictory pairs (eq. 4 and its supplement), in ARKit's vocabulary, plus the pairs that only ARKit
# has. Its one brow raise is ARKit's inner and outer one.
EXCLUSIVE_PAIRS: Final[tuple[tuple[str, str], ...]] = (
    *_both_sides(
        ("eyeBlink", "eyeWide"),
        ("eyeSquint", "eyeWide"),
        ("eyeLookDown", "eyeLookUp"),
        ("eyeLookIn", "eyeLookOut"),
        ("browDown", "browOuterUp"),
        ("mouthFrown", "mouthSmile"),
        ("mouthFrown", "mouthPress"),
        ("mouthFrown", "mouthDimple"),
    ),
    *((f"browDown{side}", "browInnerUp") for side in ("Left", "Right")),
    ("eyeLookOutLeft", "eyeLookOutRight"),  # eyes do not diverge
    ("jawLeft", "jawRight"),
    ("mouthLeft", "mouthRight"),
    *((("mouthRollUpper"), f"mouthUpperUp{side}") for side in ("Left", "Right")),
    *((roll, f"mouthLowerDown{side}") for roll in ("mouthRollLower", "mouthShrugLower")
      for side in ("Left", "Right")),
    *((lips, f"{wide}{side}") for lips in ("mouthPucker", "mouthFunnel")
      for wide in ("mouthSmile", "mouthStretch") for side in ("Left", "Right")),
    ("cheekPuff", "jawOpen"),
)  # fmt: skip


def driven(weights: Mapping[str, float], expression: Mapping[str, float]) -> float:
    """What follows several coefficients: their weighted sum, at most 1; names left out are 0."""
    return min(1.0, sum(weight * expression.get(name, 0.0) for name, weight in weights.items()))
