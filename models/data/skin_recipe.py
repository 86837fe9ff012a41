"""What a random skin is made of, before it is painted at any resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

_DARKEST: Final = np.array([0.060, 0.030, 0.019])
_LIGHTEST: Final = np.array([0.74, 0.50, 0.40])
_HAIR: Final = np.array(
    [
        [0.010, 0.009, 0.008],  # black
        [0.030, 0.019, 0.012],  # dark brown
        [0.075, 0.042, 0.023],  # brown
        [0.20, 0.085, 0.035],  # red
        [0.30, 0.20, 0.10],  # blond
        [0.36, 0.35, 0.34],  # grey
    ]
)
_IRISES: Final = np.array(
    [[0.045, 0.024, 0.014], [0.090, 0.048, 0.026], [0.12, 0.10, 0.05], [0.09, 0.14, 0.20], [0.16, 0.18, 0.18]]
)


@dataclass(frozen=True)
class SkinRecipe:
    """A skin; strengths are 0-1 unless said, colours linear, lengths in metres.

    Attributes:
        shift: moves all noise, so that no two skins have their spots in the same places.
        photo: share of the photographed skin.
        grizzle: how much of the beard's hair is grey.
    """

    tone: Float[ndarray, "3"]
    shift: Float[ndarray, "3"]
    photo: float
    photo_contrast: float
    mottle: float
    redness: float
    pores: float
    freckles: float
    moles: int
    wrinkles: float
    bags: float
    lip_colour: Float[ndarray, "3"]
    lip_strength: float
    brow_strength: float
    brow_width: float
    brow_arch: float
    hair_colour: Float[ndarray, "3"]
    beard: float
    beard_length: float
    grizzle: float
    liner: float
    shadow: float
    shadow_colour: Float[ndarray, "3"]
    blush: float
    iris: Float[ndarray, "3"]
    white: float
    teeth: Float[ndarray, "3"]
    flesh: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> SkinRecipe:
        """A random skin; always draws the same number of numbers."""
        light = rng.beta(1.1, 1.0)
        tone = np.exp(np.log(_DARKEST) + (np.log(_LIGHTEST) - np.log(_DARKEST)) * light**0.75)
        tone = tone * np.exp(rng.normal(0, 0.10)) * np.exp(rng.normal(0, [0.03, 0.05, 0.07]))
        kind, share = rng.random(), rng.random()
        photo = 0.0 if kind < 0.55 else share if kind < 0.85 else 1.0
        made_up, bearded, old = rng.random() < 0.25, rng.random() < 0.35, rng.random() ** 2
        lips = tone * rng.uniform(0.65, 1.0) * np.array([1.0, rng.uniform(0.45, 0.8), rng.uniform(0.5, 0.85)])
        stick = np.array([rng.uniform(0.15, 0.6), rng.uniform(0.01, 0.12), rng.uniform(0.02, 0.15)])
        hair = _HAIR[rng.choice(len(_HAIR), p=[0.28, 0.25, 0.2, 0.06, 0.12, 0.09])]
        hair = hair * np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.05, 3))
        stick = stick * (0.35 + 0.65 * min(1.0, float(tone.mean()) / 0.3))
        painted = made_up and rng.random() < 0.6
        iris = _IRISES[rng.integers(len(_IRISES))] * np.exp(rng.normal(0, 0.15, 3))
        length = rng.choice([0.35, 1.0])
        numbers = rng.random(16)
        return cls(
            tone=np.clip(tone, 0.012, 0.85),
            shift=rng.uniform(-5, 5, 3),
            photo=photo,
            photo_contrast=float(0.7 + 0.6 * numbers[0]),
            mottle=float(0.03 + 0.15 * numbers[1] ** 2),
            redness=float(numbers[2]),
            pores=float(0.3 + 0.7 * numbers[3]),
            freckles=float(max(0.0, (numbers[4] - 0.75) * 4)),
            moles=int(6 * numbers[5] ** 2),
            wrinkles=float(0.15 + 0.85 * old),
            bags=float(0.1 + 0.4 * numbers[6] + 0.3 * old),
            lip_colour=stick if painted else lips,
            lip_strength=0.9 if painted else float(0.35 + 0.55 * numbers[7]),
            brow_strength=float(0.5 + 0.5 * numbers[8] ** 0.7),
            brow_width=float(0.0024 + 0.0032 * numbers[9]),
            brow_arch=float(numbers[10] - 0.5),
            hair_colour=np.clip(hair, 0.004, 0.6),
            beard=float(0.25 + 0.75 * numbers[11]) if bearded else 0.0,
            beard_length=float(length),
            grizzle=float(max(0.0, old - 0.4)),
            liner=float(numbers[12]) if made_up else float(0.25 * numbers[12]),
            shadow=float(0.6 * numbers[13]) if made_up else 0.0,
            shadow_colour=tone * rng.uniform(0.25, 1.1) * rng.uniform(0.5, 1.2, 3),
            blush=float(0.5 * numbers[14]) if made_up else 0.0,
            iris=np.clip(iris, 0.01, 0.4),
            white=float(rng.uniform(0.75, 1.05)),
            teeth=rng.uniform(0.7, 1.1) * np.array([1.0, rng.uniform(0.93, 1.0), rng.uniform(0.8, 1.0)]),
            flesh=float(0.6 + 0.6 * numbers[15]),
        )
