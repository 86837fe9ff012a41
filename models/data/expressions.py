"""Random expressions of random people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_INDEX, ARKIT_NAMES, EXCLUSIVE_PAIRS, mirrored_name

FRAMES: Final = 10
"""Of each person: one without expression, two at rest, seven expressions."""
CLIP_FRAMES: Final = 48
SHARED: Final = 4  # of the seven; both people of a pair show them
_REST: Final = 2
_COUNT: Final = len(ARKIT_NAMES)
_ONE_SIDED: Final = {"jawLeft", "jawRight", "mouthLeft", "mouthRight"}
_QUIET: Final = 0.3  # the part of a take that counts as rest


@dataclass(frozen=True)
class ExpressionSampler:
    """Draws expressions; those of a take too where there is one.

    Attributes:
        take: frames of a recorded take, or none.
    """

    take: Float32[ndarray, "frames 52"] | None = None

    def person(self, shared: np.random.Generator, own: np.random.Generator) -> Float32[ndarray, "10 52"]:
        """The frames of one person.

        Args:
            shared: draws the expressions that a pair of people have in common: give both the same.
            own: draws the rest.
        """
        rest = self._rest(own)
        frames = [np.zeros(_COUNT, np.float32)]
        frames += [np.clip(rest + own.normal(0, 0.03, _COUNT) * (rest > 0), 0, 1) for _ in range(_REST)]
        frames += [self.expression(shared) for _ in range(SHARED)]
        frames += [self.expression(own) for _ in range(FRAMES - 1 - _REST - SHARED)]
        return np.stack(frames).astype(np.float32)

    def expression(self, rng: np.random.Generator) -> Float32[ndarray, "52"]:
        """A frame of the take, a few units together, or many small ones."""
        kind = rng.random()
        if kind < 0.5 and self.take is not None:
            recorded = self.take[rng.integers(len(self.take))] * rng.uniform(0.8, 1.15)
            if rng.random() < 0.3:
                recorded = np.maximum(recorded, _few_units(rng, most=2))
            return np.clip(recorded, 0, 1).astype(np.float32)
        if kind < 0.92:
            return _few_units(rng, most=6)
        return without_contradictions((rng.beta(0.3, 2.0, _COUNT) * 0.5).astype(np.float32))

    def _rest(self, rng: np.random.Generator) -> Float32[ndarray, "52"]:
        """How a person looks at rest: not quite without expression."""
        if self.take is not None and rng.random() < 0.4:
            loudness = self.take.sum(axis=1)
            quiet = self.take[loudness <= np.quantile(loudness, _QUIET)]
            return (quiet[rng.integers(len(quiet))] * rng.uniform(0.4, 1.1)).astype(np.float32)
        some = rng.random(_COUNT) < 0.2
        return without_contradictions((some * rng.exponential(0.08, _COUNT)).clip(0, 0.4).astype(np.float32))


@dataclass(frozen=True)
class ClipSampler:
    """Plays a take: every person shows frames spread evenly over it, in order.

    Attributes:
        take: frames of a recorded take.
    """

    take: Float32[ndarray, "frames 52"]

    def person(self, shared: np.random.Generator, own: np.random.Generator) -> Float32[ndarray, "frames 52"]:
        """``CLIP_FRAMES`` frames; ``own`` draws where they begin."""
        step = len(self.take) / CLIP_FRAMES
        return self.take[((np.arange(CLIP_FRAMES) + own.random()) * step).astype(int)]


def without_contradictions(expression: Float32[ndarray, "52"]) -> Float32[ndarray, "52"]:
    """The weaker unit of each contradictory pair set to 0; lips close no farther than the jaw is open."""
    clean = expression.copy()
    for a, b in EXCLUSIVE_PAIRS:
        i, j = ARKIT_INDEX[a], ARKIT_INDEX[b]
        clean[i if clean[i] < clean[j] else j] = 0
    clean[ARKIT_INDEX["mouthClose"]] = min(clean[ARKIT_INDEX["mouthClose"]], clean[ARKIT_INDEX["jawOpen"]])
    return clean


def _few_units(rng: np.random.Generator, most: int) -> Float32[ndarray, "52"]:
    expression = np.zeros(_COUNT, np.float32)
    for unit in rng.choice(_COUNT, rng.integers(1, most + 1), replace=False):
        name, strength = ARKIT_NAMES[unit], rng.uniform(0.1, 1.0)
        expression[unit] = strength
        if name not in _ONE_SIDED and rng.random() < 0.7:
            expression[ARKIT_INDEX[_partner(name)]] = strength * rng.uniform(0.7, 1.0)
        if name in ("mouthClose", "tongueOut"):  # seen with an open jaw only
            jaw = ARKIT_INDEX["jawOpen"]
            expression[jaw] = max(expression[jaw], strength * rng.uniform(0.4, 1.0))
    return without_contradictions(expression)


def _partner(name: str) -> str:
    """The unit of the other eye or side that usually goes along: eyes look the same way."""
    if name.startswith(("eyeLookIn", "eyeLookOut")):
        swapped = name.replace("LookIn", "Look@").replace("LookOut", "LookIn").replace("Look@", "LookOut")
        return mirrored_name(swapped)
    return mirrored_name(name)
