"""Wrinkle strengths for shaders: how far each region of a face is folded, from the 52 ARKit coefficients.

A character with wrinkle maps blends each map by one number. These are such numbers, from 0 (smooth) to 1
(folded as far as it goes), one for each region where skin folds and the coefficients that fold it:

=============================  ===============================================  ============================
property                       where                                            follows
=============================  ===============================================  ============================
``wrinkle_brow_raise``         lines across the forehead                        browInnerUp, browOuterUp
``wrinkle_brow_frown``         lines between the brows                          browDown
``wrinkle_nose``               bridge and sides of the nose                     noseSneer
``wrinkle_squint_left/right``  crow's feet and below the eye                    eyeSquint, cheekSquint
``wrinkle_blink_left/right``   the upper lid                                    eyeBlink
``wrinkle_smile_left/right``   fold from nose to mouth, outside its corner      mouthSmile, mouthUpperUp
``wrinkle_frown_left/right``   below the mouth's corner                         mouthFrown
``wrinkle_stretch_left/right`` beside the mouth, and the neck's cords           mouthStretch, mouthDimple
``wrinkle_pucker``             lines round the lips                             mouthPucker, mouthFunnel
``wrinkle_chin``               the chin's skin                                  mouthShrugLower
=============================  ===============================================  ============================

The weights are set by hand, so that what folds a region fully on its own gives 1; they are fitted to no data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.retarget.table import Channel, Table


@dataclass(frozen=True)
class Wrinkle:
    """One region.

    Attributes:
        weights: ARKit name → weight; their sum is limited to 1.
        text: what the number means, for people.
    """

    weights: Mapping[str, float]
    text: str


def _sides(name: str, weights: Mapping[str, float], text: str) -> dict[str, Wrinkle]:
    return {
        f"{name}_{side.lower()}": Wrinkle(
            {unit + side: weight for unit, weight in weights.items()}, f"{text}, the person's {side.lower()}"
        )
        for side in ("Left", "Right")
    }


WRINKLES: Final[Mapping[str, Wrinkle]] = {
    "wrinkle_brow_raise": Wrinkle(
        {"browInnerUp": 0.6, "browOuterUpLeft": 0.3, "browOuterUpRight": 0.3}, "Lines across the forehead"
    ),
    "wrinkle_brow_frown": Wrinkle({"browDownLeft": 0.5, "browDownRight": 0.5}, "Lines between the brows"),
    "wrinkle_nose": Wrinkle({"noseSneerLeft": 0.5, "noseSneerRight": 0.5}, "Bridge and sides of the nose"),
    **_sides("wrinkle_squint", {"eyeSquint": 0.6, "cheekSquint": 0.6}, "Crow's feet and below the eye"),
    **_sides("wrinkle_blink", {"eyeBlink": 1.0}, "The upper lid"),
    **_sides("wrinkle_smile", {"mouthSmile": 0.9, "mouthUpperUp": 0.4}, "Fold from the nose to the mouth"),
    **_sides("wrinkle_frown", {"mouthFrown": 1.0}, "Below the mouth's corner"),
    **_sides("wrinkle_stretch", {"mouthStretch": 0.8, "mouthDimple": 0.4}, "Beside the mouth and the neck"),
    "wrinkle_pucker": Wrinkle({"mouthPucker": 0.8, "mouthFunnel": 0.5}, "Lines round the lips"),
    "wrinkle_chin": Wrinkle({"mouthShrugLower": 1.0}, "The chin's skin"),
}
"""Property → what drives it. The names and their meaning stay."""


def wrinkle_table(gain: float = 1.0, neutral: Mapping[str, float] | None = None, swap: bool = False) -> Table:
    """The wrinkles as a mapping; arguments as those of :class:`core.retarget.table.Table`."""
    channels = {name: Channel(wrinkle.weights, gain) for name, wrinkle in WRINKLES.items()}
    return Table(channels, "wrinkles", dict(neutral or {}), swap)
