"""What rendered people do: expressions and gaze for any number of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from models.data.expressions import ExpressionSampler

_AT_REST: Final = 0.12
_OWN_GAZE: Final = 0.6  # of frames whose gaze is drawn apart from the expression
_LOOKS: Final = tuple(name for name in ARKIT_INDEX if name.startswith("eyeLook"))


@dataclass(frozen=True)
class Performer:
    """Draws the frames of a person.

    Attributes:
        sampler: of expressions, with or without a take.
    """

    sampler: ExpressionSampler

    def frames(self, count: int, rng: np.random.Generator) -> Float32[ndarray, "count 52"]:
        """Expressions: some at rest, the others as the sampler draws them; gaze often for itself."""
        drawn = []
        for _ in range(count):
            resting, looks_away = rng.random() < _AT_REST, rng.random() < _OWN_GAZE
            shown = self.sampler.expression(rng)
            shown = 0.08 * shown if resting else shown
            drawn.append(with_gaze(shown, rng) if looks_away else shown)
        return np.stack(drawn).astype(np.float32)


def with_gaze(expression: Float32[ndarray, "52"], rng: np.random.Generator) -> Float32[ndarray, "52"]:
    """The expression with both eyes looking one random way instead, converging a little at times."""
    across, up = rng.normal(0, 0.35), rng.normal(0, 0.25)  # to the person's left, and up
    converge = max(0.0, rng.normal(0, 0.05))
    changed = expression.copy()
    for name in _LOOKS:
        changed[ARKIT_INDEX[name]] = 0
    for side, outwards in (("Left", across - converge), ("Right", -across - converge)):
        way = "Out" if outwards > 0 else "In"
        changed[ARKIT_INDEX[f"eyeLook{way}{side}"]] = min(abs(outwards), 1.0)
        changed[ARKIT_INDEX[f"eyeLook{'Up' if up > 0 else 'Down'}{side}"]] = min(abs(up), 1.0)
    return changed
